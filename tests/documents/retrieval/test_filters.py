"""A search can be narrowed by kind, language, folder and day, and what does not pass is not found at all."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.translation import override

from apps.documents.models import Collection, Document
from apps.documents.retrieval.candidates import resolve_scope
from apps.documents.retrieval.filters import SearchFilters, parse_filters, parse_stored_filters
from apps.documents.retrieval.search import search
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = timezone.now().date()


@pytest.fixture
def collection(alice: User) -> Collection:
    collection = make_collection(alice)
    rows: dict[str, dict[str, Any]] = {
        "One": {"kind": "pdf", "language": "en", "path": "boats/old"},
        "Two": {"kind": "text", "language": "de", "path": "boats"},
        "Three": {"kind": "text", "language": "en", "path": "boatsheds"},
    }
    for title, facts in rows.items():
        make_document(collection, title, [f"The ferry of {title} leaves at nine."])
        Document.objects.filter(title=title).update(**facts)
    Document.objects.filter(title="Three").update(created=timezone.now() - timedelta(days=9))
    return collection


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (SearchFilters(), {"One", "Two", "Three"}),
        (SearchFilters(kinds=("pdf",)), {"One"}),
        (SearchFilters(languages=("EN",)), {"One", "Three"}),
        (SearchFilters(path="boats"), {"One", "Two"}),
        (SearchFilters(path="boats/old/"), {"One"}),
        (SearchFilters(since=TODAY - timedelta(days=1)), {"One", "Two"}),
        (SearchFilters(until=TODAY - timedelta(days=5)), {"Three"}),
        (SearchFilters(kinds=("text",), languages=("de",)), {"Two"}),
        (SearchFilters(kinds=("image",)), set()),
    ],
)
async def test_search_finds_only_documents_that_pass_the_filters(
    alice: User, collection: Collection, filters: SearchFilters, expected: set[str]
) -> None:
    found = await search(alice, "When does the ferry leave?", filters=filters)

    assert {passage.title for passage in found.passages} == expected


async def test_document_count_of_a_vain_search_respects_the_filters(alice: User, collection: Collection) -> None:
    found = await search(alice, "Who won the football championship?", filters=SearchFilters(languages=("en",)))

    assert (found.passages, found.documents) == ((), 2)


async def test_a_filter_opens_nothing_that_is_closed(charlie: User, collection: Collection) -> None:
    found = await search(
        charlie, "When does the ferry leave?", collections=[collection.pk], filters=SearchFilters(kinds=("pdf",))
    )

    assert found.passages == ()


async def test_filters_pass_nothing_of_other_collections(alice: User, collection: Collection) -> None:
    other = await in_db(make_collection, alice, "Other")

    scope = await in_db(resolve_scope, alice, [other.pk])
    assert (await in_db(SearchFilters(kinds=("pdf",)).narrow_scope, scope)).documents == frozenset()


def test_a_record_says_what_was_chosen_and_nothing_else() -> None:
    chosen = SearchFilters(("docx", "doc", "pdf"), ("de",), "boats/old", since=date(2026, 5, 1))

    assert parse_filters(chosen.record()) == chosen
    assert SearchFilters().record() == {} and parse_filters({}) == SearchFilters()
    assert parse_filters({"kinds": ["docx doc", "pdf"], "path": "/boats/../old/", "until": ""}) == SearchFilters(
        ("docx", "doc", "pdf"), path="boats/old"
    )
    assert [(part.name, part.value) for part in chosen.parts()] == [
        ("kinds", "docx doc"), ("kinds", "pdf"), ("languages", "de"), ("path", "boats/old"), ("since", "2026-05-01"),
    ]  # fmt: skip
    with override("de"):
        assert chosen.words == "Word-Dokument, PDF, Deutsch, in boats/old, ab 1. Mai 2026"


@pytest.mark.parametrize(
    "value",
    [
        None, [], "pdf", {"kinds": "pdf"}, {"kinds": ["exe"]}, {"kinds": [1]}, {"kinds": ["pdf"] * 51},
        {"languages": ["english"]}, {"languages": ["e1"]}, {"languages": [""]}, {"path": 3}, {"path": "a" * 501},
        {"since": "yesterday"}, {"until": 20260501}, {"since": "2026-02-30"},
    ],
)  # fmt: skip
def test_malformed_filters_are_refused_and_stored_ones_narrow_nothing(value: Any) -> None:
    with pytest.raises(ValueError):
        parse_filters(value)
    assert parse_stored_filters(value) == SearchFilters(), (
        "what an older version kept narrows nothing, and breaks nothing"
    )


@pytest.mark.django_db
def test_filters_with_nul_pass_nothing_and_reach_no_database() -> None:
    assert not SearchFilters(kinds=("a\0",)).passed(Document.objects.all()).exists()
    assert not SearchFilters(languages=("\0",)).passed(Document.objects.all()).exists()
