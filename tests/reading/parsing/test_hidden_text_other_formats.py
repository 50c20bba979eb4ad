"""Further ways in which text is hidden from a reader, and what only looks like them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from apps.reading.parsing.protocol import HIDDEN_TEXT_LEFT_OUT
from tests.documents import sample_files
from tests.reading.parsing.parser_runs import html_page, read_lines

NAMES = "urn:oasis:names:tc:opendocument:xmlns"
KINDS = {"office": "office", "text": "text", "table": "table", "style": "style", "draw": "drawing",
         "presentation": "presentation"}  # fmt: skip


@pytest.mark.parametrize(
    "inner",
    [
        "<p style='display:/**/none'>Hidden.</p>", "<p style='d\\69splay: none'>Hidden.</p>",
        "<p style='transform:translateX(-9999px)'>Hidden.</p>", "<p style='zoom:0'>Hidden.</p>",
        "<p style='clip:rect(1px,1px,1px,1px);position:absolute'>Hidden.</p>", "<p style='font-size:1px'>Hidden.</p>",
        "<p style='position:absolute;top:99999px'>Hidden.</p>", "<p style='color:hsl(0,0%,100%)'>Hidden.</p>",
        "<p style='color:#000;background:#000000'>Hidden.</p>", "<p style='filter:opacity(0)'>Hidden.</p>",
        "<p style='background-color:navy;color:navy'>Hidden.</p>", "<p style='color:#12345600'>Hidden.</p>",
        "<p style='width:1px;height:1px;overflow:hidden'>Hidden.</p>", "<p hidden='until-found'>Hidden.</p>",
        "<p style='letter-spacing:-1000px'>Hidden.</p>", "<p style='clip-path:polygon(0 0,0 0,0 0)'>Hidden.</p>",
        "<style>div.out p.x{display:none}</style><div class=out><section><p class=x>Hidden.</p></section></div>",
    ],
)  # fmt: skip
def test_hidden_text_of_a_web_page_is_left_out(tmp_path: Path, inner: str) -> None:
    assert read_lines(tmp_path, "a.html", html_page(inner)) == ("Seen.", HIDDEN_TEXT_LEFT_OUT)


@pytest.mark.parametrize(
    "inner",
    [
        "<p style='clip:rect(0,100px,20px,0)'>Kept.</p>", "<p style='font-size:1.2em'>Kept.</p>",
        "<p style='position:absolute;top:1200px'>Kept.</p>", "<p style='color:#000;background:#fff'>Kept.</p>",
        "<p style='transform:translateX(-10px)'>Kept.</p>", "<p style='color:#123456'>Kept.</p>",
        "<p style='color:inherit;background:inherit'>Kept.</p>", "<p style='zoom:0.9'>Kept.</p>",
        "<style>div.out p.x{display:none}</style><p class=x>Kept.</p>",
        "<style>section > p.x, p.x:hover{display:none}</style><div><p class=x>Kept.</p></div>",
    ],
)  # fmt: skip
def test_visible_text_of_a_web_page_is_kept(tmp_path: Path, inner: str) -> None:
    assert read_lines(tmp_path, "a.html", html_page(inner)) == ("Seen.\nKept.", "")


def test_hidden_text_of_a_book_by_its_style_sheet_is_left_out(tmp_path: Path) -> None:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="text/a.xhtml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    container = '<container xmlns="urn:x"><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
    chapter = (
        '<html><head><title>T</title><link rel="stylesheet" type="text/css" href="../look/s.css"/></head>'
        '<body><h1>Tides</h1><p class="gone">Hidden.</p><p>Seen.</p></body></html>'
    )
    parts = {"META-INF/container.xml": container, "b.opf": package, "text/a.xhtml": chapter,
             "look/s.css": ".gone{display:none}</style><p>no text</p>"}  # fmt: skip
    book = sample_files.archive(
        mimetype=b"application/epub+zip", **{name: text.encode() for name, text in parts.items()}
    )
    assert read_lines(tmp_path, "a.epub", book) == ("Tides\nSeen.", HIDDEN_TEXT_LEFT_OUT)


def opendocument(kind: str, body: str, styles: str = "") -> bytes:
    names = " ".join(f'xmlns:{short}="{NAMES}:{name}:1.0"' for short, name in KINDS.items())
    content = (
        f'<?xml version="1.0"?><office:document-content {names}><office:automatic-styles>{styles}'
        f"</office:automatic-styles><office:body>{body}</office:body></office:document-content>"
    )
    manifest = {"META-INF/manifest.xml": b"<manifest/>"}
    return sample_files.archive(
        mimetype=f"application/vnd.oasis.opendocument.{kind}".encode(), content_xml=content.encode(), **manifest
    )


@pytest.mark.parametrize("look", ['text:display="none"', 'text:display="condition" text:is-hidden="true"'])
def test_hidden_section_of_an_opendocument_text_is_left_out(tmp_path: Path, look: str) -> None:
    body = f"<office:text><text:section {look}><text:p>Hidden.</text:p></text:section><text:p>Seen.</text:p>"
    assert read_lines(tmp_path, "a.odt", opendocument("text", body + "</office:text>")) == (
        "Seen.",
        HIDDEN_TEXT_LEFT_OUT,
    )


def test_hidden_slide_of_an_opendocument_presentation_is_left_out(tmp_path: Path) -> None:
    frame = "<draw:frame><draw:text-box><text:p>{0}</text:p></draw:text-box></draw:frame></draw:page>"
    slides = f'<draw:page>{frame.format("Seen.")}<draw:page draw:style-name="h">{frame.format("Hidden.")}'
    style = (
        '<style:style style:name="h"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
    )
    shown = opendocument("presentation", f"<office:presentation>{slides}</office:presentation>", style)
    assert read_lines(tmp_path, "a.odp", shown) == ("Seen.", "Hidden slides left out: 1.")


def row(*cells: str, look: str = "") -> str:
    inner = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in cells
    )
    return f"<table:table-row {look}>{inner}</table:table-row>"


def test_hidden_cells_of_an_opendocument_workbook_are_left_out(tmp_path: Path) -> None:
    column = '<table:table-column/><table:table-column/><table:table-column table:visibility="collapse"/>'
    rows = row("Item", "Colour", "No") + row("Tea", "green", "Hidden.")
    rows += row("Hidden.", "Hidden.", "Hidden.", look='table:visibility="collapse"')
    rows += row("Milk", "white", "Hidden.", look='table:visibility="filter"')
    sheets = f'<table:table table:name="Open">{column}{rows}</table:table>'
    sheets += f'<table:table table:name="Gone" table:style-name="h">{row("Hidden.")}</table:table>'
    style = (
        '<style:style style:name="h" style:family="table"><style:table-properties table:display="false"/></style:style>'
    )
    book = opendocument("spreadsheet", f"<office:spreadsheet>{sheets}</office:spreadsheet>", style)
    assert read_lines(tmp_path, "a.ods", book) == (
        "Open\nItem: Tea; Colour: green\nItem: Milk; Colour: white",
        f"Hidden sheets left out: 1. {HIDDEN_TEXT_LEFT_OUT}",
    )


def show(*, painted: str = "") -> bytes:
    """A slide with a line in white."""
    import pptx
    from pptx.dml.color import RGBColor
    from pptx.util import Inches

    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[6])
    places = [(Inches(1), Inches(top), Inches(4), Inches(1)) for top in (1, 3)]
    slide.shapes.add_textbox(*places[0]).text_frame.text = "Seen."
    below: Any = slide.shapes.add_textbox(*places[1])
    run = below.text_frame.paragraphs[0].add_run()
    run.text = "White."
    run.font.color.rgb = RGBColor(255, 255, 255)
    if painted == "shape":
        below.fill.solid()
        below.fill.fore_color.rgb = RGBColor(0, 0, 128)
    elif painted == "picture":
        slide.shapes.add_picture(sample_files.plain_picture("navy"), 0, 0, Inches(8))
    elif painted == "background":
        slide.background.fill.solid()
        slide.background.fill.fore_color.rgb = RGBColor(0, 0, 128)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def test_white_letters_on_a_white_slide_are_left_out(tmp_path: Path) -> None:
    assert read_lines(tmp_path, "a.pptx", show()) == ("Seen.", HIDDEN_TEXT_LEFT_OUT)


@pytest.mark.parametrize("painted", ["shape", "picture", "background"])
def test_white_letters_upon_something_dark_are_seen(tmp_path: Path, painted: str) -> None:
    assert read_lines(tmp_path, "a.pptx", show(painted=painted)) == ("Seen.\nWhite.", "")
