"""Detect text of a Word document that no reader sees: marked hidden, in the colour of the paper, or tiny.

The look of a run comes from the run itself, else its style, else the style of its paragraph; a style inherits from its
base. White text counts as visible where something dark may be behind it: shading, a text box, a styled table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SMALLEST = 2  # half points; text of this size or smaller is not meant to be read
PALEST = 240  # of 255, in each colour, from which a colour counts as white
_MOST_BASED = 20  # levels of inheritance between styles
_WHITE_THEMES = {"background1", "light1"}


def read_child_value(parent: Any, name: str) -> str | None:
    """Return the value of the child element with this name; None if there is none."""
    child = parent.find(W + name) if parent is not None else None
    return child.get(W + "val") if child is not None else None


@dataclass(frozen=True, slots=True)
class _RunStyle:
    """Look of text as defined in one place; None for what is not defined there."""

    is_hidden: bool | None = None
    is_white: bool | None = None
    is_tiny: bool | None = None
    is_shaded: bool | None = None


class HiddenRunDetector:
    """Detector of hidden runs of one document. `has_hidden_text` is True once a hidden run with text was seen."""

    def __init__(self, body: Any, styles: Any) -> None:
        self.has_hidden_text = False
        self._last: tuple[Any, Any] = (None, None)  # a paragraph and its properties
        self._has_page_colour = body.getparent() is not None and body.getparent().find(W + "background") is not None
        self._styles = {style.get(W + "styleId") or "": style for style in styles.iter(W + "style")}
        self._default = _read_style(styles.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr"))
        self._merged_styles: dict[tuple[str | None, str | None], _RunStyle] = {}
        self._normal = next((key for key, style in self._styles.items() if _is_normal(style)), "")

    def hides(self, run: Any) -> bool:
        """Return whether no reader sees the text of the run."""
        run_properties = run.find(W + "rPr")
        paragraph = next(run.iterancestors(W + "p"), None)
        paragraph_properties = self._properties(paragraph) if paragraph is not None else None
        styled = self._merge_styles(
            read_child_value(run_properties, "rStyle"), read_child_value(paragraph_properties, "pStyle")
        )
        if run_properties is None and not (styled.is_hidden or styled.is_white or styled.is_tiny):
            return False
        style = _merge([_read_style(run_properties), _RunStyle(is_shaded=_is_shaded(paragraph_properties)), styled])
        visible = style.is_shaded or self._has_page_colour or (style.is_white and _has_dark_background(run))
        hidden = bool(style.is_hidden or style.is_tiny or (style.is_white and not visible))
        if hidden and any((text.text or "").strip() for text in run.iter(W + "t")):
            self.has_hidden_text = True
        return hidden

    def _properties(self, paragraph: Any) -> Any:
        """Return the properties of a paragraph, cached for its other runs."""
        if self._last[0] is not paragraph:
            self._last = paragraph, paragraph.find(W + "pPr")
        return self._last[1]

    def _merge_styles(self, character_style: str | None, paragraph_style: str | None) -> _RunStyle:
        """Return the look of a character style within a paragraph style."""
        if (character_style, paragraph_style) not in self._merged_styles:
            self._merged_styles[character_style, paragraph_style] = _merge(
                [*self._iter_bases(character_style), *self._iter_bases(paragraph_style or self._normal), self._default]
            )
        return self._merged_styles[character_style, paragraph_style]

    def _iter_bases(self, name: str | None) -> Iterator[_RunStyle]:
        for _ in range(_MOST_BASED):
            style = self._styles.get(name or "")
            if style is None:
                return
            yield _read_style(style.find(W + "rPr"))
            yield _RunStyle(is_shaded=_is_shaded(style.find(W + "pPr")))
            name = read_child_value(style, "basedOn")


def _merge(styles: Sequence[_RunStyle]) -> _RunStyle:
    """Return, for each property of a look, the first definition."""

    def first_value(name: str) -> bool | None:
        return next((value for style in styles if (value := getattr(style, name)) is not None), None)

    return _RunStyle(
        first_value("is_hidden"), first_value("is_white"), first_value("is_tiny"), first_value("is_shaded")
    )


def _is_normal(style: Any) -> bool:
    return style.get(W + "type") == "paragraph" and style.get(W + "default") in {"1", "true"}


def _read_style(properties: Any) -> _RunStyle:
    if properties is None:
        return _RunStyle()
    vanish, size, color = (
        properties.find(W + "vanish"),
        read_child_value(properties, "sz"),
        properties.find(W + "color"),
    )
    return _RunStyle(
        is_hidden=None if vanish is None else vanish.get(W + "val") not in {"0", "false", "off"},
        is_white=None if color is None else _is_white(color),
        is_tiny=int(size) <= SMALLEST if size is not None and size.isdecimal() else None,
        is_shaded=_is_shaded(properties),
    )


def _is_white(color: Any) -> bool:
    theme, code = color.get(W + "themeColor"), color.get(W + "val") or ""
    if theme is not None:
        return theme in _WHITE_THEMES and color.get(W + "themeShade") is None
    try:
        return len(code) == 6 and all(part >= PALEST for part in bytes.fromhex(code))
    except ValueError:
        return False


def _is_shaded(properties: Any) -> bool | None:
    """Return whether the background is other than white; None if it is not defined."""
    if properties is None:
        return None
    marker = read_child_value(properties, "highlight")
    shade = properties.find(W + "shd")
    if shade is None:
        return None if marker is None else marker not in {"none", "white"}
    fill = (shade.get(W + "fill") or "auto").lower()
    return (
        fill not in {"auto", "ffffff"}
        or shade.get(W + "themeFill") is not None
        or shade.get(W + "val") not in {None, "clear", "nil"}
    )


def _has_dark_background(run: Any) -> bool:
    """Return whether the run stands in a text box, or in a table that may be dark."""
    for above in run.iterancestors():
        if above.tag == W + "txbxContent":
            return True
        if above.tag == W + "tc" and _is_shaded(above.find(W + "tcPr")):
            return True
        if above.tag == W + "tbl" and read_child_value(above.find(W + "tblPr"), "tblStyle") not in {None, "TableGrid"}:
            return True
        if above.tag == W + "tbl" and _is_shaded(above.find(W + "tblPr")):
            return True
    return False
