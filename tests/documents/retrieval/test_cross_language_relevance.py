"""A passage in another language than the question is not less relevant for that, where the embedder reads both."""

from __future__ import annotations

import pytest

from apps.documents.models import Document
from apps.documents.retrieval.candidates import LookupResult, rank_windows
from apps.documents.retrieval.relevance import CROSS_LANGUAGE_COSINE, adjust_cosine
from apps.engines.types import Candidate
from apps.users.models import User
from tests import factories


@pytest.mark.parametrize(
    ("asked", "written", "raised"),
    [("de", "en", True), ("en", "de", True), ("de", "de", False), ("", "en", False), ("de", "", False)],
)
def test_only_a_text_in_another_known_language_is_raised(asked: str, written: str, raised: bool) -> None:
    assert adjust_cosine(0.4, asked, written) == pytest.approx(0.4 + CROSS_LANGUAGE_COSINE * raised)


@pytest.mark.django_db(transaction=True)
def test_hits_are_raised_only_if_the_embedder_reads_several_languages(alice: User) -> None:
    document = factories.make_document(factories.make_collection(alice), "Lease", ["Its notice is three months."])
    Document.objects.filter(pk=document.pk).update(language="en")
    order = [(1.0, Candidate(document.chunks.get().pk, 0.4, 0.0))]
    plain, read = (
        rank_windows(alice, order, LookupResult((), {}, (), language), {}).hits[0].relevance for language in ("", "de")
    )
    assert read > plain
