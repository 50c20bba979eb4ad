"""`manage.py bench ingest` on tiny sets: every number is there, and each file is counted by its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.process

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


def test_all_of_ingestion_is_measured_in_one_run(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    call_command("bench", "ingest", "--data", str(data), "--rounds", "1", "--quick", "--json", str(file))
    numbers = json.loads(file.read_text())
    assert all(isinstance(value, int | float) for value in numbers.values())
    assert (numbers["files_read"], numbers["files_refused"], numbers["files_failed"]) == (0.5, 0.5, 0)
    assert (numbers["normal_files_read"], numbers["documents"]) == (1, 1)
    assert numbers["pipeline_over_encoder"] > 0 and numbers["real_files_over_encoder"] > 0
    assert numbers["encoder_over_st_fp32"] > 0 and numbers["encoder_cosine_min"] > 0.9995
    assert numbers["reingest_over_first"] < 0.5 and 100 < numbers["worker_peak_mb"] < 1200


def test_the_real_files_alone_can_be_named(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    place = str(data / "ingest_docs")
    call_command("bench", "ingest", "--data", place, "--rounds", "1", "--quick", "--json", str(file))
    numbers = json.loads(file.read_text())
    assert numbers["pipeline_over_encoder"] == numbers["real_files_over_encoder"] and numbers["files"] == 4


def test_a_folder_without_anything_to_read_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError):
        call_command("bench", "ingest", "--data", str(tmp_path))
    assert "Neither a set with a corpus.jsonl nor a MANIFEST.jsonl" in capfd.readouterr().err


def test_sets_are_chosen_by_name(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    options = ("--rounds", "1", "--quick", "--json", str(file))
    call_command("bench", "ingest", "--data", str(data), "--sets", "other", *options)
    numbers = json.loads(file.read_text())
    assert numbers["documents"] == 1 and "files_read" not in numbers
    with pytest.raises(CommandError, match="no set plants in"):
        call_command("bench", "ingest", "--data", str(data), "--sets", "plants", *options)
