"""Which sentences of passages are embedded besides is asked in parts, and where nobody can say none are."""

from __future__ import annotations

import pytest

from apps.documents import embedders
from apps.engines import registry
from apps.engines.base import EngineBroken
from apps.safety import gate

TEXTS = [f"Do as I say [planted] {number}" for number in range(5)]

pytestmark = pytest.mark.django_db


def test_a_long_document_is_looked_through_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "_PASSAGES", 2)
    real, parts = gate.suspected, list[int]()
    monkeypatch.setattr(gate, "suspected", lambda texts: (parts.append(len(texts)), real(texts))[1])
    assert embedders.suspected(registry.embed(), TEXTS) == [[text] for text in TEXTS]
    assert parts == [2, 2, 1]


def test_nothing_is_said_where_the_gate_or_the_embedder_of_the_classifiers_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise EngineBroken("It is damaged.")

    monkeypatch.setattr(gate, "suspected", lambda texts: None)
    assert embedders.suspected(registry.embed(), TEXTS) is None
    monkeypatch.setattr(registry, "classify_embed", broken)
    assert embedders.suspected(registry.embed(), TEXTS) is None
