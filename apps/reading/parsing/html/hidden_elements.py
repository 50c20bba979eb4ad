"""Find elements of a web page that no reader sees, by their own attributes or by the page's style sheets. Pure.

`css_cascade.py` resolves the declarations; here is decided which of them hide text. Elements that a script would show
later count as hidden. White text counts as visible where anything is painted behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tinycss2.color4 import parse_color

from apps.reading.parsing.html.css_cascade import PageStyles, StyleBudgetExceeded, StyledElement

_HIDING = re.compile(
    r"\bdisplay:none|(?:content-)?visibility:(?:hidden|collapse)"
    r"|(?<![\w-])opacity:(?:0?\.0\d*|0)(?![.\d])|font-size:(?:0|\.)(?![.\d]*[1-9])|font-size:(?:0?\.\d+|1)p[xt]"
    r"|font:[^;]*(?<![\d.])0(?:px|pt|em|rem)?(?:/|\s)"
    r"|(?<![\w-])(?:(?:left|right|top|bottom|text-indent|inset):\s*-\d{3,}|margin-(?:left|top):-\d{4,})"
    r"|(?<![\w-])(?:left|right|top|bottom|letter-spacing):(?:\d{5}|-\d{3})|(?<![\w-])zoom:0(?![.\d])"
    r"|(?<![\w-])clip:rect\((?:[\s,]*[01](?:px)?){4}\s*\)|clip-path:(?:inset\(\s*(?:50|100)%|circle\(\s*0)"
    r"|clip-path:polygon\((?:[\s,]*0(?:px|%)?)+\s*\)|filter:[^;]*opacity\(\s*0(?:%|\.0*)?\s*\)"
    r"|transform:[^;]*(?:scale[xy]?\(\s*0\s*[,)]|translate(?:3d|[xy])?\([^)]*-\d{4})"
    r"|(?<![\w-])scale:0(?![.\d])|(?<![\w-])translate:[^;]*-\d{4}",
    re.IGNORECASE,
)
_FLAT = re.compile(
    r"(?<![\w-])(?:max-)?(?:height|width|inline-size|block-size):(?:0(?![.\d]*[1-9])|1px)", re.IGNORECASE
)
_CUT = re.compile(r"overflow(?:-[a-z]+)?:(?:hidden|clip)", re.IGNORECASE)
_BEHIND = re.compile(r"background(?:-color|-image)?\s*:|text-shadow\s*:", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]{6}", re.IGNORECASE)
FAINTEST = 0.05  # opacity of letters up to which they cannot be read
PALEST = 0.94  # of red, green and blue each, from which letters count as white


def hidden_elements(tree: Any) -> set[Any]:
    """Return the outermost elements of a page that no reader sees."""
    styles = PageStyles(tree)
    hidden: set[Any] = set()
    stack = [iter([styles.root])]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif _hides(element, styles):
            hidden.add(element.etree_element)
        else:
            stack.append(styles.children(element))
    return hidden


def _hides(element: StyledElement, styles: PageStyles) -> bool:
    node = element.etree_element
    try:
        declared = styles.declared(element)
    except StyleBudgetExceeded:
        return True  # a page with styles that are too costly to resolve may hide the element
    if node.tag in ("html", "body"):
        return False  # many pages hide these until a script has run
    if node.tag == "template" or (("hidden" in node.attrib or "popover" in node.attrib) and "display" not in declared):
        return True
    if node.tag == "font" and (colour := node.get("color")):
        declared = {"color": f"#{colour}" if _HEX.fullmatch(colour) else colour, **declared}
    if not declared:
        return False
    own = ";".join(f"{name}:{value}" for name, value in declared.items())
    if _HIDING.search(own) or (_FLAT.search(own) and _CUT.search(own)):
        return True
    return _unreadable(declared, upon_something=styles.paints or _upon_something(node))


def _unreadable(declared: Mapping[str, str], upon_something: bool) -> bool:
    """Return whether letters are too faint to be read, or have the colour of their background."""
    ink = parse_color(declared.get("-webkit-text-fill-color") or declared.get("color", ""))
    if ink is None or isinstance(ink, str):  # not set, or `currentcolor`
        return False
    if ink.alpha <= FAINTEST:
        return not re.search(r"background(?:-clip)?:[^;]*\btext\b", ";".join(map(":".join, declared.items())))
    papers = (parse_color(declared.get(name, "")) for name in ("background-color", "background"))
    if any(paper is not None and not isinstance(paper, str) and _light(paper) == _light(ink) for paper in papers):
        return True
    return min(_light(ink)) >= PALEST and not upon_something


def _light(colour: Any) -> tuple[float, ...]:
    """Return red, green and blue, 0 to 1 each; for other colour spaces the lightness alone."""
    try:
        return tuple(round(part, 3) for part in colour.to("srgb").coordinates)
    except NotImplementedError:
        lightness = colour.coordinates[0] or 0
        return (lightness / 100 if lightness > 1 else lightness,)


def _upon_something(element: Any) -> bool:
    """Return whether anything is painted behind an element."""
    return any(
        _BEHIND.search(node.get("style", "")) or node.get("bgcolor") or node.get("background")
        for node in (element, *element.iterancestors())
    )
