"""`./run bench ingest` on tiny sets: every number is there, and each file is counted by its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from benchmarks.command import Command
from benchmarks.ingest import real_files
from benchmarks.ingest import worker as ingest_worker

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("tables_there")]

FILES = {
    "notes.txt": ("normal", b"Every employee has thirty days of paid leave a year."),
    "copy.txt": ("normal", b"Every employee has thirty days of paid leave a year."),
    "program.exe": ("hostile", b"MZ"),
    "torn.pdf": ("hostile", b"%PDF-1.7\n1 0 obj"),
}


@pytest.fixture(autouse=True)
def real_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EMBED_BACKEND", "CLASSIFY_BACKEND", "PLANTED_BACKEND", "INDEX_BACKEND"):
        monkeypatch.delenv(name)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Retrieval sets, of which files are made, and real files."""
    corpus = tmp_path / "other" / "corpus.jsonl"
    corpus.parent.mkdir()
    rows = [
        {"_id": str(n), "title": f"Chapter {n}", "text": f"What chapter {n} says about whales. " * 20} for n in range(9)
    ]
    corpus.write_text("\n".join(map(json.dumps, rows)))
    place = tmp_path / "ingest_docs"
    place.mkdir()
    for name, (_, content) in FILES.items():
        (place / name).write_bytes(content)
    lines = [json.dumps({"path": name, "kind": kind}) for name, (kind, _) in FILES.items()]
    (place / "MANIFEST.jsonl").write_text("\n".join(lines))
    return tmp_path


@pytest.mark.slow
def test_ingestion_is_measured_whole_in_one_run(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    call_command(Command(), "ingest", "--data", str(data), "--rounds", "1", "--quick", "--json", str(file))
    numbers = json.loads(file.read_text())
    assert all(isinstance(value, int | float) for value in numbers.values())
    assert (numbers["files_read"], numbers["files_refused"], numbers["files_failed"]) == (0.5, 0.5, 0)
    assert (numbers["normal_files_read"], numbers["documents"]) == (1, 1)
    assert numbers["pipeline_over_encoder"] > 0 and numbers["real_files_over_encoder"] > 0
    assert numbers["encoder_over_st_fp32"] > 0 and numbers["encoder_cosine_min"] > 0.9995
    assert numbers["reingest_over_first"] < 0.5 and 100 < numbers["worker_peak_mb"] < 1200


@pytest.mark.slow
def test_the_real_files_alone_can_be_named(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    options = ("--rounds", "1", "--quick", "--json", str(file))
    call_command(Command(), "ingest", "--data", str(data), "--sets", "ingest_docs", *options)
    numbers = json.loads(file.read_text())
    assert numbers["pipeline_over_encoder"] == numbers["real_files_over_encoder"] and numbers["files"] == 4
    assert "documents" not in numbers, "no file was made of the other set"


def test_a_folder_without_anything_to_read_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError):
        call_command(Command(), "ingest", "--data", str(tmp_path))
    assert "Neither a set with a corpus.jsonl nor a MANIFEST.jsonl" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("sets", "made", "real"),
    [([], True, "ingest_docs"), (["other"], True, None), (["ingest_docs"], False, "ingest_docs"),
     (["ingest_docs", "other"], True, "ingest_docs")],
)  # fmt: skip
def test_sets_are_chosen_by_name(data: Path, sets: list[str], made: bool, real: str | None) -> None:
    assert [name for name, _ in ingest_worker._make_files(data, 1200, sets)] == ["file 0.txt"] * made
    assert real_files.find_folder(data, sets) == (data / real if real else None)


def test_a_folder_of_real_files_can_be_named_itself(data: Path) -> None:
    place = data / "ingest_docs"
    assert real_files.find_folder(place, []) == place and ingest_worker._make_files(place, 1200, []) == []


def test_a_set_that_is_not_there_is_told(data: Path) -> None:
    with pytest.raises(CommandError, match="no set plants in"):
        call_command(Command(), "ingest", "--data", str(data), "--sets", "plants")
