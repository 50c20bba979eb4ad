"""`./run bench` finds its measurements, prints their numbers, and writes them as one flat object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from benchmarks.command import Command, find_benchmarks


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "tiny"
    folder.mkdir(parents=True)
    texts = {"a": "the fox hunts mice", "b": "whales sing in the deep", "c": "owls sleep all day"}
    lines = [json.dumps({"_id": key, "title": "", "text": text}) for key, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "what do whales sing"}))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\tb\t1\n")
    return folder.parent


def test_measurements_are_all_found_by_name() -> None:
    assert {"retrieval", "turn", "ingest", "chat", "trust"} <= set(find_benchmarks())


@pytest.mark.usefixtures("tables_there")
@pytest.mark.slow
def test_numbers_are_printed_and_written_as_one_flat_object(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.json"

    asked = ["retrieval", "--sets", "tiny", "--mixed", "tiny"]
    call_command(Command(), *asked, "--data", str(data), "--json", str(file))

    numbers = json.loads(file.read_text())
    assert {f"ndcg10.tiny.{way}" for way in ("bm25", "vectors", "fusion", "ours")} <= numbers.keys()
    assert numbers["ndcg10.tiny.ours"] == numbers["recall10.tiny.ours"] == 1.0
    assert numbers["ndcg10.tiny.mixed"] == 1.0  # of two embedders, of which one reads every other text
    assert all(isinstance(value, float) for value in numbers.values())
    assert "ndcg10.tiny.ours" in capsys.readouterr().out


def test_missing_data_sets_are_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no folder"):
        call_command(Command(), "retrieval", "--data", str(tmp_path / "absent"))
