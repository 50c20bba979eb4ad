"""What a reader sees of a file, by format: headings, lists, tables and code, without the marks that made them."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest

from apps.documents.parsers.base import PART_CHARACTERS, Block, Limits, ParsedPage, Title, paginate
from apps.documents.parsers.csv import parse as parse_csv
from apps.documents.parsers.docx import parse as parse_docx
from apps.documents.parsers.html import parse as parse_html
from apps.documents.parsers.markdown import parse as parse_markdown
from apps.documents.parsers.text import parse as parse_text

Pieces = list[tuple[str, int, str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def read(parser: object, path: Path, content: bytes) -> tuple[str, Pieces]:
    """The title and the pieces."""
    path.write_bytes(content)
    found = list(parser(str(path), Limits()))  # type: ignore[operator]
    title = next((item.text for item in found if isinstance(item, Title)), "")
    pieces = [
        (piece.kind, piece.level, item.text[piece.start : piece.end])
        for item in found
        if isinstance(item, ParsedPage)
        for piece in item.pieces
    ]
    return title, pieces


MARKDOWN = b"""---
title: "Leave policy"
---
# Time off

Thirty days of **paid** [leave](https://example.org) a year,
`asked` for in writing. <!-- hidden -->

- Call *early*
- Send
  1. a certificate

| Kind | Days |
|------|-----:|
| Paid | 30   |
| Sick | 10   |

```python
days = 30
```
"""


def test_markdown(file: Path) -> None:
    title, pieces = read(parse_markdown, file, MARKDOWN)
    assert title == "Leave policy"
    assert pieces == [
        ("heading", 1, "Time off"),
        ("paragraph", 0, "Thirty days of paid leave a year,\nasked for in writing."),
        ("list", 0, "- Call early"),
        ("list", 0, "- Send"),
        ("list", 0, "1. a certificate"),
        ("table", 0, "Kind: Paid; Days: 30\nKind: Sick; Days: 10"),
        ("code", 0, "days = 30"),
    ]


HTML = """<!doctype html><html><head><title>Leave policy</title><script>hidden()</script></head><body>
<nav><a href="/">Home</a></nav><main><h1>Time off</h1><p>Thirty days of <b>paid</b> leave<br>a year.</p>
<ul><li>Call early</li><li><p>Send a certificate</p></li></ul>
<table><tr><th>Kind</th><th>Days</th></tr><tr><td>Paid</td><td>30</td></tr></table>
<pre>days = 30
  more</pre></main><footer>Imprint</footer></body></html>"""


def test_html(file: Path) -> None:
    title, pieces = read(parse_html, file, HTML.encode())
    assert title == "Leave policy"
    assert pieces == [
        ("heading", 1, "Time off"),
        ("paragraph", 0, "Thirty days of paid leave\na year."),
        ("list", 0, "- Call early"),
        ("list", 0, "- Send a certificate"),
        ("table", 0, "Kind: Paid; Days: 30"),
        ("code", 0, "days = 30\n  more"),
    ]


def test_html_in_the_encoding_that_it_declares(file: Path) -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><body><p>Żółć i łąka</p></body></html>'
    assert read(parse_html, file, page.encode("iso-8859-2"))[1] == [("paragraph", 0, "Żółć i łąka")]


def test_word(file: Path) -> None:
    document = docx.Document()
    document.core_properties.title = "Leave policy"
    document.add_heading("Time off", level=1)
    document.add_paragraph("Thirty days of paid leave a year.")
    document.add_paragraph("Call early", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, words in zip([*table.rows[0].cells, *table.rows[1].cells], ["Kind", "Days", "Paid", "30"], strict=True):
        cell.text = words
    document.add_heading("Illness", level=2)
    stream = io.BytesIO()
    document.save(stream)
    title, pieces = read(parse_docx, file, stream.getvalue())
    assert title == "Leave policy"
    assert pieces == [
        ("heading", 1, "Time off"),
        ("paragraph", 0, "Thirty days of paid leave a year."),
        ("list", 0, "- Call early"),
        ("table", 0, "Kind: Paid; Days: 30"),
        ("heading", 2, "Illness"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_with_any_delimiter(file: Path, delimiter: str) -> None:
    rows = [["Name", "Days", "Note"], ["Paid leave", "30", 'said "yes"'], ["Sick", "", "two\nlines"]]
    text = "\r\n".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    assert read(parse_csv, file, text.encode())[1] == [
        ("table", 0, 'Name: Paid leave; Days: 30; Note: said "yes"\nName: Sick; Note: two lines')
    ]


def test_csv_without_names_of_columns(file: Path) -> None:
    assert read(parse_csv, file, b"1,2\n3,4\n")[1] == [("table", 0, "1 | 2\n3 | 4")]


def test_csv_of_names_only(file: Path) -> None:
    assert read(parse_csv, file, b"Name,Days\n")[1] == [("table", 0, "Name | Days")]


def test_text_keeps_its_lines_and_parts_at_blank_ones(file: Path) -> None:
    assert read(parse_text, file, b"One\r\ntwo\r\n \r\n\r\nThree")[1] == [
        ("paragraph", 0, "One\ntwo"),
        ("paragraph", 0, "Three"),
    ]


def test_long_documents_come_in_parts_cut_between_paragraphs() -> None:
    pages = list(paginate([Block("paragraph", "word " * 1000)] * 40, Limits()))
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    assert len(pages) == 8
    assert all(len(page.text) <= PART_CHARACTERS for page in pages)
    assert sum(len(page.pieces) for page in pages) == 40
