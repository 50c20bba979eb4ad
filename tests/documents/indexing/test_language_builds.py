"""A collection gets the multilingual embedder as soon as a document or a question in another language needs it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.utils import translation

from apps.documents.indexing import embedders, language_builds, shadow_build
from apps.documents.indexing.index_maintenance import IndexLease
from apps.documents.models import Collection, IndexBuild
from apps.documents.retrieval.search import SearchResult, search
from apps.documents.settings import CollectionSettings
from apps.engines import registry
from apps.users.models import User
from tests.factories import get_page, ingest_file, make_collection

pytestmark = pytest.mark.django_db(transaction=True)

ENGLISH = "# Ferry\n\nThe boat to the island leaves the eastern pier at nine in the morning.\n"
GERMAN = "# Fähre\n\nDas Schiff zur Insel fährt um neun Uhr am Morgen vom östlichen Kai ab, und nicht am Abend.\n"
QUESTION = "Wann fährt das Schiff zur Insel ab?"
NAME = "Multilingual"


@pytest.fixture(autouse=True)
def multilingual(settings: Any) -> None:
    """A second embedder stands for the multilingual one."""
    options = {"BACKEND": "apps.engines.embed.fake.FakeEmbedder", "OPTIONS": {"dimension": 48}}
    settings.EMBEDDERS = {NAME: options}
    settings.MULTILINGUAL_EMBEDDER = NAME
    registry.reset()


@pytest.fixture
def library(alice: User) -> Collection:
    collection = make_collection(alice, "Library")
    assert ingest_file(collection, "ferry.md", ENGLISH).status == "ready"
    return collection


def ask(user: User, question: str) -> SearchResult:
    return asyncio.run(search(user, question))


def run_builds() -> None:
    for build in IndexBuild.objects.open():
        shadow_build.run(build.pk)


def get_embedder_name(collection: Collection) -> str:
    collection.refresh_from_db()
    return str(collection.search_settings.get("embedder", ""))


def test_question_in_another_language_has_the_collection_indexed_anew(alice: User, library: Collection) -> None:
    assert ask(alice, "When does the boat to the island leave?").awaited_language == ""
    assert not IndexBuild.objects.exists()

    assert ask(alice, QUESTION).awaited_language == "de"
    assert ask(alice, QUESTION).awaited_language == "de" and IndexBuild.objects.count() == 1
    run_builds()

    assert get_embedder_name(library) == NAME
    found = ask(alice, QUESTION)
    assert found.awaited_language == "" and found.unsearched == () and IndexBuild.objects.open().count() == 0


def test_document_in_another_language_has_its_collection_indexed_anew(
    alice: User, library: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "_find_unread", lambda name: frozenset() if name else frozenset({"de"}))
    assert ingest_file(library, "fähre.md", GERMAN).language == "de"
    (build,) = IndexBuild.objects.open()
    assert build.started_by is None and build.swap_when_built
    page = get_page(alice, f"/collections/{library.pk}/")
    assert "are being prepared for questions in other languages" in page and "only by exact words" not in page
    run_builds()
    assert get_embedder_name(library) == NAME


def test_collection_whose_owner_went_back_is_left_alone(alice: User, library: Collection) -> None:
    ask(alice, QUESTION)
    run_builds()
    assert shadow_build.swap(IndexBuild.objects.get())  # what was live before
    assert get_embedder_name(library) == ""
    assert ask(alice, QUESTION).awaited_language == "" and not IndexBuild.objects.open().exists()


def test_build_of_the_owner_is_not_replaced(alice: User, library: Collection) -> None:
    own = shadow_build.begin(library, CollectionSettings(vector_weight=0.7), alice)
    assert ask(alice, QUESTION).awaited_language == ""
    assert [build.pk for build in IndexBuild.objects.all()] == [own.pk]


def test_large_collection_is_left_to_its_owner(
    alice: User, library: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_builds, "MAX_CHUNKS", 0)
    assert ask(alice, QUESTION).awaited_language == "" and not IndexBuild.objects.exists()


def test_site_without_the_model_begins_nothing(alice: User, library: Collection, settings: Any) -> None:
    settings.MULTILINGUAL_EMBEDDER = ""
    assert ask(alice, QUESTION).awaited_language == "" and not IndexBuild.objects.exists()


def test_swap_that_finds_the_index_busy_is_made_by_the_sweep(alice: User, library: Collection) -> None:
    ask(alice, QUESTION)
    with IndexLease(library.pk):
        run_builds()
        assert get_embedder_name(library) == ""
    shadow_build.sweep()
    assert get_embedder_name(library) == NAME


@pytest.mark.parametrize(("language", "expected"), [("en", ""), ("en-gb", ""), ("de", NAME)])
def test_new_collection_has_the_model_from_the_start_where_pages_are_in_another_language(
    alice: User, language: str, expected: str
) -> None:
    with translation.override(language):
        assert get_embedder_name(Collection.objects.create(owner=alice, name="New")) == expected
