"""Two models as one embedder: parts of a passage, weights of a question by its language, scale of cosines."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from apps.engines.embed import calibration, paired
from apps.engines.embed.calibration import CALIBRATION_PAIRS
from apps.engines.embed.model_folder import locate_model
from apps.engines.embed.paired import PairedEmbedder
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from apps.engines.types import EmbedEngine, EngineRefused

PASSAGE = "The lease can be ended with a notice period of three months."
ENGLISH, GERMAN = "What is the notice period of the lease?", "Wie lange ist die Frist für die Kündigung?"


@pytest.fixture(scope="module")
def first() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder()


@pytest.fixture(scope="module")
def engine(first: SentenceTransformerEmbedder) -> PairedEmbedder:
    made = PairedEmbedder(str(locate_model("")))
    made.use_embedder(lambda: cast("EmbedEngine", first))
    return made


def test_a_question_in_another_language_is_compared_by_the_multilingual_model_alone(engine: PairedEmbedder) -> None:
    size = engine.first.dimension
    assert not engine.embed_query(GERMAN)[:size].any()
    assert engine.embed_query(ENGLISH)[:size].any() and engine.embed_query(ENGLISH)[size:].any()


@pytest.mark.parametrize(("question", "share"), [(ENGLISH, 0.5), (GERMAN, 0.0)])
def test_scale_maps_a_cosine_to_the_packaged_models(
    engine: PairedEmbedder, first: SentenceTransformerEmbedder, question: str, share: float
) -> None:
    cosine = float(engine.embed_query(question) @ engine.embed_passages([PASSAGE])[0])
    own = float(first.embed_query(question) @ first.embed_passages([PASSAGE])[0])
    scaled = share * own + (1 - share) * paired._SCALE.apply(own)
    assert engine.get_scale(question).apply(cosine) == pytest.approx(scaled, abs=0.01)


def test_the_packaged_models_part_of_a_passage_is_its_own_vector(
    engine: PairedEmbedder, first: SentenceTransformerEmbedder
) -> None:
    part = engine.get_first_vectors(engine.embed_passages([PASSAGE]))
    assert np.allclose(part, first.embed_passages([PASSAGE]), atol=1e-5)


def test_languages_are_compared_on_one_scale(engine: PairedEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A language whose questions only the multilingual model reads is not called unknown for its smaller cosines."""
    pairs = CALIBRATION_PAIRS["en"]
    monkeypatch.setattr(paired, "guess_language", lambda text: "en")
    english = calibration._means(cast("EmbedEngine", engine), pairs)
    monkeypatch.setattr(paired, "guess_language", lambda text: "de")
    other = calibration._means(cast("EmbedEngine", engine), pairs)
    first = calibration._means(cast("EmbedEngine", engine.first), pairs)
    own, slope = first[1] - first[0], paired._SCALE.slope
    assert other[1] - other[0] == pytest.approx(slope * own, rel=0.02)
    assert english[1] - english[0] == pytest.approx((1 + slope) / 2 * own, rel=0.02)


def test_the_pair_refuses_to_embed_without_the_packaged_model() -> None:
    with pytest.raises(EngineRefused):
        PairedEmbedder(str(locate_model(""))).embed_passages([PASSAGE])
