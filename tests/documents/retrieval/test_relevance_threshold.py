"""The relevance floor decides which passages are kept, also where the index found others better."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest

from apps.documents.retrieval import candidates
from apps.documents.retrieval.candidates import LookupResult, rank_windows
from apps.documents.retrieval.passages import NeighbourChunk, SearchHit
from apps.engines.types import Candidate
from apps.users.models import User

OTHER = 21  # chunk of another document than all the rest

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows that were read, by id; each candidate's relevance is its cosine."""
    found: list[int] = []
    document, other = uuid4(), uuid4()

    def load_hits(
        user: User, part: Sequence[tuple[float, Candidate]], idf: object
    ) -> tuple[list[SearchHit], list[NeighbourChunk]]:
        found.extend(candidate.chunk_id for _, candidate in part)
        return [make_hit(score, candidate) for score, candidate in part], []

    def make_hit(score: float, candidate: Candidate) -> SearchHit:
        pk = candidate.chunk_id
        return SearchHit(
            pk, other if pk == OTHER else document, document, "T", "text", pk * 9, pk, "", 0, 1, f"word{pk}",
            frozenset([f"word{pk}"]), candidate.cosine, 0.0, score, relevance=candidate.cosine,
        )  # fmt: skip

    monkeypatch.setattr(candidates, "_load_hits", load_hits)
    monkeypatch.setattr(candidates, "load_page_texts", lambda wanted: {})
    return found


def order(relevances: dict[int, float], count: int = 60) -> list[tuple[float, Candidate]]:
    return [(1 - at / count, Candidate(at, relevances.get(at, 0.01), 0.0)) for at in range(count)]


def test_a_relevant_passage_behind_the_first_ten_is_kept(alice: User, read: list[int]) -> None:
    found = rank_windows(alice, order({0: 0.9, 14: 0.88, 27: 0.87}), LookupResult((), {}, ()), {})
    assert {window.hit.chunk_id for window in found.windows} == {0, 14, 27}
    assert len(read) == 30, "what the index finds worse still is not read"


def test_second_document_is_ranked_although_one_could_fill_all_places(alice: User, read: list[int]) -> None:
    found = rank_windows(alice, order(dict.fromkeys([*range(15), OTHER], 0.9)), LookupResult((), {}, ()), {})
    assert OTHER in {window.hit.chunk_id for window in found.windows}
    assert len(found.windows) == candidates.MAX_PASSAGES and len(read) == 30


def test_a_passage_that_says_little_is_kept_beside_a_good_one(alice: User, read: list[int]) -> None:
    """The best passage alone decides whether anything was found."""
    beside = rank_windows(alice, order({0: 0.6, 3: 0.065}), LookupResult((), {}, ()), {})
    alone = rank_windows(alice, order({3: 0.065}), LookupResult((), {}, ()), {})
    assert {window.hit.chunk_id for window in beside.windows} == {0, 3}
    assert not alone.windows
