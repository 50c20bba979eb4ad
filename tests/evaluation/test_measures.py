"""Search measures of golden questions, against values computed by hand."""

from __future__ import annotations

import math
from uuid import UUID, uuid4

import pytest

from apps.documents.retrieval.passages import SearchHit
from apps.evaluation.golden_questions.measures import (
    ExpectedLocation,
    QuotedSentence,
    SearchMeasures,
    average_measures,
    measure_search,
)
from apps.grounding.passage import Passage

A, B, C = (uuid4() for _ in range(3))


def hit(document: UUID, start: int = 0, page: int = 1, text: str = "") -> SearchHit:
    return SearchHit(
        chunk_id=start, document_id=document, collection_id=A, title="", kind="", position=0, page_number=page,
        heading="", start=start, end=start + 100, text=text, terms=frozenset(), cosine=0, bm25=0, score=0, relevance=1,
    )  # fmt: skip


def passage(text: str) -> Passage:
    return Passage(
        chunk_id=1, document_id=A, collection_id=A, title="", kind="", page_number=1, heading="", spans=(), text=text,
        full_start=0, full_end=len(text), full_text=text, relevance=1, cosine=0, bm25=0,
    )  # fmt: skip


def quote(document: UUID, start: int = 0, page: int = 1) -> QuotedSentence:
    return QuotedSentence(document, page, start, start + 20, "")


def test_the_rank_of_a_document_counts_documents_and_that_of_a_passage_passages() -> None:
    hits = [hit(A), hit(A, 100), hit(B), hit(C)]
    assert measure_search(ExpectedLocation(document=B), hits, [], []).rank == 2
    assert measure_search(ExpectedLocation(document=A, page=1, start=150, end=180), hits, [], []).rank == 2
    assert measure_search(ExpectedLocation(document=A, page=2, start=0, end=50), hits, [], []).rank is None


def test_places_that_only_meet_do_not_touch() -> None:
    assert measure_search(ExpectedLocation(document=A, page=1, start=100, end=200), [hit(A, 0)], [], []).rank is None


def test_hit_behind_the_tenth_place_has_no_rank() -> None:
    hits = [hit(uuid4()) for _ in range(10)] + [hit(A)]
    assert measure_search(ExpectedLocation(document=A), hits, [], []).rank is None
    assert measure_search(ExpectedLocation(document=A), hits[1:], [], []).rank == 10


def test_words_alone_say_which_passage_is_right() -> None:
    hits = [hit(A, text="Nothing of it."), hit(B, text="It lasts 26 weeks, at most.")]
    assert measure_search(ExpectedLocation(words=("26 weeks",)), hits, [], []).rank == 2
    assert measure_search(ExpectedLocation(words=("6 weeks",)), hits, [], []).rank is None  # whole words


def test_expected_words_may_stand_in_any_passage_whatever_their_case() -> None:
    found = measure_search(
        ExpectedLocation(document=A, words=("Weeks", "euros", "26")), [hit(A)], [passage("26 WEEKS."), passage("")], []
    )
    assert found.missing == ("euros",)


def test_precision_is_the_share_of_quotes_from_the_right_place() -> None:
    expected = ExpectedLocation(document=A, page=1, start=0, end=100)
    quotes = [quote(A), quote(A, 100), quote(B), quote(A, 0, page=2)]
    assert measure_search(expected, [hit(A)], [], quotes).precision == pytest.approx(0.25)
    assert measure_search(expected, [hit(A)], [], []).precision is None


def test_means_are_over_all_questions_and_precision_over_those_with_a_quote() -> None:
    over = average_measures([SearchMeasures(1, 1.0, ()), SearchMeasures(3, 0.5, ()), SearchMeasures(None, None, ())])
    assert over.recall == pytest.approx(2 / 3)
    assert over.mrr == pytest.approx((1 + 1 / 3) / 3)
    assert over.ndcg == pytest.approx((1 + 1 / math.log2(4)) / 3)
    assert over.precision == pytest.approx(0.75)
    assert average_measures([]).precision is None
