"""Files of half a megabyte that are made to keep a reader busy end within seconds, each read or with a reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.documents.ingestion import file_parsing
from apps.reading.chunking.chunker import Chunker
from apps.reading.parsing.formats import FORMATS
from apps.reading.parsing.protocol import MAX_CHARACTERS, BlockSpan, ParsedPage, ParseError
from apps.reading.parsing.text.markdown import read_markdown
from apps.reading.sandbox import runner
from apps.reading.sandbox.runner import detect_format
from tests.documents.sample_files import raw_docx

SIZE = 500_000
WORK_S = 10  # seconds of the processor: a busy machine takes longer, and that is no fault of the file
WALL_S = 120


def full_of(unit: str, size: int = SIZE) -> str:
    return (unit * (size // len(unit) + 1))[:size]


MADE: dict[str, Callable[[], str | bytes]] = {
    "brackets.txt": lambda: full_of("("),
    "quotes.txt": lambda: full_of('"'),
    "spaces.txt": lambda: f"a{full_of(' ')}b",
    "codes.txt": lambda: full_of("a-b/c:d@"),
    "open_quote.csv": lambda: 'a,b,c\n1,"2' + full_of(",x\n"),
    "only_quotes.csv": lambda: full_of('"'),
    "separator.csv": lambda: "sep=;\n" + full_of('";"\n'),
    "names.csv": lambda: (
        ",".join("n" * 150 + str(n) for n in range(1900)) + "\n" + full_of("x," * 1899 + "x\n", 200_000)
    ),
    "open_quote.tsv": lambda: 'a\tb\n"' + full_of("x\ty\n"),
    "deep.json": lambda: full_of("["),
    "keys.json": lambda: "{" + ",".join(f'"k{n}":{n}' for n in range(SIZE // 14)) + "}",
    "flat.json": lambda: "[" + "0," * (SIZE // 2) + "0]",
    "divisions.html": lambda: "<div>" * (SIZE // 5),
    "breaks.html": lambda: "<p>" + "x<br>" * (SIZE // 5),
    "terms.html": lambda: "<dl>" + "<dt>a<dd>b" * (SIZE // 10),
    "spans.html": lambda: "<table>" + ("<tr>" + "<td colspan=40 rowspan=40>x</td>" * 50 + "</tr>") * (SIZE // 1800),
    "comments.html": lambda: "<p>x" + full_of("<!--"),
    "headings.html": lambda: "<h1>x</h1>" * (SIZE // 10),
    "brackets.md": lambda: full_of("["),
    "pictures.md": lambda: full_of("!["),
    "links.md": lambda: full_of("[a]("),
    "closed.md": lambda: full_of("[", SIZE // 2) + full_of("]", SIZE // 2),
    "comments.md": lambda: full_of("<!-- "),
    "instructions.md": lambda: full_of("<?"),
    "headings.md": lambda: full_of("# a\n"),
    "underlined.md": lambda: full_of("a\n=\n"),
    "ticks.md": lambda: "".join("`" * (n % 1000) + " " for n in range(1000)),
    "deep.xml": lambda: "<a>" * (SIZE // 3),
    "empty.xml": lambda: "<r>" + "<a/>" * (SIZE // 4) + "</r>",
    "groups.rtf": lambda: r"{\rtf1 " + full_of("{"),
    "control.rtf": lambda: r"{\rtf1 \\" + full_of("a"),
    "addresses.eml": lambda: "From: " + full_of("a@b, ") + "\nTo: x@y\nSubject: s\n\nx",
    "parameters.eml": lambda: "From: a@b\nContent-Type: text/plain; " + full_of("a=b;") + "\nSubject: s\n\nx",
    "parts.eml": lambda: (
        "From: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" + "--b\n\nx\n" * (SIZE // 8)
    ),
    "runs.docx": lambda: raw_docx("<w:p>" + "<w:r><w:t>a</w:t></w:r>" * 20_000 + "</w:p>"),
    "paragraphs.docx": lambda: raw_docx("<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 15_000),
    "brackets.ipynb": lambda: '{"cells":[{"cell_type":"markdown","source":"' + full_of("[") + '"}]}',
    "deep.ipynb": lambda: '{"cells":' + full_of("["),
    "brackets.py": lambda: full_of("("),
    "comments.c": lambda: full_of("/*"),
    "stars.rst": lambda: full_of("*"),
}


EVERY_DAY = {name.rpartition(".")[2]: name for name in MADE}.values()  # one of each format


def words_apart(text: str) -> list[tuple[int, int]]:
    """The offsets of tokens as a tokeniser that takes each sign by itself tells them, at no cost."""
    return [(at, at + 1) for at in range(len(text))]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in EVERY_DAY else [pytest.mark.slow]) for name in MADE]
)
def test_a_hostile_file_of_half_a_megabyte_ends_in_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(runner, "SILENCE_S", WALL_S)
    made = MADE[name]()
    path = tmp_path / "stored"
    path.write_bytes(made if isinstance(made, bytes) else made.encode())
    pages, reason, kind = list[ParsedPage](), "", detect_format(path, name)
    seconds = min(WORK_S, file_parsing.limit_cpu_seconds(path.stat().st_size, FORMATS[kind].binary))
    options = {"kind": kind, "name": name, "pages": 3000, "characters": MAX_CHARACTERS, "cpu_seconds": seconds}
    try:
        for answer in runner.run_task("parse", path, options, seconds=WALL_S, memory_bytes=1 << 30):
            pages += [file_parsing._make_page(answer)] if "page" in answer else []
    except ParseError as error:
        reason = str(error)
    assert reason != runner.TOO_SLOW
    began, chunker = time.process_time(), Chunker("Title", words_apart, 256)
    drafts = [draft for page in pages for draft in chunker.cut(page)]
    assert time.process_time() - began < WORK_S and len(drafts) < SIZE / 50


def test_headings_alone_fill_chunks() -> None:
    text = "\n\n".join("a" for _ in range(2000))
    pieces = tuple(BlockSpan("heading", 1, at, at + 1) for at in range(0, len(text), 3))
    drafts = list(Chunker("", words_apart, 256).cut(ParsedPage(1, text, pieces)))
    assert len(drafts) < 40


def test_signs_alone_become_no_chunk() -> None:
    page = ParsedPage(1, "(" * 5000, (BlockSpan("paragraph", 0, 0, 5000),))
    assert list(Chunker("", words_apart, 256).cut(page)) == []


def test_a_paragraph_of_ordinary_markdown_keeps_its_marks_out() -> None:
    blocks = list(read_markdown("A **bold** [link](https://example.org) and `code`.\n\n" + "[" * 3000))
    assert [block.text[:40] for block in blocks] == ["A bold link and code.", "[" * 40]
