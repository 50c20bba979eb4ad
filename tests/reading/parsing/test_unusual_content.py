"""Ordinary files with what is less usual in them are read completely, once, and in the order of a reader."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pypdfium2
import pytest
from fpdf import FPDF

from tests.documents import sample_files
from tests.reading.parsing.parser_runs import read_lines

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
NAMES = (
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:schemas-microsoft-com:vml"'
)


def box(*lines: str) -> str:
    """A text box as Word writes it: once for itself, and once for older programs."""
    inner = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in lines)
    inner = f"<w:txbxContent>{inner}</w:txbxContent>"
    return (
        f'<w:r><mc:AlternateContent {NAMES}><mc:Choice Requires="wps"><w:drawing><wps:txbx>{inner}</wps:txbx>'
        f"</w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>{inner}</v:textbox></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r>"
    )


def text(words: str) -> str:
    return f"<w:r><w:t>{words}</w:t></w:r>"


def test_a_text_box_of_word_is_read_once_behind_its_paragraph(tmp_path: Path) -> None:
    body = f"<w:p>{text('Before.')}{box('In the box.', 'Below it.')}{text(' After.')}</w:p>"
    cell = f"<w:tc><w:p>{text('80')}{box('In a cell.')}</w:p></w:tc>"
    table = f"<w:tbl><w:tr><w:tc><w:p>{text('Crane')}</w:p></w:tc>{cell}</w:tr></w:tbl>"
    read_text, _ = read_lines(tmp_path, "a.docx", sample_files.raw_docx(body + table))
    assert read_text == "Before. After.\nIn the box.\nBelow it.\nCrane | 80 In a cell."


def test_a_footnote_in_a_table_of_word_follows_the_table(tmp_path: Path) -> None:
    main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    note = f'<w:footnotes xmlns:w="{main}"><w:footnote w:id="2"><w:p>{text("One.")}</w:p><w:p>{text("Two.")}</w:p>'
    mark = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    cells = f"<w:tc><w:p>{text('Crane')}{mark}</w:p></w:tc><w:tc><w:p>{text('80')}</w:p></w:tc>"
    extra = {"word/footnotes.xml": f"{note}</w:footnote></w:footnotes>".encode()}
    content = sample_files.raw_docx(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl><w:p>{text('After.')}</w:p>", extra=extra)
    assert read_lines(tmp_path, "a.docx", content)[0] == "Crane | 80\nNote: One. Two.\nAfter."


def test_merged_cells_of_a_workbook_stand_in_each_place_and_two_rows_of_names_are_one(tmp_path: Path) -> None:
    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        ships = book.add_worksheet("Ships")
        ships.merge_range("A1:C1", "Fleet")
        ships.write_row("A2", ["Class", "Ship", "Tons"])
        ships.merge_range("A3:A5", "Tugs")
        for at, row in enumerate((("Berta", 3), ("Olga", 4), ("Ute", 5))):
            ships.write_row(2 + at, 1, row)
        ships.set_row(3, None, None, {"hidden": True})
        trade = book.add_worksheet("Trade")
        trade.merge_range("B1:C1", "2023")
        trade.merge_range("D1:E1", "2024")
        trade.write_row(1, 0, ["Port", "In", "Out", "In", "Out"])
        trade.write_row(2, 0, ["North", 1, 2, 3, 4])
    assert read_lines(tmp_path, "a.xlsx", stream.getvalue())[0].split("\n") == [
        "Ships", "Fleet", "Class: Tugs; Ship: Berta; Tons: 3", "Class: Tugs; Ship: Ute; Tons: 5",
        "Trade", "Port: North; 2023 In: 1; 2023 Out: 2; 2024 In: 3; 2024 Out: 4",
    ]  # fmt: skip


def test_an_error_that_a_notebook_shows_is_read(tmp_path: Path) -> None:
    outputs = [
        {"output_type": "error", "ename": "ValueError", "evalue": "no tide", "traceback": ["\x1b[31m"]},
        {"output_type": "display_data", "data": None},
    ]
    cell = {"cell_type": "code", "source": "tide()", "outputs": outputs}
    assert read_lines(tmp_path, "a.ipynb", json.dumps({"cells": [cell]}).encode())[0] == "tide()\nValueError: no tide"


@pytest.mark.parametrize("data", [5, True, "image/png", ["image/png"], None])
def test_an_odd_output_of_a_notebook_leaves_the_rest_of_it_readable(tmp_path: Path, data: object) -> None:
    cell = {"cell_type": "code", "source": "tide()", "outputs": [{"data": data}]}
    assert read_lines(tmp_path, "a.ipynb", json.dumps({"cells": [cell]}).encode()) == ("tide()", "")


def test_notes_outside_of_the_line_of_a_book_are_read_behind_it(tmp_path: Path) -> None:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="n" href="n.xhtml"/><item id="a" '
        'href="a.xhtml"/></manifest><spine><itemref idref="n" linear="no"/><itemref idref="a"/></spine></package>'
    )
    container = '<container xmlns="urn:x"><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
    chapter = "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>Words.</p></body></html>"
    book = sample_files.archive(
        mimetype=b"application/epub+zip",
        **{
            "META-INF/container.xml": container.encode(), "b.opf": package.encode(),
            "a.xhtml": chapter.format("Text").encode("utf-16"), "n.xhtml": chapter.format("Notes").encode(),
        },
    )  # fmt: skip
    assert read_lines(tmp_path, "a.epub", book)[0] == "Text\nWords.\nNotes\nWords."


def test_notes_of_an_opendocument_text_follow_what_they_are_to(tmp_path: Path) -> None:
    names = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{names}:office:1.0" xmlns:text="{names}:text:1.0"><office:body>'
        "<office:text><text:p>Seen<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>"
        "At the foot.</text:p></text:note-body></text:note> here.</text:p></office:text></office:body>"
        "</office:document-content>"
    )
    opened = sample_files.archive(mimetype=b"application/vnd.oasis.opendocument.text", content_xml=content.encode())
    assert read_lines(tmp_path, "a.odt", opened)[0] == "Seen here.\nNote: At the foot."


def pdf(angle: int = 0, turn: int = 0) -> bytes:
    """A page of lines drawn at an angle, and turned."""
    document = FPDF()
    document.add_page()
    document.set_font("helvetica", size=12)
    with document.rotation(angle, 105, 148):
        for number in range(9):
            document.text(30, 100 + 8 * number, f"Line {number} says something about ship {number * 7}.")
    opened, file = pypdfium2.PdfDocument(bytes(document.output())), io.BytesIO()
    opened[0].set_rotation(turn)
    opened.save(file)
    return file.getvalue()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_lines_are_read_in_order_however_a_page_is_turned(tmp_path: Path, angle: int, turn: int) -> None:
    lines = read_lines(tmp_path, "a.pdf", pdf(angle, turn))[0].split("\n")
    assert lines == [f"Line {number} says something about ship {number * 7}." for number in range(9)]


HEBREW = ["הנמל סגור ביום שישי ובשבת בבוקר", "הספינה מגיעה בשעה שש בערב אל הרציף", "הדייגים יוצאים לים לפני הזריחה"]


def leftward(*columns: tuple[float, list[str]]) -> bytes:
    """Lines of Hebrew that end at these places (mm), drawn as a program for printing does: from left to right."""
    document = FPDF()
    document.add_font("D", "", str(DEJAVU))
    document.add_page()
    document.set_font("D", size=9)
    for right, lines in columns:
        for at, line in enumerate(lines):
            document.text(right - document.get_string_width(line[::-1]), 30 + 8 * at, line[::-1])
    return bytes(document.output())


needs_letters = pytest.mark.skipif(not DEJAVU.exists(), reason="no font with Hebrew letters")


@needs_letters
def test_lines_from_right_to_left_are_no_table(tmp_path: Path) -> None:
    assert read_lines(tmp_path, "a.pdf", leftward((190, HEBREW)))[0].split("\n") == HEBREW


@needs_letters
def test_the_right_one_of_two_columns_from_right_to_left_is_read_first(tmp_path: Path) -> None:
    right, left = HEBREW * 3, HEBREW[::-1] * 3
    assert read_lines(tmp_path, "a.pdf", leftward((90, left), (190, right)))[0].split("\n") == [*right, *left]
