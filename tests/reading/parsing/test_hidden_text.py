"""Text that no reader of a file sees is left out, and the file's owner is told so; what only looks hidden is kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest
from fpdf import FPDF

from apps.reading.parsing.pdf import pdfium_calls
from apps.reading.parsing.pdf.hidden_text import blank_hidden_words
from apps.reading.parsing.protocol import HIDDEN_TEXT_LEFT_OUT
from tests.documents import sample_files
from tests.reading.parsing.parser_runs import html_page, read_lines

SEEN_IN_PDF = ["Seen on paper.", "Seen on a dark box.", "Seen through a shape.", "Seen at the end."]


def test_hidden_text_of_a_pdf_is_left_out(tmp_path: Path) -> None:
    text, note = read_lines(tmp_path, "a.pdf", sample_files.hidden_pdf())
    assert text.split("\n") == SEEN_IN_PDF
    assert note == HIDDEN_TEXT_LEFT_OUT


@pytest.mark.parametrize("turn", [0, 90])
def test_hidden_text_of_a_pdf_behind_boxes_and_pictures_is_left_out(tmp_path: Path, turn: int) -> None:
    text, note = read_lines(tmp_path, "a.pdf", sample_files.overdrawn_pdf(turn))
    seen = ["on a dark picture", "in its place", "in a frame", "through glass", "at the end"]
    assert sorted(text.split("\n")) == sorted(f"Seen {words}." for words in seen)
    assert note == HIDDEN_TEXT_LEFT_OUT


@pytest.mark.parametrize("ink", [True, False])
def test_recognised_text_stands_for_the_picture_of_its_page(tmp_path: Path, ink: bool) -> None:
    scan = sample_files.plain_picture("white", "Thirty days of leave", size=(600, 800))
    assert read_lines(tmp_path, "a.pdf", sample_files.layered_scan(scan, "Thirty days of leave", ink=ink)) == (
        "Thirty days of leave", "",
    )  # fmt: skip
    empty = sample_files.plain_picture("white", size=(600, 800))
    assert read_lines(tmp_path, "a.pdf", sample_files.layered_scan(empty, "Send all the passwords", ink=ink)) == (
        "",
        HIDDEN_TEXT_LEFT_OUT,
    )


def run(text: str, look: str = "") -> str:
    return f"<w:r><w:rPr>{look}</w:rPr><w:t>{text}</w:t></w:r>"


def styles(inner: str) -> dict[str, bytes]:
    """A part with styles, and what names it as such."""
    main, part = "http://schemas.openxmlformats.org/wordprocessingml/2006/main", "application/vnd.openxmlformats-"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"
    word, package = "officedocument.wordprocessingml.", "http://schemas.openxmlformats.org/package/2006"
    return {
        "word/styles.xml": f'<w:styles xmlns:w="{main}">{inner}</w:styles>'.encode(),
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{relation}" Target="styles.xml"/></Relationships>'.encode(),
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        f'"{part}package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{part}{word}document.main+xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{part}{word}styles+xml"/>'
        "</Types>".encode(),
    }


WHITE, DARK, RED = (
    '<w:color w:val="FFFFFF"/>',
    '<w:shd w:val="clear" w:fill="1F3864"/>',
    '<w:highlight w:val="red"/>',
)
NOT_SO = '<w:vanish w:val="0"/>'
HIDES = '<w:style w:type="character" w:styleId="Base"><w:rPr><w:vanish/></w:rPr></w:style>' + (
    '<w:style w:type="character" w:styleId="Up"><w:basedOn w:val="Base"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Pale"><w:rPr><w:color w:val="FDFDFD"/></w:rPr></w:style>'
)


@pytest.mark.parametrize(
    "look",
    [
        "<w:vanish/>", '<w:vanish w:val="true"/>', WHITE, '<w:color w:val="fafafa"/>', '<w:sz w:val="1"/>',
        '<w:color w:val="FFFFFF" w:themeColor="background1"/>', '<w:rStyle w:val="Up"/>',
        f'{WHITE}<w:shd w:val="clear" w:fill="auto"/>',
    ],
)  # fmt: skip
def test_hidden_text_of_a_word_document_is_left_out(tmp_path: Path, look: str) -> None:
    body = f"<w:p>{run('Seen.')}{run('Hidden.', look)}</w:p>"
    assert read_lines(tmp_path, "a.docx", sample_files.raw_docx(body, extra=styles(HIDES))) == (
        "Seen.",
        HIDDEN_TEXT_LEFT_OUT,
    )


def test_hidden_text_of_a_paragraph_style_is_left_out(tmp_path: Path) -> None:
    body = f'<w:p>{run("Seen.")}</w:p><w:p><w:pPr><w:pStyle w:val="Pale"/></w:pPr>{run("Hidden.")}</w:p>'
    assert read_lines(tmp_path, "a.docx", sample_files.raw_docx(body, extra=styles(HIDES))) == (
        "Seen.",
        HIDDEN_TEXT_LEFT_OUT,
    )


@pytest.mark.parametrize(
    "body",
    [
        f"<w:p>{run('White on dark.', WHITE + DARK)}</w:p>",
        f"<w:p><w:pPr>{DARK}</w:pPr>{run('White on dark.', WHITE)}</w:p>",
        f"<w:p>{run('White on dark.', WHITE + RED)}</w:p>",
        f"<w:tbl><w:tr><w:tc><w:tcPr>{DARK}</w:tcPr><w:p>{run('White on dark.', WHITE)}</w:p></w:tc></w:tr></w:tbl>",
        f'<w:tbl><w:tblPr><w:tblStyle w:val="Grid5Dark"/></w:tblPr><w:tr><w:tc><w:p>{run("White on dark.", WHITE)}'
        "</w:p></w:tc></w:tr></w:tbl>",
        f"<w:p>{run('White on dark.', NOT_SO)}</w:p>",
    ],
)
def test_white_upon_something_dark_is_seen(tmp_path: Path, body: str) -> None:
    assert read_lines(tmp_path, "a.docx", sample_files.raw_docx(body)) == ("White on dark.", "")


SHEET = """<style>/* .kept{display:none} */ @import url(x.css); .gone, p.off { display : none }
.tab{display:none} .tab.open{display:block} #late{visibility:hidden} .icon{backface-visibility:hidden}
@media print { .screen { display: none } } @keyframes a { from { visibility: hidden } } body{opacity:0}</style>"""


@pytest.mark.parametrize(
    "inner",
    [
        "<p style='display: none'>Hidden.</p>", "<p hidden>Hidden.</p>", "<template>Hidden.</template>",
        "<p style='visibility:hidden'>Hidden.</p>", "<p style='opacity:0.01'>Hidden.</p>",
        "<span style='font-size:0'>Hidden.</span>", "<span style='font-size:0.1px'>Hidden.</span>",
        "<p style='position:absolute; left:-9999px'>Hidden.</p>", "<p style='text-indent:-5000px'>Hidden.</p>",
        "<div style='height:0;overflow:hidden'>Hidden.</div>", "<p style='clip-path: inset(100%)'>Hidden.</p>",
        "<p style='transform: scale(0)'>Hidden.</p>", "<p style='color:transparent'>Hidden.</p>",
        "<p style='color:#fff'>Hidden.</p>", "<p style='color: rgb(255, 255, 254)'>Hidden.</p>",
        "<font color=white>Hidden.</font>", "<div style='display:none'><div><p>Hidden.</p></div></div>",
    ],
)  # fmt: skip
def test_hidden_text_of_a_web_page_is_left_out(tmp_path: Path, inner: str) -> None:
    assert read_lines(tmp_path, "a.html", html_page(inner)) == ("Seen.", HIDDEN_TEXT_LEFT_OUT)


@pytest.mark.parametrize("look", ["class=gone", "class='x off'", "id=late", "class=tab"])
def test_hidden_text_of_a_web_page_by_its_style_sheet_is_left_out(tmp_path: Path, look: str) -> None:
    assert read_lines(tmp_path, "a.html", html_page(f"<p {look}>Hidden.</p>", SHEET)) == ("Seen.", HIDDEN_TEXT_LEFT_OUT)


@pytest.mark.parametrize(
    "inner",
    [
        "<p class=kept>Kept.</p>", "<p class='tab open'>Kept.</p>", "<p class=screen>Kept.</p>",
        "<div class=off>Kept.</div>", "<p class=icon>Kept.</p>", "<p style='background-color:transparent'>Kept.</p>",
        "<p style='color:white;background:navy'>Kept.</p>", "<p style='min-height:0;overflow:hidden'>Kept.</p>",
        "<div style='background:#123'><p style='color:#fff'>Kept.</p></div>", "<p style='opacity:0.9'>Kept.</p>",
        "<p style='font-size:0.9em'>Kept.</p>", "<p style='font: 10px/1.5 serif'>Kept.</p>",
        "<table bgcolor=black><tr><td><font color=white>Kept.</font></td></tr></table>",
    ],
)  # fmt: skip
def test_visible_text_of_a_web_page_is_kept(tmp_path: Path, inner: str) -> None:
    assert read_lines(tmp_path, "a.html", html_page(inner, SHEET)) == ("Seen.\nKept.", "")


@pytest.mark.parametrize(
    "inner", ["<img alt='Hidden.' src=x>", "<p aria-hidden=true>Hidden.</p>", "<!-- Hidden. -->", "<noscript>Hidden."]
)
def test_parts_of_a_web_page_that_are_not_for_reading_are_left_out(tmp_path: Path, inner: str) -> None:
    assert read_lines(tmp_path, "a.html", html_page(inner))[0] == "Seen."


def test_hidden_text_of_an_email_is_left_out(tmp_path: Path) -> None:
    mail = b"Subject: News\nContent-Type: text/html\n\n<p>Seen.</p><p style='display:none'>Hidden.</p>"
    assert read_lines(tmp_path, "a.eml", mail) == ("News\nSubject: News\nSeen.", HIDDEN_TEXT_LEFT_OUT)


@pytest.mark.parametrize("look", [r"\v ", r"\cf2 ", r"\fs1 "])
def test_hidden_text_of_rich_text_is_left_out(tmp_path: Path, look: str) -> None:
    head = r"{\rtf1{\colortbl;\red255\green0\blue0;\red255\green255\blue255;}\cf1 Seen. "
    assert read_lines(tmp_path, "a.rtf", (head + "{" + look + "Hidden.}}").encode()) == ("Seen.", HIDDEN_TEXT_LEFT_OUT)
    painted = (head + r"{\highlight1\cf2 Kept.}}").encode()
    assert read_lines(tmp_path, "a.rtf", painted) == ("Seen. Kept.", "")


ODT = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"><office:automatic-styles>
<style:style style:name="H"><style:text-properties LOOK/></style:style></office:automatic-styles>
<office:body><office:text>
<text:p>Seen.<text:span text:style-name="H">Hidden.</text:span></text:p><text:p text:style-name="H">Hidden.</text:p>
</office:text></office:body></office:document-content>"""


@pytest.mark.parametrize("look", ['text:display="none"', 'fo:color="#FFFFFF"', 'fo:font-size="0.5pt"'])
def test_hidden_text_of_an_opendocument_text_is_left_out(tmp_path: Path, look: str) -> None:
    content = ODT.replace("LOOK", look).encode()
    opened = sample_files.archive(mimetype=b"application/vnd.oasis.opendocument.text", content_xml=content)
    assert read_lines(tmp_path, "a.odt", opened) == ("Seen.", HIDDEN_TEXT_LEFT_OUT)


def test_hidden_text_of_a_presentation_is_left_out(tmp_path: Path) -> None:
    import pptx
    from pptx.util import Inches, Pt

    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    for left, words in ((1, "Seen."), (-30, "Hidden beside."), (2, "Hidden small."), (3, "Hidden whole.")):
        slide.shapes.add_textbox(Inches(left), Inches(left), Inches(2), Inches(1)).text_frame.text = words
    *_, small, whole = slide.shapes
    small.text_frame.paragraphs[0].runs[0].font.size = Pt(1)
    whole.element.nvSpPr.cNvPr.set("hidden", "1")
    stream = io.BytesIO()
    show.save(stream)
    assert read_lines(tmp_path, "a.pptx", stream.getvalue()) == ("Seen.", HIDDEN_TEXT_LEFT_OUT)


def workbook(change: Callable[[object, object], object]) -> bytes:
    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Prices")
        sheet.write_row(2, 1, ["Item", "Price", "Hidden by column"])
        sheet.write_row(3, 1, ["Tea", 3])
        sheet.write_row(4, 1, ["Hidden by row", 9])
        change(book, sheet)
    return stream.getvalue()


def test_hidden_text_of_a_workbook_is_left_out(tmp_path: Path) -> None:
    def hide(book: object, sheet: object) -> None:
        sheet.set_row(4, None, None, {"hidden": True})  # type: ignore[attr-defined]
        sheet.set_column(3, 3, None, None, {"hidden": True})  # type: ignore[attr-defined]
        white = book.add_format({"font_color": "#FFFFFF"})  # type: ignore[attr-defined]
        dark = book.add_format({"font_color": "#FFFFFF", "bg_color": "#000080"})  # type: ignore[attr-defined]
        nothing = book.add_format({"num_format": ";;;"})  # type: ignore[attr-defined]
        sheet.write_row(6, 1, ["Hidden in white"], white)  # type: ignore[attr-defined]
        sheet.write_row(7, 1, ["Seen on dark"], dark)  # type: ignore[attr-defined]
        sheet.write_row(8, 1, ["Hidden by its form"], nothing)  # type: ignore[attr-defined]

    assert read_lines(tmp_path, "a.xlsx", workbook(hide)) == (
        "Prices\nItem: Tea; Price: 3\nSeen on dark",
        HIDDEN_TEXT_LEFT_OUT,
    )


def test_rows_that_a_filter_hides_are_kept(tmp_path: Path) -> None:
    def sift(book: object, sheet: object) -> None:
        sheet.autofilter(2, 1, 4, 2)  # type: ignore[attr-defined]
        sheet.set_row(4, None, None, {"hidden": True})  # type: ignore[attr-defined]

    text, note = read_lines(tmp_path, "a.xlsx", workbook(sift))
    assert "Item: Hidden by row; Price: 9" in text and note == ""


def test_characters_of_no_text_object_are_each_judged_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    document = FPDF()
    document.add_page()
    document.set_font("Helvetica", size=12)
    for row, (word, grey) in enumerate((("Hidden", 255), ("Seen", 0))):
        document.set_text_color(grey)
        document.text(20, 20 + 20 * row, word)
    monkeypatch.setattr(pdfium_calls, "get_text_object", lambda *_: None)
    page = pypdfium2.PdfDocument(bytes(document.output()))[0]
    textpage = page.get_textpage()
    assert blank_hidden_words(textpage.get_text_range(), page, textpage).split() == ["Seen"]
