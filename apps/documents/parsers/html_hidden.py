"""Elements of a web page that no reader sees: by what they say themselves, or by the page's own style sheets.

Of style sheets only rules with plain selectors count (tags, classes, ids, one in another); what a script or a later
state of the page would show again cannot be known. Letters in the colour of paper are seen where anything stands behind
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

_HIDING = re.compile(
    r"(?<![\w-])display\s*:\s*none|(?<![\w-])(?:content-)?visibility\s*:\s*(?:hidden|collapse)"
    r"|(?<![\w-])opacity\s*:\s*(?:0?\.0\d*|0)(?![.\d])|font-size\s*:\s*(?:0|\.)(?![.\d]*[1-9])|font-size\s*:\s*(?:0?\.\d+|1)p[xt]"
    r"|font\s*:[^;]*(?<![\d.])0(?:px|pt|em|rem)?(?:/|\s)"
    r"|(?<![\w-])(?:(?:left|right|top|bottom|text-indent)\s*:\s*-\d{3,}|margin-(?:left|top)\s*:\s*-\d{4,})"
    r"|(?<![\w-])(?:left|right|top|bottom|letter-spacing)\s*:\s*(?:\d{5}|-\d{3})|(?<![\w-])zoom\s*:\s*0(?![.\d])"
    r"|(?<![\w-])clip\s*:\s*rect\((?:[\s,]*[01](?:px)?){4}\s*\)|clip-path\s*:\s*(?:inset\(\s*(?:50|100)%|circle\(\s*0)"
    r"|clip-path\s*:\s*polygon\((?:[\s,]*0(?:px|%)?)+\s*\)|filter\s*:[^;]*opacity\(\s*0(?:%|\.0*)?\s*\)"
    r"|transform\s*:[^;]*(?:scale[xy]?\(\s*0\s*[,)]|translate(?:3d|[xy])?\([^)]*-\d{4})"
    r"|(?<![\w-])color\s*:\s*(?:transparent|(?:rgba|hsla)\([^)]*,\s*0?\.?0\s*\)|#(?:[0-9a-f]{3}0|[0-9a-f]{6}00)\b)(?!.*background-clip)",
    re.IGNORECASE,
)
_SHOWING = re.compile(r"(?<![\w-])display\s*:(?!\s*none)|(?<![\w-])visibility\s*:\s*visible", re.IGNORECASE)
_FLAT = re.compile(r"(?<![\w-])(?:max-)?(?:height|width)\s*:\s*(?:0(?![.\d]*[1-9])|1px)", re.IGNORECASE)
_CUT = re.compile(r"overflow(?:-[xy])?\s*:\s*(?:hidden|clip)", re.IGNORECASE)
_PALE = re.compile(
    r"(?<![\w-])color\s*:\s*(?:white\b|snow\b|#f[0-9a-f]f[0-9a-f]f[0-9a-f]\b|#fff\b|rgba?\(\s*(?:25[0-5]|24\d)\D+(?:25[0-5]|24\d)\D+(?:25[0-5]|24\d)\b|hsla?\([^)%]*[\d.]+%[\s,]+(?:9[5-9]|100)%)",
    re.IGNORECASE,
)
_BEHIND = re.compile(r"background(?:-color|-image)?\s*:|text-shadow\s*:", re.IGNORECASE)
_INK = re.compile(r"(?<![\w-])color\s*:\s*([#\w]+)", re.IGNORECASE)
_PAPER = re.compile(r"(?<![\w-])background(?:-color)?\s*:\s*([#\w]+)\s*(?:!|;|$)", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|([^0-9a-fA-F\n]))")
_SELECTOR = re.compile(r"([a-zA-Z][\w-]*)?((?:[.#][\w-]+)*)")
_PART = re.compile(r"[.#][\w-]+")
MOST_AROUND = 4  # elements that a selector names; one of more is not read
MOST_ABOVE = 100  # elements around one in which those are looked for
MOST_CSS = 500_000  # characters of style sheets that are read
MOST_RULES = 5_000
MOST_ALIKE = 20  # of one class, id or tag
MOST_WORDS = 2_000  # characters of the declarations of one rule or element

Named = tuple[str, frozenset[str]]  # a tag or "", and classes and an id


@dataclass(frozen=True, slots=True)
class _Rule:
    """`ranks` count what its selector names: ids, then classes, then tags; `above`: elements around, inmost first."""

    ranks: tuple[int, int, int]
    tag: str
    parts: frozenset[str]
    words: str
    above: tuple[Named, ...]


class Unseen:
    """Knows the style sheets of one page."""

    def __init__(self, tree: Any) -> None:
        css = "\n".join(element.text or "" for element in tree.iter("style") if _for_screens(element))
        self._rules: dict[str, list[_Rule]] = {}
        self._coloured = False  # whether style sheets paint anything, so that pale letters may stand upon it
        for selector, words in _rules(css[:MOST_CSS]):
            self._coloured |= bool(_BEHIND.search(words))
            named = _named(selector) if _says(words) else None
            if named and named[0][0] not in {"html", "body"}:
                tag, parts = named[0]
                ids = sum(part[0] == "#" for _, some in named for part in some)
                ranks = ids, sum(len(some) for _, some in named), sum(bool(name) for name, _ in named)
                rules = self._rules.setdefault(min(parts, default=tag), [])
                if len(rules) < MOST_ALIKE:
                    rules.append(_Rule(ranks, tag, parts, words, named[1:]))

    def hides(self, element: Any) -> bool:
        """Whether nobody sees what stands in an element, for reasons of its own."""
        if element.tag == "template" or "hidden" in element.attrib:
            return True
        own = _plain(element.get("style", "")[:MOST_WORDS])
        if element.tag == "font":
            own += f";color:{element.get('color', '')}" if element.get("color") else ""
        if self._rules:
            own = ";".join([*(rule.words for rule in self._said(element)), own])
        if not own:
            return False
        if _HIDING.search(own) and not _SHOWING.search(own[_last(own) :]):
            return True
        if (_FLAT.search(own) and _CUT.search(own)) or _as_its_paper(own):
            return True
        return bool(_PALE.search(own)) and not self._coloured and not _upon_something(element)

    def _said(self, element: Any) -> list[_Rule]:
        """The rules that name this element; a later one outdoes those before it."""
        names = _names_of(element)
        found = (
            rule
            for key in (element.tag, *names)
            for rule in self._rules.get(key, ())
            if rule.parts <= names and rule.tag in {"", element.tag} and _stands_in(element, rule.above)
        )
        return sorted(found, key=lambda rule: rule.ranks)


def _names_of(element: Any) -> frozenset[str]:
    return _written(element.get("class") or "", element.get("id") or "")


@lru_cache(maxsize=10_000)
def _written(classes: str, own: str) -> frozenset[str]:
    return frozenset((*(f".{name}" for name in classes.split()), *([f"#{own}"] if own else [])))


def _named(selector: str) -> tuple[Named, ...] | None:
    """What a selector names, from the element itself outwards; None for selectors of other kinds."""
    found = [_SELECTOR.fullmatch(part) for part in selector.split()]
    if not 0 < len(found) <= MOST_AROUND or not all(part and (part[1] or part[2]) for part in found):
        return None
    return tuple(((part[1] or "").lower(), frozenset(_PART.findall(part[2]))) for part in reversed(found) if part)


def _stands_in(element: Any, above: Sequence[Named]) -> bool:
    """Whether elements around it bear these names, each further out than the one before."""
    around = islice(element.iterancestors(), MOST_ABOVE)
    return all(any(tag in {"", node.tag} and parts <= _names_of(node) for node in around) for tag, parts in above)


def _plain(css: str) -> str:
    """Without remarks, and with what was written by its number as itself."""
    css = _COMMENT.sub(" ", css) if "/*" in css else css
    return _ESCAPE.sub(lambda found: _character(found[1]) if found[1] else found[2], css) if "\\" in css else css


def _character(number: str) -> str:
    code = int(number, 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _as_its_paper(words: str) -> bool:
    """Whether letters have the colour that is painted behind them."""
    ink, paper = (found[-1].lower() if (found := some.findall(words)) else "" for some in (_INK, _PAPER))
    return bool(ink) and _long(ink) == _long(paper) and ink not in {"inherit", "initial", "unset", "currentcolor"}


def _long(colour: str) -> str:
    return "#" + "".join(sign * 2 for sign in colour[1:]) if len(colour) == 4 and colour[0] == "#" else colour


def _says(words: str) -> bool:
    """Whether these declarations may hide something, or show it again."""
    return any(pattern.search(words) for pattern in (_HIDING, _SHOWING, _FLAT, _CUT, _PALE, _INK, _PAPER))


def _for_screens(element: Any) -> bool:
    media = (element.get("media") or "all").lower()
    return "all" in media or "screen" in media


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """Selector and declarations of each rule that stands outside of other blocks, as of those for print."""
    depth, start, found = 0, 0, 0
    head = ""
    css = _plain(css)
    for match in re.finditer(r"[{};]", css):
        at, sign = match.start(), match.group()
        if sign == "{":
            if depth == 0:
                head, start = css[start:at].strip(), at + 1
            depth += 1
        elif sign == "}" and depth:
            depth -= 1
            if depth == 0:
                if not head.startswith("@"):
                    for selector in head.split(","):
                        found += 1
                        yield selector.strip(), css[start : min(at, start + MOST_WORDS)]
                start = at + 1
        elif depth == 0:
            start = at + 1  # of a rule without a block, as an import
        if found > MOST_RULES:
            return


def _last(words: str) -> int:
    """Where the last thing that hides is said."""
    return max(match.end() for match in _HIDING.finditer(words))


def _upon_something(element: Any) -> bool:
    """Whether anything is painted behind an element."""
    return any(
        _BEHIND.search(node.get("style", "")) or node.get("bgcolor") or node.get("background")
        for node in (element, *element.iterancestors())
    )
