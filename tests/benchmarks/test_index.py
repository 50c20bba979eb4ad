"""The measurement of the index: its numbers, its goals, and peers that are not there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from benchmarks.command import Command
from benchmarks.index import peers as _index_peers
from benchmarks.index import run as bench_index
from benchmarks.index.data import compute_recall, load_passages


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "zoo"
    folder.mkdir(parents=True)
    animals = ("fox", "whale", "owl", "wolf", "heron", "bat")
    texts = [f"The {name} number {n} hunts at night. It sleeps by day." for name in animals for n in range(9)]
    lines = [json.dumps({"_id": str(n), "title": "", "text": text}) for n, text in enumerate(texts)]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    asked = [json.dumps({"_id": name, "text": f"what does the {name} hunt"}) for name in animals]
    (folder / "queries.jsonl").write_text("\n".join(asked))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nfox\t0\t1\n")
    return folder.parent


def measured(data: Path, tmp_path: Path, *options: str) -> dict[str, Any]:
    file, cache = tmp_path / "numbers.json", str(tmp_path / "cache")
    always = ("--kills", "0", "--data", str(data), "--cache", cache, "--json", str(file))
    call_command(Command(), "index", *options, *always)
    numbers: dict[str, Any] = json.loads(file.read_text())
    return numbers


def test_the_index_is_measured_beside_a_peer_in_one_run(data: Path, tmp_path: Path) -> None:
    numbers = measured(data, tmp_path, "--sizes", "300", "--peers", "fts5")

    assert numbers["vector_recall_3e2"] == numbers["filtered_recall_min"] == 1.0
    assert numbers["deleted_found_3e2"] == 0
    assert numbers["lexical_over_fts5"] == numbers["lexical_p50_ms_3e2"] / numbers["fts5_p50_ms_3e2"]
    assert numbers["first_answer_ms_3e2"] > 0
    assert "vector_over_hnswlib" not in numbers


def test_the_goals_compare_at_their_own_size_whatever_else_was_measured() -> None:
    numbers = {"vector_over_hnswlib_1e5": 0.2, "vector_over_hnswlib_1e6": 0.4, "bytes_per_vector_1e6": 400.0}

    goals = bench_index._select_goals(numbers | {"bytes_per_vector_1e5": 410.0}, [10_000, 100_000, 1_000_000])

    assert goals == {"vector_over_hnswlib": 0.2, "bytes_per_vector": 400.0}
    assert bench_index._select_goals(numbers, [10_000, 1_000_000])["vector_over_hnswlib"] == 0.4


def test_a_peer_that_cannot_be_installed_is_left_out_with_a_reason(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_index_peers, "_pip", lambda *_: "no way out")
    (tmp_path / "cache" / "peers" / "bin").mkdir(parents=True)
    (tmp_path / "cache" / "peers" / "bin" / "python").symlink_to(sys.executable)

    numbers = measured(data, tmp_path, "--sizes", "300", "--peers", "chroma")

    assert "chroma is left out: chromadb==1.5.9 could not be installed: no way out" in capsys.readouterr().out
    assert "vector_over_chroma" not in numbers


def test_the_nearest_are_those_of_a_comparison_one_by_one(data: Path, tmp_path: Path) -> None:
    made = load_passages(data, 300, tmp_path)
    nearest = made.search_exact(10)

    scores = made.question_vectors @ made.vectors.astype("float32").T
    assert compute_recall([row.argsort()[::-1][:10].tolist() for row in scores], nearest) == 1.0
    assert compute_recall([[] for _ in nearest], nearest) == 0.0


def test_data_without_a_retrieval_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no retrieval set"):
        measured(tmp_path, tmp_path, "--sizes", "300")


def test_passages_are_made_of_the_named_sets_alone(data: Path, tmp_path: Path) -> None:
    other = data / "sea"
    other.mkdir()
    (other / "corpus.jsonl").write_text(json.dumps({"_id": "1", "title": "", "text": "A shark swims."}))
    (other / "queries.jsonl").write_text(json.dumps({"_id": "1", "text": "what swims"}))
    (other / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\t1\t1\n")

    made = load_passages(data, 20, tmp_path, ["sea"])
    assert set(made.texts.read_text().split()) == {"A", "shark", "swims."} and made.questions == ("what swims",)
    assert "fox" in load_passages(data, 300, tmp_path).texts.read_text()


def test_a_set_that_is_not_there_is_refused_by_name(data: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no retrieval set plants in .*; there are zoo"):
        measured(data, tmp_path, "--sizes", "300", "--sets", "zoo", "plants")
