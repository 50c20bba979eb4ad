"""Resolve the CSS of a web page, as far as declarations may hide text on an ordinary screen.

`PageStyles` is the entry point: it holds the style sheets of one page. tinycss2 parses the sheets and cssselect2
matches selectors. This module resolves the cascade (importance, layers, specificity, order), style attributes and
`var()`. Nothing is laid out, no file is fetched, and states that need a user's action (`:hover`) never match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import tinycss2
from cssselect2 import ElementWrapper, SelectorError, compile_selector_list
from tinycss2.color4 import parse_color

MOST_CSS = 1_000_000  # characters of style sheets that are read, without embedded files
MOST_RULES = 5_000  # rules that may hide something
MOST_SELECTOR = 1_000  # characters; longer selectors are ignored
MOST_STYLE = 2_000  # characters of a style attribute
MOST_SIBLINGS = 1_000  # siblings among which `:nth-of-type` is evaluated
MOST_STEPS = 4_000_000  # tests of rules, and elements visited by these: some seconds
MOST_DEEP = 20  # rules in rules
WIDTH, HEIGHT = 1280, 800  # CSS pixels of the assumed screen

_FEATURES = {  # media features of the assumed screen
    "orientation": "landscape", "prefers-color-scheme": "light", "prefers-reduced-motion": "no-preference",
    "prefers-contrast": "no-preference", "forced-colors": "none", "hover": "hover", "any-hover": "hover",
    "pointer": "fine", "any-pointer": "fine", "update": "fast", "scripting": "enabled", "display-mode": "browser",
    "grid": "0", "overflow-block": "scroll", "overflow-inline": "scroll", "inverted-colors": "none",
}  # fmt: skip
_HOLDING = frozenset(
    ("width", "height", "hover", "any-hover", "pointer", "any-pointer", "color", "update", "scripting")
)
_RELEVANT = re.compile(
    r"--.+|all|display|(?:content-)?visibility|opacity|font(?:-size)?|left|right|top|bottom|inset.*|text-indent|margin.*|"
    r"letter-spacing|zoom|clip(?:-path)?|filter|transform|scale|translate|color|-webkit-text-fill-color|background.*|"
    r"text-shadow|(?:max-)?(?:width|height|inline-size|block-size)|overflow.*"
)
_WIDE = frozenset(("inherit", "initial", "unset", "revert", "revert-layer"))
_LENGTH = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?:%|[a-z]+)?|[a-z-]+\(.*\)"
_VALUES = {
    "display": re.compile(
        r"none|contents|(?:(?:block|inline|run-in|flow|flow-root|table|flex|grid|ruby|list-item|math)\s*){1,3}|"
        r"inline-(?:block|table|flex|grid)|table-[a-z-]+|ruby-[a-z-]+|-(?:webkit|moz|ms)-[a-z-]+"
    ),
    "visibility": re.compile("visible|hidden|collapse"),
    "content-visibility": re.compile("visible|hidden|auto"),
    "opacity": re.compile(_LENGTH),
    "font-size": re.compile(f"{_LENGTH}|(?:xx?-|xxx-)?(?:small|large)|medium|smaller|larger|math"),
}
_COVERS = {"font": "font-size", "background": "background-", "margin": "margin-", "overflow": "overflow-"}
_EMBEDDED = re.compile(r"url\(\s*[\"']?data:[^)]*\)", re.IGNORECASE)
_VAR = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,((?:[^()]|\([^()]*\))*))?\)")
_NOTHING = re.compile(r"calc\(\s*([-+]?0*\.?0*[a-z%]*)\s*(?:\*[^()]*)?\)", re.IGNORECASE)
_ALWAYS = re.compile(r":(?:defined|read-only|dir\(\s*ltr\s*\))", re.IGNORECASE)  # true for elements with text
_NEVER = re.compile(
    r":(?:popover-open|modal|fullscreen|autofill|open|picture-in-picture|active-view-transition)\b", re.IGNORECASE
)
_COUNTED = re.compile(r":(?:nth-(?:last-)?|only-)of-type", re.IGNORECASE)
_SIZE = re.compile(
    r"(?:(?P<first>[\d.]+)(?P<unit>px|r?em)?(?P<before>[<>]=?))?(?P<edge>min-|max-)?(?:device-)?"
    r"(?P<side>width|height|inline-size|block-size)(?:(?P<after>[<>]=?|[:=])(?P<second>[\d.]+)(?P<unit2>px|r?em)?)?"
)
_PAINTS = ("background", "text-shadow", "color")
_WRAPPED = 8  # steps charged per child element
_UNLAYERED = 1_000_000  # rank of rules outside of layers, above every layer

Rank = tuple[int, int, tuple[int, int, int], int]  # importance and origin, layer, specificity, order


class StyleBudgetExceeded(Exception):
    """Error: matching the rules of one page took more steps than its budget (`MOST_STEPS`)."""


@dataclass(slots=True)
class StyleBudget:
    """Budget of steps for matching the rules of one page."""

    left: int = MOST_STEPS

    def spend(self, steps: int = 1) -> None:
        """Subtract `steps`, the cost of the next tests, from the budget. Raises StyleBudgetExceeded below 0."""
        self.left -= steps
        if self.left < 0:
            raise StyleBudgetExceeded


class StyledElement(ElementWrapper):  # type: ignore[misc]
    """Element for cssselect2 that charges each walk over other elements to the page's budget and never recurses.

    `variables` are the element's own and inherited custom properties; empty until `PageStyles.declared` was called for
    the element.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.budget: StyleBudget = self.parent.budget if self.parent is not None else StyleBudget()
        self.variables: Mapping[str, str] = {}

    @property
    def ancestors(self) -> Iterator[StyledElement]:
        return self._walk("parent")

    @property
    def previous_siblings(self) -> Iterator[StyledElement]:
        return self._walk("previous")

    def iter_children(self) -> Iterator[StyledElement]:
        for child in super().iter_children():
            self.budget.spend(_WRAPPED)
            yield child

    def _walk(self, direction: str) -> Iterator[StyledElement]:
        node = getattr(self, direction)
        while node is not None:
            self.budget.spend()
            yield node
            node = getattr(node, direction)


@dataclass(frozen=True, slots=True)
class StyleDeclaration:
    """Declaration of a property."""

    name: str
    value: str
    important: bool


@dataclass(frozen=True, slots=True)
class StyleRule:
    """Selector with its declarations. A larger `layer` wins unless `!important`; `counts_siblings`: the selector counts
    siblings."""

    test: Callable[[StyledElement], bool]
    specificity: tuple[int, int, int]
    layer: int
    order: int
    declarations: tuple[StyleDeclaration, ...]
    counts_siblings: bool

    def matches(self, element: StyledElement) -> bool:
        """Return whether the selector matches the element. Raises StyleBudgetExceeded.

        A selector that counts siblings is not tested among more than `MOST_SIBLINGS`: a rule that only paints (stripes)
        then never matches, any other always does.
        """
        if self.counts_siblings and len(element.etree_siblings) > MOST_SIBLINGS:
            return not all(one.name.startswith(_PAINTS) for one in self.declarations)
        return bool(self.test(element))


@dataclass(slots=True)
class StyleSheet:
    """Rules of all style sheets of a page, indexed by the rightmost selector: "#id", ".class", a tag, or "*"."""

    rules: dict[str, list[StyleRule]] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    count: int = 0
    paints_backgrounds: bool = False  # True if a rule paints something behind text

    def read(self, css: str) -> None:
        """Add the rules of a style sheet."""
        nodes = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
        self._read(nodes, "", _UNLAYERED, "", 0)

    def matching_rules(self, element: StyledElement) -> list[StyleRule]:
        """Return the rules that match the element, unordered. Raises StyleBudgetExceeded."""
        keys = ["*", element.local_name.lower(), *(f".{name}" for name in element.classes)]
        keys += [f"#{element.id}"] if element.id else []
        rules = [rule for key in keys for rule in self.rules.get(key, ())]
        if rules:
            element.budget.spend(len(rules))
        return [rule for rule in rules if rule.matches(element)]

    def _read(self, nodes: Iterable[Any], around: str, layer: int, name: str, depth: int) -> None:
        """Add the rules of parsed nodes. `around` is the selector of the enclosing rule, "" at the top of a sheet.

        `layer` and `name` are those of the enclosing `@layer`; nodes deeper than `MOST_DEEP` are ignored.
        """
        declarations: list[Any] = []
        for node in nodes if depth <= MOST_DEEP else ():
            try:
                if node.type == "declaration":
                    declarations.append(node)
                elif node.type == "at-rule":
                    self._read_at(node, around, layer, name, depth)
                elif node.type == "qualified-rule":
                    selector = _nested(node.prelude, around)
                    if 0 < len(selector) <= MOST_SELECTOR:
                        self._read(_contents(node.content), selector, layer, name, depth + 1)
            except RecursionError:
                continue  # brackets nested hundreds deep, which no browser accepts
        if declarations and around:
            self._add(around, declarations, layer)

    def _read_at(self, node: Any, around: str, layer: int, name: str, depth: int) -> None:
        word = node.lower_at_keyword
        if word == "layer":
            names = [f"{name}.{part.strip()}".strip(".") for part in tinycss2.serialize(node.prelude).split(",")]
            for item in names:
                self.layers.setdefault(item, len(self.layers))
            layer, name = self.layers[names[0]], names[0]
        elif word == "scope":
            blocks = [token for token in node.prelude if token.type == "() block"]
            around = _nested(blocks[0].content, around) if blocks else around
        elif not _applies(word, node.prelude):
            return
        if node.content is not None:
            parse = _contents if around and word != "scope" else tinycss2.parse_rule_list
            inner = [item for item in parse(node.content) if item.type in ("qualified-rule", "at-rule", "declaration")]
            self._read(inner, around, layer, name, depth + 1)

    def _add(self, selector: str, nodes: list[Any], layer: int) -> None:
        declarations = _declarations(nodes)
        self.paints_backgrounds |= any(test.name.startswith(_PAINTS[:2]) for test in declarations)
        if not declarations or self.count >= MOST_RULES:
            return
        text = _NEVER.sub(":hover", _ALWAYS.sub(":is(*)", selector.replace("*|", "")))
        try:
            compiled = compile_selector_list(text)
        except (SelectorError, SyntaxError, RecursionError, MemoryError, NotImplementedError, ValueError):
            return  # not a selector, or of an unknown kind
        for test in compiled:
            if test.pseudo_element is None and not test.never_matches:
                self.count += 1
                tag = test.lower_local_name or "*"
                key = f"#{test.id}" if test.id else f".{test.class_name}" if test.class_name else tag
                counts = bool(_COUNTED.search(text))
                rule = StyleRule(test.test, test.specificity, layer, self.count, declarations, counts)
                self.rules.setdefault(key, []).append(rule)


@lru_cache(maxsize=8)
def _sheet(css: str) -> StyleSheet:
    """Return the parsed style sheets. Cached, because messages of a mailbox often share them."""
    sheet = StyleSheet()
    sheet.read(css)
    return sheet


class PageStyles:
    """Style sheets of one page and its elements, from `root` on. `paints`: a sheet sets a background or text shadow."""

    def __init__(self, tree: Any) -> None:
        css = "\n".join(style.text or "" for style in tree.iter("style") if _is_read(style))
        self._sheet = _sheet(_EMBEDDED.sub("url()", css[: 8 * MOST_CSS])[:MOST_CSS])
        self.paints = self._sheet.paints_backgrounds
        self.root = StyledElement.from_html_root(tree)

    def declared(self, element: StyledElement) -> dict[str, str]:
        """Return the declarations in force for the element, of properties that may hide text: property to value.

        `var()` is resolved; inherited values are not included. Call it for the parent first, because variables are
        inherited. Raises StyleBudgetExceeded.
        """
        inherited: Mapping[str, str] = element.parent.variables if element.parent is not None else {}
        ranked: list[tuple[Rank, StyleDeclaration]] = []
        for rule in self._sheet.matching_rules(element) if self._sheet.rules else ():
            for declaration in rule.declarations:
                rank = (2, -rule.layer) if declaration.important else (0, rule.layer)
                ranked.append(((*rank, rule.specificity, rule.order), declaration))
        for declaration in _of_attribute((element.etree_element.get("style") or "")[:MOST_STYLE]):
            ranked.append(((3 if declaration.important else 1, 0, (0, 0, 0), 0), declaration))
        ranked.sort(key=lambda row: row[0])
        values: dict[str, str] = {}
        for _, declaration in ranked:
            _set(values, declaration)
        variables = {name: value for name, value in values.items() if name.startswith("--")}
        element.variables = {**inherited, **variables} if variables else inherited
        resolved = (
            (name, _resolved(value, element.variables)) for name, value in values.items() if name not in variables
        )
        return {name: value for name, value in resolved if value is not None}

    def children(self, element: StyledElement) -> Iterator[StyledElement]:
        """Yield the child elements without charging the budget, so that a walk can end after StyleBudgetExceeded."""
        return ElementWrapper.iter_children(element)  # type: ignore[no-any-return]


def _set(values: dict[str, str], new: StyleDeclaration) -> None:
    """Add a declaration as the last of `values` and drop those that it overrides. Values invalid in browsers are
    ignored."""
    if "var(" not in new.value and not _valid(new.name, new.value.lower()):
        return
    cover = _COVERS.get(new.name, new.name)
    for name in list(values):
        if name == new.name or name.startswith(cover) or (new.name == "all" and not name.startswith("--")):
            del values[name]
    values[new.name] = new.value


def _valid(name: str, value: str) -> bool:
    """Return whether the value is valid for the property; True for properties whose values are not checked here."""
    if value not in _WIDE and name in {"color", "-webkit-text-fill-color"}:
        return parse_color(value) is not None or value.endswith(")")  # a function may be newer than the parser
    return value in _WIDE or name not in _VALUES or _VALUES[name].fullmatch(value) is not None


def _resolved(value: str, variables: Mapping[str, str]) -> str | None:
    """Return the value with `var()` replaced, and a simple `calc()` replaced by its first term.

    None if a variable is missing, the result is too long, or `var()` is nested too deep: the declaration is then void.
    """
    for _ in range(6):
        if "var(" not in value:
            return _NOTHING.sub(r"\1", value) if "calc(" in value else value
        missing = False

        def substitute(match: re.Match[str]) -> str:
            nonlocal missing
            replacement = variables.get(match[1], match[2])
            missing |= replacement is None
            return (replacement or "").strip()

        value = _VAR.sub(substitute, value)
        if missing or len(value) > MOST_STYLE:
            return None
    return None


@lru_cache(maxsize=2_000)
def _of_attribute(style: str) -> tuple[StyleDeclaration, ...]:
    try:
        return _declarations(_contents(style)) if style else ()
    except RecursionError:
        return ()


def _declarations(nodes: Iterable[Any]) -> tuple[StyleDeclaration, ...]:
    declarations = []
    for node in nodes:
        if node.type == "declaration":
            name = node.name if node.name.startswith("--") else node.lower_name
            value = tinycss2.serialize(node.value).strip()
            if _RELEVANT.fullmatch(name) and len(value) <= MOST_STYLE:
                declarations.append(StyleDeclaration(name, value, node.important))
    return tuple(declarations)


def _contents(content: Any) -> list[Any]:
    return list(tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True))


def _nested(prelude: Sequence[Any], around: str) -> str:
    """Return the selector of a nested rule: `&` stands for `around`; without `&` it is a descendant of `around`.

    "" if a part is longer than `MOST_SELECTOR`.
    """
    prelude_text = str(tinycss2.serialize(prelude)).strip()
    if not around:
        return prelude_text
    outer, selectors = f":is({around})", []
    for part in _split(prelude, ","):
        text = tinycss2.serialize(part).strip()
        selectors.append(text.replace("&", outer) if "&" in text else f"{outer} {text}")
        if len(selectors[-1]) > MOST_SELECTOR:
            return ""
    return ", ".join(selectors)


def _is_read(style: Any) -> bool:
    """Return whether a style element is CSS, applies to screens, and is outside of `noscript` and `template`."""
    if style.get("type", "text/css").strip().lower() not in ("", "text/css"):
        return False
    if any(node.tag in ("noscript", "template") for node in style.iterancestors()):
        return False
    return _applies("media", tinycss2.parse_component_value_list(style.get("media") or ""))


def _applies(word: str, prelude: Sequence[Any]) -> bool:
    """Return whether the content of an at-rule applies to the screen. False for `@media print` and unknown at-rules."""
    if word == "supports":
        return _condition(_words(prelude), lambda text: True)
    if word == "container":
        words = _words(prelude)
        return _condition(
            words[1:] if len(words) > 1 and words[0].type == "ident" and not _is(words[0], "not") else words
        )
    return word == "media" and any(_query(_words(part)) for part in _split(prelude, ","))


def _query(words: list[Any]) -> bool:
    if words and _is(words[0], "only"):
        words = words[1:]
    if len(words) > 1 and _is(words[0], "not") and words[1].type == "ident":
        return not _condition(words[1:])
    return _condition(words)


def _condition(words: list[Any], holds: Callable[[str], bool] | None = None) -> bool:
    """Return whether a media condition holds.

    `holds` decides about each feature; None: the screen's own features decide.
    """
    for word, combine in (("or", any), ("and", all)):
        parts = _split(words, word)
        if len(parts) > 1:
            return combine(_condition(part, holds) for part in parts)
    if not words:
        return True
    if _is(words[0], "not"):
        return not _condition(words[1:], holds)
    if words[0].type == "ident":
        return words[0].lower_value in ("all", "screen")
    if words[0].type != "() block":
        return True  # a function, such as selector()
    inner = _words(words[0].content)
    if any(token.type == "() block" for token in inner) or (inner and _is(inner[0], "not")):
        return _condition(inner, holds)
    text = "".join(tinycss2.serialize(inner).lower().split())
    return holds(text) if holds else _feature(text)


def _feature(text: str) -> bool:
    if match := _SIZE.fullmatch(text):
        here = WIDTH if match["side"] in ("width", "inline-size") else HEIGHT
        checks = [_compared(_pixels(match["first"], match["unit"]), match["before"], here)] if match["first"] else []
        if match["second"]:
            sign = {"min-": ">=", "max-": "<="}.get(match["edge"] or "", match["after"])
            checks.append(_compared(here, sign, _pixels(match["second"], match["unit2"])))
        return all(checks)
    name, _, value = text.partition(":")
    return _FEATURES.get(name) == value if value else name in _HOLDING


def _pixels(number: str, unit: str | None) -> float:
    try:
        return float(number) * (16 if unit in ("em", "rem") else 1)
    except ValueError:
        return 0.0


def _compared(left: float, sign: str, right: float) -> bool:
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(sign, left == right)


def _words(tokens: Iterable[Any]) -> list[Any]:
    return [token for token in tokens if token.type not in ("whitespace", "comment")]


def _split(tokens: Iterable[Any], at: str) -> list[list[Any]]:
    parts: list[list[Any]] = [[]]
    for token in tokens:
        if token == at if at == "," else _is(token, at):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _is(token: Any, word: str) -> bool:
    return bool(token.type == "ident" and token.lower_value == word)
