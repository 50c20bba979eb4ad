"""Fixtures of the tests of grounding: the packaged reader, loaded once."""

from __future__ import annotations

import pytest

from apps.engines import registry
from apps.engines.reader.passage_reader import PackagedReader


@pytest.fixture(scope="session")
def loaded_reader() -> PackagedReader:
    return PackagedReader()


@pytest.fixture
def packaged_reader(loaded_reader: PackagedReader, monkeypatch: pytest.MonkeyPatch) -> PackagedReader:
    """Let the packaged reader read passages, as in the product, instead of the fake one."""
    monkeypatch.setattr(registry, "get_passage_reader", lambda: loaded_reader)
    return loaded_reader
