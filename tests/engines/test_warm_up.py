"""Tests that a failed warm-up does not stop the start."""

from __future__ import annotations

import gc
import logging

import pytest
from django.conf import LazySettings

from apps.engines import registry, warm_up
from assistant import lifespan


def test_warming_builds_the_engines() -> None:
    assert warm_up.warm_engines() is True
    assert registry._built.keys() >= {"embed", "chat main"}


def test_objects_loaded_by_the_warm_up_are_not_garbage_collected() -> None:
    gc.unfreeze()  # what the run itself left out
    lifespan._warm_up()
    assert gc.get_freeze_count() > 10_000 and gc.isenabled()


def test_a_model_that_cannot_be_loaded_is_logged_and_stops_nothing(
    settings: LazySettings, caplog: pytest.LogCaptureFixture, tmp_path: object
) -> None:
    backend = {
        "BACKEND": "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder",
        "OPTIONS": {"model": str(tmp_path)},
    }
    settings.ENGINES = settings.ENGINES | {"embed": backend}
    with caplog.at_level(logging.ERROR):
        assert warm_up.warm_engines() is False
    assert "incomplete or damaged" in caplog.text
