"""The scale of a further embedder is measured in a language that it reads, and an unknown language breaks no search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.engines import registry
from apps.engines.embed import calibration as embedder_calibration


class OfOneLanguage:
    """Finds an answer as near to its question as 0.9 in one language, and everything in others as near as 0.5."""

    dimension = 64

    def __init__(self, language: str) -> None:
        self.fingerprint = f"of {language}"
        self.known = {
            text: at
            for at, pair in enumerate(embedder_calibration.CALIBRATION_PAIRS.get(language, ()))
            for text in pair
        }

    def embed_query(self, text: str) -> Any:
        row = np.zeros(self.dimension, np.float32)
        row[0] = np.sqrt(0.5)
        row[1 + self.known.get(text, hash(text) % 8 + 20)] = np.sqrt(0.5 if text in self.known else 0)
        return row

    def embed_passages(self, texts: list[str]) -> Any:
        return np.stack([self.embed_query(text) for text in texts])


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder_calibration, "_scales", {})


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_an_embedder_of_one_language_has_a_scale(language: str) -> None:
    engine: Any = OfOneLanguage(language)
    told = embedder_calibration.measure_scale(engine, registry.get_embedder())
    other, near = embedder_calibration._best_means(registry.get_embedder())
    assert told.apply(1.0) == pytest.approx(near, abs=1e-5) and told.apply(0.5) == pytest.approx(other, abs=1e-5)


def test_an_embedder_of_a_language_that_nobody_measures_is_taken_as_it_is() -> None:
    engine: Any = OfOneLanguage("tlh")
    assert embedder_calibration.measure_scale(engine, registry.get_embedder()) == embedder_calibration.IDENTITY_SCALE


def test_languages_that_an_embedder_does_not_tell_apart_are_named() -> None:
    engine: Any = OfOneLanguage("en")
    assert embedder_calibration.find_unread_languages(engine) == {"de", "es"}


def test_an_embedder_of_many_languages_reads_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder_calibration, "_means", lambda embed, pairs: (0.7, 0.9))
    engine: Any = OfOneLanguage("several")
    assert embedder_calibration.find_unread_languages(engine) == frozenset()
