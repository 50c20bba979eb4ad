"""Elements of a web page that no reader sees: by what they say themselves, or by the page's own style sheets.

Of style sheets only rules with one plain selector count (a tag, classes, an id); what a script or a later state of the
page would show again cannot be known. Letters in the colour of paper are seen where anything stands behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_HIDING = re.compile(
    r"(?<![\w-])display\s*:\s*none|(?<![\w-])(?:content-)?visibility\s*:\s*(?:hidden|collapse)"
    r"|(?<![\w-])opacity\s*:\s*(?:0?\.0\d*|0)(?![.\d])|font-size\s*:\s*(?:0|\.)(?![.\d]*[1-9])|font-size\s*:\s*0?\.\d+p[xt]"
    r"|font\s*:[^;]*(?<![\d.])0(?:px|pt|em|rem)?(?:/|\s)"
    r"|(?<![\w-])(?:(?:left|right|top|bottom|text-indent)\s*:\s*-\d{3,}|margin-(?:left|top)\s*:\s*-\d{4,})"
    r"|clip\s*:\s*rect\(\s*0|clip-path\s*:\s*(?:inset\(\s*(?:50|100)%|circle\(\s*0)|transform\s*:[^;]*scale[xy]?\(\s*0\s*[,)]"
    r"|(?<![\w-])color\s*:\s*(?:transparent|(?:rgba|hsla)\([^)]*,\s*0?\.?0\s*\))(?!.*background-clip)",
    re.IGNORECASE,
)
_SHOWING = re.compile(r"(?<![\w-])display\s*:(?!\s*none)|(?<![\w-])visibility\s*:\s*visible", re.IGNORECASE)
_FLAT = re.compile(r"(?<![\w-])(?:max-)?(?:height|width)\s*:\s*0(?![.\d]*[1-9])", re.IGNORECASE)
_CUT = re.compile(r"overflow(?:-[xy])?\s*:\s*(?:hidden|clip)", re.IGNORECASE)
_PALE = re.compile(
    r"(?<![\w-])color\s*:\s*(?:white\b|snow\b|#f[0-9a-f]f[0-9a-f]f[0-9a-f]\b|#fff\b|rgba?\(\s*(?:25[0-5]|24\d)\D+(?:25[0-5]|24\d)\D+(?:25[0-5]|24\d)\b)",
    re.IGNORECASE,
)
_BEHIND = re.compile(r"background(?:-color|-image)?\s*:|text-shadow\s*:", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SELECTOR = re.compile(r"([a-zA-Z][\w-]*)?((?:[.#][\w-]+)*)")
_PART = re.compile(r"[.#][\w-]+")
MOST_CSS = 500_000  # characters of style sheets that are read
MOST_RULES = 5_000
MOST_ALIKE = 20  # of one class, id or tag
MOST_WORDS = 2_000  # characters of the declarations of one rule or element


@dataclass(frozen=True, slots=True)
class _Rule:
    """`ranks` count what its selector names: ids, then classes, then the tag."""

    ranks: tuple[int, int, bool]
    tag: str
    parts: frozenset[str]
    words: str


class Unseen:
    """Knows the style sheets of one page."""

    def __init__(self, tree: Any) -> None:
        css = "\n".join(element.text or "" for element in tree.iter("style") if _for_screens(element))
        self._rules: dict[str, list[_Rule]] = {}
        self._coloured = False  # whether style sheets paint anything, so that pale letters may stand upon it
        for selector, words in _rules(css[:MOST_CSS]):
            self._coloured |= bool(_BEHIND.search(words))
            found = _SELECTOR.fullmatch(selector) if _says(words) else None
            if found and (found[1] or found[2]) and (found[1] or "").lower() not in {"html", "body"}:
                parts = frozenset(_PART.findall(found[2]))
                tag = (found[1] or "").lower()
                ranks = sum(part[0] == "#" for part in parts), len(parts), bool(tag)
                rules = self._rules.setdefault(min(parts, default=tag), [])
                if len(rules) < MOST_ALIKE:
                    rules.append(_Rule(ranks, tag, parts, words))

    def hides(self, element: Any) -> bool:
        """Whether nobody sees what stands in an element, for reasons of its own."""
        if element.tag == "template" or "hidden" in element.attrib:
            return True
        own = element.get("style", "")[:MOST_WORDS]
        if element.tag == "font":
            own += f";color:{element.get('color', '')}" if element.get("color") else ""
        if self._rules:
            own = ";".join([*(rule.words for rule in self._said(element)), own])
        if not own:
            return False
        if _HIDING.search(own) and not _SHOWING.search(own[_last(own) :]):
            return True
        if _FLAT.search(own) and _CUT.search(own):
            return True
        return bool(_PALE.search(own)) and not self._coloured and not _upon_something(element)

    def _said(self, element: Any) -> list[_Rule]:
        """The rules that name this element; a later one outdoes those before it."""
        names = {f".{name}" for name in (element.get("class") or "").split()}
        if element.get("id"):
            names.add(f"#{element.get('id')}")
        found = (
            rule
            for key in (element.tag, *names)
            for rule in self._rules.get(key, ())
            if rule.parts <= names and rule.tag in {"", element.tag}
        )
        return sorted(found, key=lambda rule: rule.ranks)


def _says(words: str) -> bool:
    """Whether these declarations may hide something, or show it again."""
    return any(pattern.search(words) for pattern in (_HIDING, _SHOWING, _FLAT, _CUT, _PALE))


def _for_screens(element: Any) -> bool:
    media = (element.get("media") or "all").lower()
    return "all" in media or "screen" in media


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """Selector and declarations of each rule that stands outside of other blocks, as of those for print."""
    depth, start, found = 0, 0, 0
    head = ""
    css = _COMMENT.sub(" ", css)
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
