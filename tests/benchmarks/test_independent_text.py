"""Files are read by their own bytes, without the parsers, so that what a parser loses shows."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pptx
import pytest

from benchmarks.extraction.independent_text import read_independently
from tests.documents import sample_files
from tests.reading.parsing.test_office_formats import workbook

_ODT = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><office:body><office:text>'
    "<text:h>Leave</text:h><text:p>Thirty<text:s/>days <text:span>paid</text:span>.</text:p>"
    "<table:table><table:table-row><table:table-cell><text:p>Year</text:p></table:table-cell>"
    "<table:table-cell><text:p>Days</text:p></table:table-cell></table:table-row></table:table>"
    "</office:text></office:body></office:document-content>"
)
_MAIL = (
    b"Subject: Leave\nFrom: a@example.org\nContent-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\n"
    b"\nThirty days.\n--B\nContent-Type: text/plain; name=more.txt\nContent-Disposition: attachment; "
    b"filename=more.txt\n\nPaid.\n--B--\n"
)
_PAGE = (
    b"<html><head><title>No</title><style>no</style></head><body><nav>no</nav><h1>Leave</h1><p>Thirty <b>days</b>.</p>"
    b"<table><tr><th>Year</th><th>Days</th></tr><tr><td>2025</td><td>30</td></tr></table></body></html>"
)


def odt() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("content.xml", _ODT)
    return stream.getvalue()


def show() -> bytes:
    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Leave", "Thirty days\nPaid"
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"One\n\ntwo", "One two"),
        ("a.csv", b"Year;Days\n2025;30\n2026;31\n", "| Year | Days | | 2025 | 30 | | 2026 | 31 |"),
        ("a.html", _PAGE, "Leave Thirty days. | Year | Days | | 2025 | 30 |"),
        ("a.eml", _MAIL, "Leave From: a@example.org Subject: Leave Thirty days. more.txt Paid."),
        ("a.docx", sample_files.docx("Thirty days.", "Paid."), "Thirty days. Paid."),
        ("a.pptx", show(), "Leave Thirty days Paid"),
        ("a.odt", odt(), "Leave Thirty days paid. | Year | Days |"),
        (
            "a.xlsx", workbook(),
            "Prices Price list of 2024 | Item | Price | Since | | Tea | 3.5 | | Coffee | 4 | 2024-05-01 | "
            "Years | | 2023 | 2024 | | Sold | 10 | 12 | | Lost | 1 | 2 |",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("a.") else "",
)  # fmt: skip
def test_a_file_is_read_by_its_own_bytes(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert " ".join((read_independently(path) or "").split()) == said


def test_pdf_has_no_independent_reading(tmp_path: Path) -> None:
    assert read_independently(tmp_path / "a.pdf") is None
