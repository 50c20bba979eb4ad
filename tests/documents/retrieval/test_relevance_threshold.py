"""The relevance floor decides which passages are kept, also where the index found others better."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.documents.retrieval import candidates
from apps.documents.retrieval.candidates import LookupResult, rank_windows
from apps.engines.types import Candidate
from apps.users.models import User

OTHER = 21  # chunk of another document than all the rest

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows that were read, by id; each candidate's relevance is its cosine."""
    found: list[int] = []
    document, other = uuid4(), uuid4()

    def rows(user: User, ids: list[int]) -> dict[int, Any]:
        found.extend(ids)
        return {
            pk: candidates._Row(
                other if pk == OTHER else document, document, "T", "text", pk * 9, pk, "", 0, 1, f"word{pk}", "", []
            )
            for pk in ids
        }

    monkeypatch.setattr(candidates, "_rows", rows)
    monkeypatch.setattr(candidates, "estimate_relevance", lambda likeness, *_: likeness)
    monkeypatch.setattr(candidates, "_pages", lambda wanted: {})
    return found


def order(relevances: dict[int, float], count: int = 60) -> list[tuple[float, Candidate]]:
    return [(1 - at / count, Candidate(at, relevances.get(at, 0.01), 0.0)) for at in range(count)]


def test_a_relevant_passage_behind_the_first_ten_is_kept(alice: User, read: list[int]) -> None:
    found = rank_windows(alice, order({0: 0.9, 14: 0.88, 27: 0.87}), LookupResult((), {}, ()), {})
    assert {window.hit.chunk_id for window in found.windows} == {0, 14, 27}
    assert len(read) == 30, "what the index finds worse still is not read"


def test_another_document_is_heard_although_ten_passages_of_one_would_do(alice: User, read: list[int]) -> None:
    found = rank_windows(alice, order(dict.fromkeys([*range(15), OTHER], 0.9)), LookupResult((), {}, ()), {})
    assert OTHER in {window.hit.chunk_id for window in found.windows}
    assert len(found.windows) == candidates.MAX_PASSAGES and len(read) == 30


def test_a_passage_that_says_little_is_kept_beside_a_good_one(alice: User, read: list[int]) -> None:
    """The best passage alone decides whether anything was found."""
    beside = rank_windows(alice, order({0: 0.6, 3: 0.065}), LookupResult((), {}, ()), {})
    alone = rank_windows(alice, order({3: 0.065}), LookupResult((), {}, ()), {})
    assert {window.hit.chunk_id for window in beside.windows} == {0, 3}
    assert not alone.windows
