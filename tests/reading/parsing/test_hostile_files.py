"""Files that are broken or made to harm end with a reason, in bounded time and memory, and the next file is read."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import runner
from tests.documents import sample_files
from tests.reading.parsing.parser_runs import HONEST_TEXT, MEMORY, SECONDS, parse_in_sandbox

pytestmark = pytest.mark.usefixtures("bounded")
PDF = {"kind": "pdf", "pages": 3000, "characters": 10**6}


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("a.pdf", sample_files.encrypted_pdf, "password"),
        ("a.pdf", lambda: sample_files.pdf("Text")[:200], "damaged"),
        ("a.pdf", lambda: b"", "empty"),
        ("a.pdf", lambda: b"\x00" * 5000, "empty"),
        ("a.docx", lambda: sample_files.docx("Text")[:3000], "damaged"),
        ("a.pdf", lambda: b"<!doctype html><p>Hello", "web page"),
        ("a.pdf", lambda: HONEST_TEXT, "plain text"),
        ("a.docx", lambda: sample_files.pdf("Text"), "a PDF"),
        ("a.txt", lambda: sample_files.pdf("Text"), "a PDF"),
        ("a.pdf", lambda: sample_files.docx("Text"), "a Word document"),
        ("a.docx", lambda: sample_files.archive(xl__workbook_xml=b"<x/>"), "a workbook"),
        ("a.docx", lambda: sample_files.archive(ppt__presentation_xml=b"<x/>"), "a PowerPoint presentation"),
        ("a.docx", lambda: sample_files.archive(readme=b"x"), "a ZIP archive"),
        ("a.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "damaged"),
        ("a.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        ("a.txt", lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "a picture"),
        ("a.csv", lambda: b"\x7fELF" + bytes(range(256)) * 20, "a program"),
        ("a.md", lambda: bytes((n * 97 + n // 7) % 256 for n in range(9000)), "unknown kind"),
        ("a.docx", lambda: sample_files.raw_docx("<w:p><w:r><w:t>unclosed"), "damaged"),
        (
            "a.docx",
            lambda: sample_files.raw_docx("", extra={f"x/{n}": b"" for n in range(2500)}),
            "unpacks to a suspiciously large size",
        ),
        ("a.docx", sample_files.docx_bomb, "unpacks to a suspiciously large size"),
        ("a.csv", lambda: b'a,b\n"' + b"x" * 2_000_000 + b'",1\n', "quotation mark"),
        ("a.csv", lambda: b"," * 5000 + b"\n", "columns"),
        ("a.txt", lambda: b"word " * 16_000_000, "characters of text"),
        ("a.pdf", lambda: sample_files.raw_pdf(b"", pages=5000), "5,000 pages"),
    ],
)
def test_hostile_file_is_refused_with_a_reason(
    tmp_path: Path, name: str, make: Callable[[], bytes], words: str
) -> None:
    with pytest.raises(ParseError, match=words):
        parse_in_sandbox(tmp_path, name, make())[0]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.pdf", lambda: sample_files.flate_bomb(1)),
        pytest.param("a.pdf", lambda: sample_files.flate_bomb(2), marks=pytest.mark.slow),
        ("a.pdf", lambda: sample_files.raw_pdf(b"", box="0 0 200000 200000")),
        ("a.pdf", lambda: sample_files.raw_pdf(b"", pages=300_000)),
        ("a.docx", sample_files.lol_docx),
        ("a.docx", lambda: sample_files.raw_docx("<w:p>" * 50_000 + "</w:p>" * 50_000)),
        ("a.docx", lambda: sample_files.raw_docx(b"<w:p><w:r><w:t>word</w:t></w:r></w:p>" * 1_000_000)),
        ("a.html", sample_files.nested_html),
        pytest.param("a.html", lambda: b"<html><body>" + b"<p>word <b>bold" * 300_000, marks=pytest.mark.slow),
        ("a.html", lambda: b"<html><body>" + b"<table><tr><td>" * 5_000 + b"deep"),
        ("a.md", lambda: b"> " * 50_000 + b"deep"),
        ("a.md", lambda: b"[" * 50_000 + b"x" + b"](y)" * 50_000),
        ("a.md", lambda: b"- " * 20_000 + b"x"),
        ("a.md", lambda: b"|a" * 2_000 + b"|\n" + b"|-" * 2_000 + b"|\n" + (b"|b" * 2_000 + b"|\n") * 50),
        ("a.md", lambda: b"*a_b" * 100_000),
        ("a.csv", lambda: b"a,b,c\n" + b"1,2,3\n" * 700_000),
    ],
)
def test_hostile_file_is_refused_or_read_within_the_limits(
    tmp_path: Path, name: str, make: Callable[[], bytes]
) -> None:
    try:
        parse_in_sandbox(tmp_path, name, make())[0]
    except ParseError as error:
        assert len(str(error)) > 20


def test_document_reads_no_file_of_the_server(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret of the server")
    with contextlib.suppress(ParseError):
        assert "secret of the server" not in parse_in_sandbox(tmp_path, "a.docx", sample_files.xxe_docx(str(secret)))[0]


def test_a_link_in_the_place_of_a_stored_file_is_not_followed(tmp_path: Path) -> None:
    secret, link = tmp_path / "secret", tmp_path / "link"
    secret.write_bytes(HONEST_TEXT)
    link.symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        runner.run_task("parse", link, {"kind": "text", "pages": 1, "characters": 100}, seconds=5, memory_bytes=MEMORY)


@pytest.mark.parametrize(
    "content",
    [
        "Größe, Maß".encode("utf-8-sig"),
        "Größe, Maß".encode("utf-16"),
        ("Größe, Maß, " * 20).encode("utf-16-le"),
        ("Die Größe und das Maß der Straße, schön und groß. " * 20).encode("latin-1"),
        "Grö\0ße, Ma\0ß".encode(),
    ],
)
def test_text_in_any_encoding_is_read(tmp_path: Path, content: bytes) -> None:
    text = parse_in_sandbox(tmp_path, "a.txt", content)[0]
    assert "Größe" in text
    assert "\0" not in text


def test_hidden_text_is_left_out_of_web_pages_and_word_documents(tmp_path: Path) -> None:
    page = (
        b"<html><body><p>Seen.</p><p style='display: none'>Hidden one.</p><p hidden>Hidden two.</p>"
        b"<div aria-hidden=true>Hidden three.</div><span style='font-size:0'>Hidden four.</span>"
        b"<template>Hidden five.</template><p style='position:absolute; left:-9999px'>Hidden six.</p></body></html>"
    )
    assert parse_in_sandbox(tmp_path, "a.html", page)[0] == "Seen."
    word = sample_files.raw_docx(
        "<w:p><w:r><w:t>Seen.</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>Hidden.</w:t></w:r>"
        "<w:del><w:r><w:delText>Deleted.</w:delText></w:r></w:del></w:p>"
    )
    assert parse_in_sandbox(tmp_path, "a.docx", word)[0] == "Seen."


def test_hidden_text_of_a_pdf_is_blank_in_its_page(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(sample_files.hidden_pdf())
    answers = runner.run_task("parse", path, PDF, seconds=SECONDS, memory_bytes=MEMORY)
    (page,) = (answer for answer in answers if "page" in answer)
    lines = [line for line in page["text"].split("\r\n") if line.strip()]
    assert lines == ["Seen on paper.", "Seen on a dark box.", "Seen through a shape.", "Seen at the end."]


def test_invisible_characters_do_not_survive(tmp_path: Path) -> None:
    text = "pay\u200bment \u202eevil\u202c \U000e0041\U000e0042 done"
    assert parse_in_sandbox(tmp_path, "a.txt", text.encode())[0] == "payment evil  done"


@pytest.mark.parametrize(
    ("attempt", "fails_with"),
    [
        ("bytearray(1 << 29)", "MemoryError"),
        ("open('big', 'wb').write(b'x' * (17 << 20))", "File too large"),
        ("[open('/dev/null') for _ in range(99)]", "Too many open files"),
    ],
)
def test_a_child_cannot_take_more_than_it_may(tmp_path: Path, attempt: str, fails_with: str) -> None:
    code = "from apps.reading.sandbox.child_process import confine_process; confine_process(5, 1 << 28, '.'); "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}keep = {attempt}"], cwd=tmp_path, capture_output=True, text=True,
        env={"PYTHONPATH": str(settings.BASE_DIR)},
    )  # fmt: skip
    assert fails_with in done.stderr


def test_a_child_is_killed_when_its_answer_is_no_longer_wanted(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(sample_files.pdf(*["Text"] * 400))
    answers = runner.stream_task("parse", path, PDF, seconds=30, memory_bytes=MEMORY)
    next(answers)
    before = set(Path("/proc").glob("[0-9]*"))
    answers.close()
    gone = {entry for entry in before if not entry.exists()}
    assert gone
