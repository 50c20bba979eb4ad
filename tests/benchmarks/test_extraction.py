"""The bench of extraction reads real files, counts how they end, and compares texts without their marks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from django.core.management import call_command

from benchmarks.command import Command
from benchmarks.extraction.reference_text import compute_distance, normalise_text
from benchmarks.extraction.run import compute_word_recall
from tests.documents import sample_files

REFERENCE = """# Leave

**Thirty** days of [leave](https://example.org/a_(b)) are *paid* every year\\.

<!-- image -->

| Year | Days |
|------|------|
| 2025 | 30   |
| 2026 | 31   |

- one
- two &amp; three
"""
SOURCE = """<html><body><h1>Leave</h1><p><b>Thirty</b> days of <a href='/'>leave</a> are paid every year.</p>
<table><tr><th>Year</th><th>Days</th></tr><tr><td>2025</td><td>30</td></tr><tr><td>2026</td><td>31</td></tr></table>
<ul><li>one</li><li>two &amp; three</li></ul></body></html>"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "ingest_docs"
    (folder / "docling_src").mkdir(parents=True)
    (folder / "docling_groundtruth").mkdir()
    (folder / "docling_src" / "leave.html").write_text(SOURCE)
    (folder / "docling_src" / "other.txt").write_text("One two three.")
    (folder / "docling_groundtruth" / "leave.html.md").write_text(REFERENCE)
    (folder / "docling_groundtruth" / "other.md").write_text("One two four!!")
    (folder / "docling_groundtruth" / "unknown.pdf.md").write_text("Nothing.")
    (folder / "locked.pdf").write_bytes(sample_files.encrypted_pdf())
    (folder / "pack.zip").write_bytes(b"PK\x03\x04")
    rows = [
        ("docling_src/leave.html", "normal"), ("locked.pdf", "normal"), ("absent.txt", "normal"),
        ("pack.zip", "hostile"),
    ]  # fmt: skip
    (folder / "MANIFEST.jsonl").write_text("\n".join(json.dumps({"path": path, "kind": kind}) for path, kind in rows))
    return tmp_path


def test_files_are_counted_by_how_they_end_and_texts_are_compared(data: Path, tmp_path: Path) -> None:
    found = tmp_path / "numbers.json"
    call_command(Command(), "extraction", "--data", str(data), "--json", str(found))
    numbers = json.loads(found.read_text())
    assert numbers["similarity.html"] == 1.0
    assert numbers["similarity.txt"] == pytest.approx(1 - 6 / 14)  # "three." and "four!!"
    assert numbers["similarity_files"] == 2
    assert numbers["independent_files"] == numbers["independent_words_files"] == 2
    assert numbers["independent.html"] == numbers["independent.txt"] == numbers["independent_words"] == 1.0
    counted = {name: value for name, value in numbers.items() if "files_" in name and "similarity" not in name}
    assert counted == {
        "files_read": 1, "files_refused": 1, "files_failed": 0,
        "hostile_files_read": 0, "hostile_files_refused": 1, "hostile_files_failed": 0,
    }  # fmt: skip


def test_missing_references_are_named_with_the_way_to_give_them(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(data / "ingest_docs" / "docling_groundtruth")
    call_command(Command(), "extraction", "--data", str(data))
    told = capfd.readouterr().err
    assert f"There are no references in {data / 'ingest_docs' / 'docling_groundtruth'}" in told
    assert "DIR/ingest_docs/docling_groundtruth" in told and "--data DIR" in told
    assert "leave.html, against an independent reading: 1.000, 1.000 of its words" in told


def test_word_recall_falls_with_words_that_a_parser_loses() -> None:
    assert (
        compute_word_recall("two One", "one two") == 0.5
        and compute_word_recall("", "") == 1
        and compute_word_recall("a", "a a a a") == 0.25
    )


def test_marks_do_not_count_and_words_do() -> None:
    assert normalise_text("Leave\n\nYear: 2025; Days: 30") == normalise_text(
        "## Leave\n\n| Year | Days |\n|-|-|\n| 2025 | 30 |", markdown=True
    )
    assert normalise_text("a_b * 2") == "a_b * 2"
    assert (
        compute_distance("", "") == 0 and compute_distance("abc", "") == 1 and compute_distance("abcd", "abce") == 0.25
    )
