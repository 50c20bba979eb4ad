"""What a reader sees of workbooks, presentations, OpenDocument files and e-books, made here by the usual libraries."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pptx
import pytest
import xlsxwriter
from pptx.util import Inches

from apps.reading.parsing.html.epub import parse as parse_epub
from apps.reading.parsing.office.opendocument import parse as parse_opendocument
from apps.reading.parsing.office.pptx import parse as parse_slides
from apps.reading.parsing.office.spreadsheet import parse as parse_sheet
from apps.reading.parsing.protocol import HIDDEN_TEXT_LEFT_OUT
from apps.reading.sandbox import runner
from apps.reading.sandbox.runner import detect_format
from tests.reading.parsing.parser_runs import parse_file

Found = tuple[str, list[str], list[str]]


def workbook() -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        prices = book.add_worksheet("Prices")
        rows = [["Price list of 2024"], [], ["Item", "Price", "Since"], ["Tea", 3.5, ""], ["Coffee", 4, "2024-05-01"]]
        for at, row in enumerate(rows):
            prices.write_row(at, 0, row)
        secret = book.add_worksheet("Secret")
        secret.write(0, 0, "hidden words")
        secret.hide()
        numbers = book.add_worksheet("Years")
        numbers.write_row(0, 0, ["", 2023, 2024])
        numbers.write_row(1, 0, ["Sold", 10, 12])
        numbers.write_row(2, 0, ["Lost", 1, 2])
    return stream.getvalue()


def test_a_sheet_is_a_page_and_every_row_names_its_columns(file: Path) -> None:
    _, pages, notes = parse_file(parse_sheet, file, workbook())
    assert pages == [
        "Prices\n\nPrice list of 2024\n\nItem: Tea; Price: 3.5\nItem: Coffee; Price: 4; Since: 2024-05-01",
        "Years\n\nSold; 2023: 10; 2024: 12\nLost; 2023: 1; 2024: 2",
    ]
    assert notes == ["Hidden sheets left out: 1."]


def test_notes_above_and_below_a_table_do_not_hide_its_column_names(file: Path) -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet("People")
        rows: list[list[object]] = [
            ["As", "of", "", "May"], ["", "", "", ""], ["Name", "Job", "Age", "Born"],
            ["Ann", "cook", 60, "1956-10-21"], ["Bob", "poet", 90, "1926-10-18"], ["Some", "more", "", "notes"],
        ]  # fmt: skip
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
        sheet.merge_range(1, 1, 1, 2, "merged")
        sheet.write(1, 0, "or")
    _, pages, _ = parse_file(parse_sheet, file, stream.getvalue())
    assert pages == [
        "People\n\nAs of May\n\nor merged\n\nName: Ann; Job: cook; Age: 60; Born: 1956-10-21\n"
        "Name: Bob; Job: poet; Age: 90; Born: 1926-10-18\n\nSome more notes"
    ]


def presentation() -> bytes:
    show = pptx.Presentation()
    show.core_properties.title = "Leave policy"
    first = show.slides.add_slide(show.slide_layouts[1])
    first.shapes.title.text = "Time off"
    first.placeholders[1].text = "Thirty days a year\nAsked for in writing"
    first.notes_slide.notes_text_frame.text = "Mention the new form."
    table = first.shapes.add_table(2, 2, Inches(1), Inches(5), Inches(4), Inches(1)).table
    for at, words in enumerate(["Kind", "Days", "Paid", "30"]):
        table.cell(at // 2, at % 2).text = words
    aside = first.shapes.add_textbox(Inches(-30), 0, Inches(2), Inches(1))
    aside.text_frame.text = "beside the slide"
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "Not shown"
    second.element.set("show", "0")
    third = show.slides.add_slide(show.slide_layouts[6])
    right = third.shapes.add_textbox(Inches(5), Inches(1), Inches(2), Inches(1))
    right.text_frame.text = "on the right"
    left = third.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))
    left.text_frame.text = "on the left"
    stream = io.BytesIO()
    show.save(stream)
    return stream.getvalue()


def test_a_slide_is_a_page_with_its_notes_marked_as_such(file: Path) -> None:
    title, pages, notes = parse_file(parse_slides, file, presentation())
    assert title == "Leave policy"
    assert pages == [
        "Time off\n\n- Thirty days a year\n- Asked for in writing\n\nKind: Paid; Days: 30\n\n"
        "Speaker notes\n\nMention the new form.",
        "on the left\n\non the right",
    ]
    assert notes == ["Hidden slides left out: 1.", HIDDEN_TEXT_LEFT_OUT]


def test_a_merged_cell_stands_in_each_place_that_it_covers(file: Path) -> None:
    show = pptx.Presentation()
    table = show.slides.add_slide(show.slide_layouts[6]).shapes.add_table(3, 3, 0, 0, Inches(4), Inches(1)).table
    for at, words in enumerate(["", "North", "South", "2025", "yes", "no", "2026", "both", ""]):
        table.cell(at // 3, at % 3).text = words
    table.cell(2, 1).merge(table.cell(2, 2))
    stream = io.BytesIO()
    show.save(stream)
    assert parse_file(parse_slides, file, stream.getvalue())[1] == [
        "2025; North: yes; South: no\n2026; North: both; South: both"
    ]


ODT = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0">
<office:automatic-styles><style:style style:name="H"><style:text-properties text:display="none"/></style:style>
</office:automatic-styles><office:body><office:text>
<text:tracked-changes><text:p>deleted words</text:p></text:tracked-changes>
<text:h text:outline-level="1">Time off</text:h>
<text:p>Thirty<text:s text:c="1"/>days<office:annotation><text:p>a comment</text:p></office:annotation> of leave.
<text:span text:style-name="H">hidden words</text:span></text:p>
<text:list><text:list-item><text:p>Call early</text:p></text:list-item></text:list>
<table:table><table:table-row><table:table-cell><text:p>Kind</text:p></table:table-cell><table:table-cell><text:p>Days</text:p>
</table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>Paid</text:p></table:table-cell>
<table:table-cell><text:p>30</text:p></table:table-cell></table:table-row></table:table>
</office:text></office:body></office:document-content>"""


def opened(**content: str | bytes) -> bytes:
    """An archive whose names are given with "__" for "/" and "_dot_" for "."."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, words in content.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), words)
    return stream.getvalue()


def test_an_opendocument_text_without_what_was_deleted_hidden_or_remarked(file: Path) -> None:
    content = opened(mimetype="application/vnd.oasis.opendocument.text", content_dot_xml=ODT)
    title, pages, notes = parse_file(parse_opendocument, file, content)
    assert title == "Time off"
    assert pages == ["Time off\n\nThirty days of leave.\n\n- Call early\n\nKind: Paid; Days: 30"]
    assert notes == ["Hidden text was left out."]
    assert detect_format(file, "a.odt") == "odt"


def test_merged_cells_of_opendocument_stand_in_each_place_that_they_cover(file: Path) -> None:
    begin, end = ODT.index("<table:table-row>"), ODT.index("</table:table>")

    def cell(words: str, spans: str = "") -> str:
        return f"<table:table-cell {spans}><text:p>{words}</text:p></table:table-cell>"

    rows = [
        cell("Club") + cell("Year") + cell("Fee"),
        cell("Chess", 'table:number-rows-spanned="2"') + cell("2025") + cell("10"),
        "<table:covered-table-cell/>"
        + cell("free", 'table:number-columns-spanned="2"')
        + "<table:covered-table-cell/>",
    ]
    table = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    content = opened(
        mimetype="application/vnd.oasis.opendocument.text", content_dot_xml=ODT[:begin] + table + ODT[end:]
    )
    (text,) = parse_file(parse_opendocument, file, content)[1]
    assert text.endswith("Club: Chess; Year: 2025; Fee: 10\nClub: Chess; Year: free; Fee: free")


def book(**more: str) -> bytes:
    container = '<container xmlns="u"><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<dc:title>The Book</dc:title></metadata><manifest><item id='one' href='one.xhtml'/>"
        "<item id='two' href='two%20b.xhtml'/></manifest><spine><itemref idref='two'/><itemref idref='one'/></spine>"
        "</package>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("OEBPS/book.opf", package)
        archive.writestr("OEBPS/one.xhtml", "<html><body><h1>One</h1><p>The first.</p></body></html>")
        archive.writestr(
            "OEBPS/two b.xhtml", "<html><head><title>Two</title></head><body><p>The second.</p></body></html>"
        )
        for name, words in more.items():
            archive.writestr(name, words)
    return stream.getvalue()


def test_a_chapter_is_a_page_in_the_order_of_the_book(file: Path) -> None:
    title, pages, _ = parse_file(parse_epub, file, book())
    assert (title, pages) == ("The Book", ["Two\n\nThe second.", "One\n\nThe first."])
    assert detect_format(file, "a.epub") == "epub"


def test_book_without_namespaces_is_read(file: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book())) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith((".opf", "container.xml")):
                data = re.sub(rb"""\sxmlns(:\w+)?=["'][^"']*["']|(?<=<)\w+:|(?<=</)\w+:""", b"", data)
                assert (b"xmlns" not in data and b"<title>" in data) or b"rootfile" in data
            new.writestr(name, data)
    title, pages, _ = parse_file(parse_epub, file, stream.getvalue())
    assert (title, pages) == ("The Book", ["Two\n\nThe second.", "One\n\nThe first."])


def test_a_protected_book_says_so(file: Path) -> None:
    locked = book(**{"META-INF/encryption.xml": "<x><EncryptionMethod Algorithm='aes'/></x>"})
    with pytest.raises(Exception, match="protected against copying"):
        parse_file(parse_epub, file, locked)


@pytest.mark.parametrize(("make", "kind"), [(workbook, "sheet"), (presentation, "slides"), (book, "epub")])
def test_the_child_reads_what_the_content_is(file: Path, make: object, kind: str) -> None:
    file.write_bytes(make())  # type: ignore[operator]
    assert detect_format(file, "no ending") == kind
    options = {"kind": kind, "pages": 100, "characters": 10**6}
    answers = runner.run_task("parse", file, options, seconds=30, memory_bytes=1024**3)
    assert any(answer.get("text") for answer in answers)
