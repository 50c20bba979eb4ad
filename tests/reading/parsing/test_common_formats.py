"""What a reader sees of a file, by format: headings, lists, tables and code, without the marks that made them."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest

from apps.reading.parsing.common.tables import make_table_blocks_by_first_row
from apps.reading.parsing.data.csv_table import parse as parse_csv
from apps.reading.parsing.html.parser import parse as parse_html
from apps.reading.parsing.office.docx.parser import parse as parse_docx
from apps.reading.parsing.protocol import (
    PART_CHARACTERS,
    DocumentTitle,
    ParsedBlock,
    ParsedPage,
    ParseLimits,
    paginate,
)
from apps.reading.parsing.text.markdown import parse as parse_markdown
from apps.reading.parsing.text.plain_text import parse as parse_text
from tests.documents import sample_files

Pieces = list[tuple[str, int, str]]


def read(parser: object, path: Path, content: bytes) -> tuple[str, Pieces]:
    """The title and the pieces."""
    path.write_bytes(content)
    found = list(parser(str(path), ParseLimits()))  # type: ignore[operator]
    title = next((item.text for item in found if isinstance(item, DocumentTitle)), "")
    pieces = [
        (piece.kind, piece.level, item.text[piece.start : piece.end])
        for item in found
        if isinstance(item, ParsedPage)
        for piece in item.block_spans
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


HTML = """<!doctype html><html><head><title>Leave policy</title><script>hidden()</script></head><body>
<nav><a href="/">Home</a></nav><main><h1>Time off</h1><p>Thirty days of <b>paid</b> leave<br>a year.</p>
<ul><li>Call early</li><li><p>Send a certificate</p></li></ul>
<table><tr><th>Kind</th><th>Days</th></tr><tr><td>Paid</td><td>30</td></tr></table>
<pre>days = 30
  more</pre></main><footer>Imprint</footer></body></html>"""


@pytest.mark.parametrize(
    ("parse", "content", "expected"),
    [
        (
            parse_markdown,
            MARKDOWN,
            [
                ("heading", 1, "Time off"),
                ("paragraph", 0, "Thirty days of paid leave a year,\nasked for in writing."),
                ("list", 0, "- Call early"),
                ("list", 0, "- Send"),
                ("list", 0, "1. a certificate"),
                ("table", 0, "Kind: Paid; Days: 30\nKind: Sick; Days: 10"),
                ("code", 0, "days = 30"),
            ],
        ),
        (
            parse_html,
            HTML.encode(),
            [
                ("heading", 1, "Time off"),
                ("paragraph", 0, "Thirty days of paid leave\na year."),
                ("list", 0, "- Call early"),
                ("list", 0, "- Send a certificate"),
                ("table", 0, "Kind: Paid; Days: 30"),
                ("code", 0, "days = 30\n  more"),
            ],
        ),
    ],
    ids=["markdown", "html"],
)
def test_headings_lists_tables_and_code(file: Path, parse: object, content: bytes, expected: list[object]) -> None:
    assert read(parse, file, content) == ("Leave policy", expected)


OPTIONS = """<p>Options of the program:</p><table><tr><td>--prefix=path</td><td>Where the pages go. The default is
/usr.</td></tr><tr><td colspan=2>--with-cable=name</td></tr><tr><td>&nbsp;</td><td>The cable. The default is smart.</td>
</tr><tr><td>--with-port=n</td><td>The port.</td></tr></table>"""


def test_a_web_table_without_header_takes_no_row_for_one(tmp_path: Path) -> None:
    lines = read(parse_html, tmp_path / "a", OPTIONS.encode())[1][-1][2].splitlines()
    assert lines == [
        "--prefix=path | Where the pages go. The default is /usr.",
        "--with-cable=name | The cable. The default is smart.", "--with-port=n | The port.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "head",
    [
        "<tr><th>Kind</th><th>Rule</th></tr>", "<thead><tr><td>Kind</td><td>Rule</td></tr></thead>",
        "<tr><td><b>Kind</b></td><td><p><strong>Rule</strong></p></td></tr>",
    ],
)  # fmt: skip
def test_a_web_table_has_the_header_that_is_marked_as_one(tmp_path: Path, head: str) -> None:
    table = (
        f"<table>{head}<tr><td>Paid</td><td>By <b>letter</b></td></tr><tr><td>Sick</td><td>By note</td></tr></table>"
    )
    _, pieces = read(parse_html, tmp_path / "a", table.encode())
    assert pieces == [("table", 0, "Kind: Paid; Rule: By letter\nKind: Sick; Rule: By note")]


def test_labels_above_numbers_are_a_header_without_a_mark(tmp_path: Path) -> None:
    table = "<table><tr><td>Kind<td>Days</tr><tr><td>Paid<td>30</tr><tr><td>Sick<td>10</tr></table>"
    assert read(parse_html, tmp_path / "a", table.encode())[1] == [
        ("table", 0, "Kind: Paid; Days: 30\nKind: Sick; Days: 10")
    ]


def test_labels_above_codes_or_paths_are_a_header_and_codes_above_codes_are_none(tmp_path: Path) -> None:
    ports = (
        "<table><tr><td>System<td>Default port</tr><tr><td>Solaris<td>/dev/term/a</tr><tr><td>BSD<td>cuad0</tr></table>"
    )
    assert read(parse_html, tmp_path / "a", ports.encode())[1] == [
        ("table", 0, "System: Solaris; Default port: /dev/term/a\nSystem: BSD; Default port: cuad0")
    ]
    parts = "<table><tr><td>m649a<td>ATmega649A</tr><tr><td>t212<td>ATtiny212</tr></table>"
    assert read(parse_html, tmp_path / "a", parts.encode())[1] == [("table", 0, "m649a | ATmega649A\nt212 | ATtiny212")]


def test_a_table_that_draws_a_box_around_a_note_is_no_table(tmp_path: Path) -> None:
    box = "<table><tr><td rowspan=2><img alt=x></td><th>Note</th></tr><tr><td>Ask first.</td></tr></table>"
    _, pieces = read(parse_html, tmp_path / "a", f"{box}<table><tr><th>Kind<th>Days<tr><td>Paid<td>30</table>".encode())
    assert pieces == [("paragraph", 0, "Note\nAsk first."), ("table", 0, "Kind: Paid; Days: 30")]


@pytest.mark.parametrize(
    "rows", [[["-a", "Shows all of them."], ["-b", "None."]], [["Name:", "Ada"], ["Town:", "Rome"]]]
)
def test_options_and_names_with_values_have_no_header_in_any_format(rows: list[list[str]]) -> None:
    lines = [" | ".join(row) for row in rows]
    assert [block.text for block in make_table_blocks_by_first_row(rows)] == ["\n".join(lines)]


SPANS = """<html><body><h1>Rates</h1><p>Of all clubs.</p><table>
<tr><th>Club</th><th>Year</th><th>Price</th></tr><tr><td rowspan="2">Chess</td><td>2025</td><td>10</td></tr>
<tr><td>2026</td><td>12</td></tr><tr><td colspan="2">Others</td><td>9</td></tr></table>
<p>Before taxes.</p></body></html>"""


def test_cells_that_span_others_stand_in_each_row_and_short_pages_keep_their_form(file: Path) -> None:
    assert read(parse_html, file, SPANS.encode())[1] == [
        ("heading", 1, "Rates"),
        ("paragraph", 0, "Of all clubs."),
        ("table", 0, "Club: Chess; Year: 2025; Price: 10\nClub: Chess; Year: 2026; Price: 12\n"
         "Club: Others; Year: Others; Price: 9"),
        ("paragraph", 0, "Before taxes."),
    ]  # fmt: skip
    bomb = "<table>" + "<tr><td rowspan=60000 colspan=60000>x<td>y</tr>" * 200 + "</table>"
    assert sum(len(words) for _, _, words in read(parse_html, file, bomb.encode())[1]) < 100_000


def test_links_of_headings_to_themselves_are_left_out(file: Path) -> None:
    page = '<body><h1>Menus<a href="#menus">¶</a></h1><p>See § 5 and <a href="#x">¶ marks</a>.</p></body>'
    assert read(parse_html, file, page.encode())[1] == [
        ("heading", 1, "Menus"), ("paragraph", 0, "See § 5 and ¶ marks."),
    ]  # fmt: skip


def test_terms_of_a_manual_are_no_list_items(file: Path) -> None:
    said = "Replace the tip of the current branch by creating a new commit, with the message of the original. " * 12
    page = f"<html><body><article><h2>Options</h2><p>{said}</p><dl><dt>--amend</dt><dd><p>{said}</p></dd></dl>"
    found = read(parse_html, file, f"{page}<ul><li>{said}</li></ul></article></body></html>".encode())[1]
    assert ("paragraph", 0, "--amend") in found
    assert [words.startswith("- ") for kind, _, words in found if kind == "list"] == [True]


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


MERGED = (
    "<w:tbl><w:tr>{0}<w:p><w:r><w:t>Club</w:t></w:r></w:p></w:tc>{0}<w:p><w:r><w:t>Year</w:t></w:r></w:p></w:tc>"
    "{0}<w:p><w:r><w:t>Fee</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:tcPr><w:vMerge w:val='restart'/></w:tcPr>"
    "<w:p><w:r><w:t>Chess</w:t></w:r></w:p></w:tc>{0}<w:p><w:r><w:t>2025</w:t></w:r></w:p></w:tc>{0}<w:p><w:r>"
    "<w:t>10</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc><w:tc><w:tcPr>"
    "<w:gridSpan w:val='2'/></w:tcPr><w:p><w:r><w:t>free</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
).replace("{0}", "<w:tc>")


def test_merged_cells_of_word_stand_in_each_place_that_they_cover(file: Path) -> None:
    assert read(parse_docx, file, sample_files.raw_docx(MERGED))[1] == [
        ("table", 0, "Club: Chess; Year: 2025; Fee: 10\nClub: Chess; Year: free; Fee: free")
    ]


def test_footnotes_of_word_follow_what_they_are_to(file: Path) -> None:
    body = (
        "<w:p><w:r><w:t>Thirty days.</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r></w:p>"
        "<w:p><w:r><w:t>After.</w:t></w:r></w:p>"
    )
    notes = (
        "<w:footnotes xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'>"
        "<w:footnote w:id='2'><w:p><w:r><w:t>Ten for trainees.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    content = sample_files.raw_docx(body, extra={"word/footnotes.xml": notes.encode()})
    assert [words for *_, words in read(parse_docx, file, content)[1]] == [
        "Thirty days.", "Note: Ten for trainees.", "After.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>", "x^2"),
        ("<m:f><m:num><m:r><m:t>x-c</m:t></m:r></m:num><m:den><m:r><m:t>v</m:t></m:r></m:den></m:f>", "(x-c)/v"),
        ("<m:rad><m:deg/><m:e><m:r><m:t>2</m:t></m:r></m:e></m:rad>", "√(2)"),
        ("<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub><m:r><m:t>i</m:t></m:r></m:sub><m:sup><m:r><m:t>n</m:t>"
         "</m:r></m:sup><m:e><m:r><m:t>k</m:t></m:r></m:e></m:nary>", "∑_i^n k"),
    ],
)  # fmt: skip
def test_formulas_of_word_on_one_line(file: Path, inner: str, text: str) -> None:
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    body = f"<w:p><w:r><w:t>So </w:t></w:r><m:oMath {math}>{inner}</m:oMath><w:r><w:t>.</w:t></w:r></w:p>"
    assert read(parse_docx, file, sample_files.raw_docx(body))[1] == [("paragraph", 0, f"So {text}.")]


def test_html_in_markdown_is_read_as_html(file: Path) -> None:
    source = (
        b"Before.\n\n<table><tr><th>Kind</th><th>Days</th></tr><tr><td>Paid</td><td>30</td></tr></table>\n\n"
        b"<p style='display:none'>hidden</p>\n\n<!-- remark -->\n\nAfter."
    )
    assert read(parse_markdown, file, source)[1] == [
        ("paragraph", 0, "Before."), ("table", 0, "Kind: Paid; Days: 30"), ("paragraph", 0, "After."),
    ]  # fmt: skip


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


def test_lines_of_a_text_that_look_like_headings_are_headings(file: Path) -> None:
    text = (
        "RULES OF THE HOUSE\n\nThey hold for all.\n\nLaundry\n=======\n\nNot at night.\n\n5. Project leader\n\n"
        "  5.2. Appointment\n\nThe leader serves for one year.\n\n0. Definitions.\n\nA house is a house."
    )
    headings = [(level, said) for kind, level, said in read(parse_text, file, text.encode())[1] if kind == "heading"]
    assert headings == [
        (1, "RULES OF THE HOUSE"), (1, "Laundry"), (1, "5. Project leader"), (2, "5.2. Appointment"),
        (1, "0. Definitions."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "Buy this:\n\n1. Apples\n\n2. Pears\n\n3. Plums",
        "Do this.\n\n1. Open the lid of the box and take out the battery.\n\nIt is hot.",
        "12 May\n\nThe fair begins.",
        "0    An iron ball\n\nThat is all.",
        "A line\n\nThat is all.",
    ],
)
def test_items_of_lists_and_other_lines_of_a_text_are_no_headings(file: Path, text: str) -> None:
    assert {kind for kind, _, _ in read(parse_text, file, text.encode())[1]} == {"paragraph"}


def test_long_documents_come_in_parts_cut_between_paragraphs() -> None:
    pages = list(paginate([ParsedBlock("paragraph", "word " * 1000)] * 40, ParseLimits()))
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    assert len(pages) == 8
    assert all(len(page.text) <= PART_CHARACTERS for page in pages)
    assert sum(len(page.block_spans) for page in pages) == 40


def _print_pages(pages: int, length: int, gap: str = "\n\n\n") -> str:
    """Return a text of printed pages: each has a header, a footer, and sentences that go on from page to page."""
    body = "\n".join(f"and so on, line {line}" for line in range(length - 6))
    return "".join(f"Guide{' ' * 30}{page}\n\n{body}{gap}Version 3.6\n\n\n" for page in range(1, pages + 1))


def test_headers_and_footers_of_printed_pages_are_no_part_of_a_text(tmp_path: Path) -> None:
    _, pieces = read(parse_text, tmp_path / "a", f"The end of it is near{_print_pages(5, 60)}last.".encode())
    text = "\n".join(text for _, _, text in pieces)
    assert "Version" not in text and text.count("Guide") == 1  # of the first line, which is no header
    assert "and so on, line 53\nand so on, line 0" in text


@pytest.mark.parametrize(
    "text", [_print_pages(3, 60), _print_pages(5, 20), _print_pages(5, 60, "\n").replace("\n\n\n", "\n")]
)
def test_lines_that_recur_otherwise_stay_in_a_text(tmp_path: Path, text: str) -> None:
    assert "".join(text for _, _, text in read(parse_text, tmp_path / "a", text.encode())[1]).count("Version") >= 3
