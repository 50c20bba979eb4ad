"""The bench of judged sentences on a tiny set."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from apps.grounding.citer import SentenceCitation
from apps.grounding.passage import Passage
from benchmarks.trust import judged_claims, pills

PASSAGE = "The bridge was built in 1732 by workers from Norwich. It was closed in 1990."


def _row(set_name: str, sentence: str, label: str, origin: str = "model") -> dict[str, object]:
    return {
        "set": set_name, "kind": "answer, short", "question": "", "passages": [PASSAGE], "sentence": sentence,
        "label": label, "origin": origin,
    }  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [
        _row("attr_hagrid", "The bridge was built in 1732.", "supported"),
        _row("attr_hagrid", "Sheep were sold at the market.", "unsupported"),
        _row("begin", "Workers from Norwich built the bridge in 1732 and 1990.", "partly"),
        _row("summedits_news", "A bridge closed in 1990.", "supported", "edited"),
        _row("wice", "The bridge was not closed.", "contradicted", "human"),
    ]
    (tmp_path / "claims").mkdir()
    (tmp_path / judged_claims.FILE).write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    return tmp_path


class _LongSentences:
    """A check that finds a source for sentences of seven words and more."""

    def __init__(self, question: str, passages: Mapping[int, Passage]) -> None:
        assert passages[1].full_text == PASSAGE

    def cite(self, index: int, text: str, start: int, end: int) -> list[SentenceCitation]:
        words = len(text.split())
        return [SentenceCitation(index, start, end, 1 if words > 6 else None, 0, 10, words / 100)]


def test_shares_that_pass_are_counted_by_set_kind_and_union_of_sets(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pills, "Citer", _LongSentences)
    monkeypatch.setattr(judged_claims, "_FEWEST", 2)

    numbers = judged_claims.measure_claims(data)

    assert (numbers["claims_true_pass"], numbers["claims_true_pass.n"]) == (0.0, 2)
    assert (numbers["claims_false_pass"], numbers["claims_false_pass.n"]) == (pytest.approx(1 / 3), 3)
    assert (numbers["claims_false_pass.begin"], numbers["claims_false_pass.attr_hagrid"]) == (1.0, 0.0)
    assert (numbers["claims_false_pass.rag"], numbers["claims_false_pass.rag.n"]) == (0.5, 2)
    assert numbers["claims_true_pass.summaries.n"] == 1
    assert numbers["claims_false_pass.kind.answer_short.n"] == 3


def test_areas_are_those_of_sentences_that_models_wrote(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pills, "Citer", _LongSentences)

    numbers = judged_claims.measure_claims(data)

    assert numbers["claims_auroc.n"] == numbers["claims_auroc.words.n"] == 4
    assert numbers["claims_auroc"] == 0.125  # false sentences are the longer ones; one has as many words
    assert numbers["claims_auroc.words"] == 0.75


def test_an_absent_set_is_left_out(tmp_path: Path) -> None:
    assert judged_claims.measure_claims(tmp_path) == {}
