"""Contract tests of NLI models, packaged and fake; damaged weights are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.engines.nli import consistency
from apps.engines.nli.consistency import ConsistencyModel
from apps.engines.nli.fake import FakeNli
from apps.engines.types import EngineBroken, NliEngine

SOURCE = "Members may borrow up to six books for four weeks."
CLAIMS = (SOURCE, "Penguins live on ice and eat fish all winter.")


@pytest.fixture(scope="module")
def packaged() -> ConsistencyModel:
    return ConsistencyModel()


@pytest.fixture(params=["packaged", "fake"])
def engine(request: pytest.FixtureRequest) -> NliEngine:
    found: NliEngine = request.getfixturevalue("packaged") if request.param == "packaged" else FakeNli()
    return found


def test_empty_list_of_pairs_gives_no_scores(engine: NliEngine) -> None:
    assert list(engine.entailment_scores([])) == []


def test_pairs_have_their_scores_in_order(engine: NliEngine) -> None:
    pairs = [(SOURCE, claim) for claim in CLAIMS]
    said, stranger = engine.entailment_scores(pairs)
    assert 0 <= stranger < 0.5 < said <= 1
    assert list(engine.entailment_scores(pairs[::-1])) == pytest.approx([stranger, said], abs=0.02)


def test_long_texts_and_empty_ones_have_scores_too(engine: NliEngine) -> None:
    scores = engine.entailment_scores([(SOURCE * 200, CLAIMS[0]), ("", CLAIMS[0]), (SOURCE, "")])
    assert len(scores) == 3 and all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize(
    ("language", "claim", "source"),
    [
        ("en", "The shop closes on every holiday in summer.", "The shop opens on every holiday in summer."),
        (
            "de",
            "Der alte Vertrag ermöglicht eine Kündigung im Winter.",
            "Der alte Vertrag verhindert eine Kündigung im Winter.",
        ),
        ("es", "La bomba vieja impide el paso del agua.", "La bomba vieja permite el paso del agua."),
    ],
)
def test_the_packaged_model_knows_contraries_in_three_languages(
    packaged: ConsistencyModel, language: str, claim: str, source: str
) -> None:
    against, same = packaged.entailment_scores([(source, claim), (source, source)], language)
    assert against < 0.5 < same


def test_weights_that_were_changed_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = bytearray((consistency.WEIGHTS / "consistency_en.safetensors").read_bytes())
    raw[-1] ^= 1
    (tmp_path / "consistency_en.safetensors").write_bytes(bytes(raw))
    (tmp_path / "consistency_en.json").write_text("{}")
    monkeypatch.setattr(consistency, "WEIGHTS", tmp_path)
    with pytest.raises(EngineBroken, match="not the ones"):
        ConsistencyModel().warm()
