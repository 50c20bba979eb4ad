"""Detect text of a slide in the colour of its background, which no reader sees.

White text counts as visible if anything may be painted behind it: a picture, a filled shape, a table or another
background. The slide, its layout and its master are searched for these.
"""

from __future__ import annotations

from typing import Any

from pptx.opc.constants import RELATIONSHIP_TYPE

from apps.reading.parsing.common.zip_archive import parse_xml

PALEST = 240  # of 255, in each colour, from which a colour counts as white
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_PAINTED = {_A + "blipFill", _A + "gradFill", _A + "pattFill", _P + "pic", _P + "graphicFrame", _P + "blipFill"}
_WHITE_NAMES = {"bg1", "lt1"}


def has_white_background(slide: Any) -> bool:
    """Return whether nothing but text is painted on the white slide."""
    layout = slide.slide_layout
    sheets = slide.element, layout.element, layout.slide_master.element
    if any(_paints(node) for sheet in sheets for node in sheet.iter() if isinstance(node.tag, str)):
        return False
    return sheets[2].find(f"{_P}clrMap") is None or _is_white(layout.slide_master)


def is_background_coloured(properties: Any) -> bool:
    """Return whether the run properties (`a:rPr`, or None) set the text to white: a plain RGB colour of at least PALEST
    in each part, or the light colour of the theme. False if none is set."""
    fill = properties.find(_A + "solidFill") if properties is not None else None
    return fill is not None and _white(fill)


def _paints(node: Any) -> bool:
    if node.tag in _PAINTED:
        return True
    if node.tag == _A + "fillRef":
        return bool(node.get("idx") != "0")
    if node.tag != _A + "solidFill":
        return False
    parent = node.getparent().tag
    return parent in {_P + "spPr", _P + "bgPr", _P + "grpSpPr", _A + "tcPr"} and not _white(node)


def _white(fill: Any) -> bool:
    plain, scheme = fill.find(_A + "srgbClr"), fill.find(_A + "schemeClr")
    if plain is not None and len(plain) == 0:
        code = plain.get("val") or ""
        try:
            return len(code) == 6 and all(part >= PALEST for part in bytes.fromhex(code))
        except ValueError:
            return False
    return scheme is not None and len(scheme) == 0 and scheme.get("val") in _WHITE_NAMES


def _is_white(master: Any) -> bool:
    """Return whether the master's background is the light colour of its theme, and that is white."""
    names = master.element.find(f"{_P}clrMap")
    above = master.element.find(f"{_P}cSld/{_P}bg/{_P}bgRef/{_A}schemeClr")
    if names.get("bg1") != "lt1" or (above is not None and above.get("val") not in _WHITE_NAMES):
        return False
    theme = parse_xml(master.part.part_related_by(RELATIONSHIP_TYPE.THEME).blob)
    light = next(theme.iter(_A + "lt1"), None)
    told = [] if light is None else [node.get("lastClr") or node.get("val") or "" for node in light]
    return [code.lower() for code in told] == ["ffffff"]
