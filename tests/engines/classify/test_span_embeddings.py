"""Tests of embeddings of sentences inside their passage, from the same pass or a separate one, real and fake."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.engines.classify import span_embeddings
from apps.engines.embed import bert
from apps.engines.embed.fake import FakeEmbedder
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from apps.engines.embed.span_pooling import find_tokens_in_spans, pool_spans
from apps.engines.types import EngineRefused

LAYERS = 3
ASKED = "Please send it to Ines."
TEXTS = [
    f"The ferry leaves at nine. {ASKED} It returns at six.",
    "Nothing is asked of anybody here.",
    f"Straße 7, 日本語。  {ASKED}\n\nDer Fährmann heißt Jörg 🙂.",
    f"{ASKED} " + "The boiler stands in the cellar behind the wooden stairs. " * 9,
    ASKED,
]
ROWS = [[ASKED] if ASKED in text else [] for text in TEXTS]


@pytest.fixture(params=["fake", "real"])
def embed(request: pytest.FixtureRequest) -> Any:
    return FakeEmbedder() if request.param == "fake" else request.getfixturevalue("embedder")


def spans(embed: Any, texts: list[str], rows: list[list[str]]) -> list[Any]:
    both = list(zip(texts, rows, strict=True))
    places = [[(text.find(each), text.find(each) + len(each)) for each in row] for text, row in both]
    return [embed.token_spans(text, own) if own else () for text, own in zip(texts, places, strict=True)]


def along(embed: Any, texts: list[str], rows: list[list[str]]) -> Any:
    return embed.embed_with_spans([embed.tokenised(text) for text in texts], spans(embed, texts, rows), LAYERS)


def test_spans_embedded_along_with_passages_equal_spans_embedded_apart(embed: Any) -> None:
    vectors, found = along(embed, TEXTS, ROWS)
    assert np.allclose(vectors, embed.embed_passages(TEXTS), atol=1e-3)
    assert [own is None for own in found] == [not row for row in ROWS]
    asked = [at for at, row in enumerate(ROWS) if row]
    read = span_embeddings.embed_spans_in_context(
        embed, [TEXTS[at] for at in asked], [ROWS[at] for at in asked], LAYERS
    )
    for at, own in zip(asked, read, strict=True):
        assert own.vectors.shape == found[at].vectors.shape == (1, found[at].vectors.shape[1])
        assert np.allclose(np.linalg.norm(own.vectors, axis=1), 1, atol=1e-3)
        assert float(own.vectors[0] @ found[at].vectors[0]) > 0.999
        assert own.passage_cosines == pytest.approx(found[at].passage_cosines, abs=5e-3)
    assert read[-1].passage_cosines[0] > 0.95 > max(own.passage_cosines[0] for own in read[:-1]), (
        "by itself it is the passage"
    )


def test_span_embeddings_in_several_passes_stay_with_their_passage(
    embedder: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bert, "PASS_TOKENS", 512)
    texts = [f"{'It rains. ' * (at % 13)}{ASKED} {'Room ' * (at % 7)}{at} is free." for at in range(60)]
    rows = [[ASKED, f"{at} is free."] if at % 3 else [] for at in range(60)]
    _, found = along(embedder, texts, rows)
    for at in range(60):
        if not rows[at]:
            assert found[at] is None
            continue
        (own,) = span_embeddings.embed_spans_in_context(embedder, [texts[at]], [rows[at]], LAYERS)
        assert np.einsum("ij,ij->i", own.vectors, found[at].vectors).min() > 0.999


def test_the_same_words_are_read_by_what_stands_around_them(embedder: SentenceTransformerEmbedder) -> None:
    first, second = span_embeddings.embed_spans_in_context(embedder, [TEXTS[0], TEXTS[3]], [[ASKED], [ASKED]], LAYERS)
    assert float(first.vectors[0] @ second.vectors[0]) < 0.99


def test_tokens_of_characters_are_those_that_begin_there_and_special_ones_are_none() -> None:
    tokens = [(0, 0), (0, 3), (4, 7), (7, 8), (10, 12), (0, 0)]
    assert find_tokens_in_spans(tokens, [(0, 3), (0, 7), (4, 12), (8, 10), (5, 6), (11, 40)]) == [
        (1, 2),
        (1, 3),
        (2, 5),
        (0, 0),
        (0, 0),
        (0, 0),
    ]


def test_a_span_without_a_token_is_read_as_the_whole() -> None:
    states = np.array([[3.0, 0.0], [0.0, 1.0]], np.float32)
    found = pool_spans(states, [(0, 1), (0, 0), (7, 9)])
    assert found.vectors[0].tolist() == [1.0, 0.0] and np.array_equal(found.vectors[1], found.vectors[2])
    assert found.passage_cosines == pytest.approx([3 / 10**0.5, 1, 1])


@pytest.mark.parametrize("before", [0, 30, 100, 1000])
def test_sentences_of_a_long_passage_are_embedded_where_they_stand(before: int) -> None:
    embed: Any = FakeEmbedder()
    filling, last = "The boiler stands in the cellar. ", "The lamp is lit."
    text = filling * before + ASKED + " " + filling * (1000 - before) + last
    (long,) = span_embeddings.embed_spans_in_context(embed, [text], [[ASKED, last]], LAYERS)
    (short,) = span_embeddings.embed_spans_in_context(
        embed, [filling * min(12, before) + ASKED + " " + filling * 12], [[ASKED]], LAYERS
    )
    assert len(long.vectors) == 2 and float(long.vectors[0] @ short.vectors[0]) > 0.97
    assert float(long.vectors[0] @ long.vectors[1]) < 0.9, "it is not read as the whole"


def test_repeated_sentence_is_embedded_as_if_it_stood_once(embedder: SentenceTransformerEmbedder) -> None:
    said = f"The boiler stands in the cellar. {ASKED}"
    once, often = span_embeddings.embed_spans_in_context(
        embedder, [said, f"{said} {ASKED} {ASKED}"], [[ASKED], [ASKED]], LAYERS
    )
    assert span_embeddings.is_repeated(f"{ASKED} {ASKED}", [ASKED]) and not span_embeddings.is_repeated(
        said, [ASKED, "cellar"]
    )
    assert np.allclose(once.vectors, often.vectors, atol=1e-3) and once.passage_cosines == pytest.approx(
        often.passage_cosines, abs=1e-3
    )


def test_a_model_that_shows_no_states_is_refused(
    embedder: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder, "_encoder", object())
    with pytest.raises(EngineRefused):
        along(embedder, TEXTS[:1], ROWS[:1])
    with pytest.raises(EngineRefused):
        span_embeddings.embed_spans_in_context(embedder, TEXTS[:1], ROWS[:1], LAYERS)
