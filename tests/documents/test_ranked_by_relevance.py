"""The relevance floor decides which passages are kept, also where the index found others better."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.documents import candidates
from apps.documents.candidates import Seen, ranked
from apps.engines.base import Candidate
from apps.users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows that were read, by id; each candidate's relevance is its cosine."""
    found: list[int] = []
    document = uuid4()

    def rows(user: User, ids: list[int]) -> dict[int, Any]:
        found.extend(ids)
        return {
            pk: candidates._Row(document, document, "T", "text", pk * 9, pk, "", 0, 1, f"word{pk}", "", [])
            for pk in ids
        }

    monkeypatch.setattr(candidates, "_rows", rows)
    monkeypatch.setattr(candidates, "relevance", lambda likeness, *_: likeness)
    monkeypatch.setattr(candidates, "_pages", lambda wanted: {})
    return found


def order(relevances: dict[int, float], count: int = 60) -> list[tuple[float, Candidate]]:
    return [(1 - at / count, Candidate(at, relevances.get(at, 0.01), 0.0)) for at in range(count)]


def test_a_relevant_passage_behind_the_first_ten_is_kept(alice: User, read: list[int]) -> None:
    found = ranked(alice, order({0: 0.9, 14: 0.88, 27: 0.87}), Seen((), {}, ()), {})
    assert {window.hit.chunk_id for window in found.windows} == {0, 14, 27}
    assert len(read) == 30, "what the index finds worse still is not read"


def test_no_more_is_read_where_the_first_ten_are_enough(alice: User, read: list[int]) -> None:
    found = ranked(alice, order(dict.fromkeys(range(10), 0.9)), Seen((), {}, ()), {})
    assert len(found.windows) == candidates.AT_MOST and len(read) == 10
