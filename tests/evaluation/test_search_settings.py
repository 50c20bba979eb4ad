"""Search settings of a collection: build, compare on golden questions, activate or discard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.documents.indexing import shadow_build
from apps.documents.models import Chunk, Collection, Document, IndexBuild, Membership
from apps.engines import registry
from apps.engines.types import EngineUnavailable
from apps.evaluation.golden_questions import runs, search_preview
from apps.evaluation.models import GoldenQuestion, GoldenRun
from apps.users.models import User
from tests.evaluation.conftest import Notifications
from tests.factories import ingest_file, make_collection, make_golden_question
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "\n\n".join(
    f"## Hall {number}\n\nHall {number} holds {number * 10} people. Its key hangs at desk {number + 3}. Whoever uses "
    f"it last closes the windows and tells the porter of wing {number % 4}."
    for number in range(1, 13)
)
ASKED = "Where does the key of hall 7 hang?"
VAGUE = ["Where does the key hang?", "Who closes the windows?", "Which porter of wing 3?", "How many fit in hall 7?"]


@pytest.fixture(autouse=True)
def build_compared(notifications: Notifications, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_build, "build_listeners", [runs.compare_build])


@pytest.fixture
def collection(alice: User) -> Collection:
    collection = make_collection(alice, "Library")
    assert ingest_file(collection, "halls.md", TEXT).status == "ready"
    return collection


def work(notifications: Notifications) -> None:
    """Run every recorded task, as the worker would."""
    while notifications:
        task, row = notifications.pop(0)
        if task == shadow_build.TASK:
            shadow_build.run(int(str(row)))
        elif task == runs.TASK:
            runs.execute_run(int(str(row)))


def page(owner: Client, collection: Collection) -> str:
    """Return the HTML of the settings page."""
    response = owner.get(f"/collections/{collection.pk}/settings/search/")
    assert response.status_code == 200
    return str(response.content.decode())


def send(owner: Client, collection: Collection, **values: object) -> int:
    """Post the settings form and return the status."""
    wanted = {"chunk_tokens": 200, "vector_weight": 0.7, "relevance_threshold": 0.07, **values}
    return owner.post(f"/collections/{collection.pk}/settings/search/", wanted).status_code


def test_a_change_is_built_compared_made_live_and_taken_back(
    owner: Client, alice: User, collection: Collection, notifications: Notifications
) -> None:
    make_golden_question(collection, ASKED, document=Document.objects.get(), expected_words="desk 10")
    assert "Build and compare" in page(owner, collection)
    notifications.clear()
    assert send(owner, collection, chunk_tokens=60) == 302
    assert "Waiting …" in page(owner, collection) and "every 1s" in page(owner, collection)
    before = Chunk.objects.count()
    work(notifications)
    shown = strip_layout(page(owner, collection))
    assert "New settings: passage length 60" in shown and "Compared with 1 test question" in shown
    assert Chunk.objects.count() == before
    live, tried = GoldenRun.objects.live().get(), GoldenRun.objects.get(build__isnull=False)
    assert (live.status, tried.status, live.questions, tried.questions) == ("done", "done", 1, 1)
    build = IndexBuild.objects.get()
    owner.post(f"/collections/{collection.pk}/settings/search/{build.pk}/swap/")
    assert Chunk.objects.count() > before
    shown = strip_layout(page(owner, collection))
    assert 'value="60"' in shown and "Restore" in shown and "Before: passage length 200" in shown
    owner.post(f"/collections/{collection.pk}/settings/search/{IndexBuild.objects.get().pk}/swap/")
    assert Chunk.objects.count() == before
    assert 'value="200"' in page(owner, collection)


def test_a_change_for_the_worse_says_which_questions(
    owner: Client, alice: User, collection: Collection, notifications: Notifications
) -> None:
    asked = next(
        text
        for text in VAGUE
        if 0.15 < search_preview.preview_search(alice, collection, text).result.hits[0].relevance < 0.85
    )
    make_golden_question(collection, asked, document=Document.objects.get())
    send(owner, collection, relevance_threshold=0.9)
    work(notifications)
    shown = strip_layout(page(owner, collection))
    assert "0 better, 1 worse" in shown
    assert f"{asked}: was at rank 1, is no longer found" in shown
    build = IndexBuild.objects.get()
    assert not build.has_own_chunks
    owner.post(f"/collections/{collection.pk}/settings/search/{build.pk}/discard/")
    assert not IndexBuild.objects.exists() and "New settings:" not in page(owner, collection)


def test_the_history_shows_what_was_live_only(
    owner: Client, alice: User, collection: Collection, notifications: Notifications
) -> None:
    make_golden_question(collection, ASKED, document=Document.objects.get(), expected_words="desk 10")
    send(owner, collection, relevance_threshold=0.9)
    work(notifications)
    shown = owner.get(f"/collections/{collection.pk}/golden/").content.decode()
    assert shown.count('<th scope="row">') == 1


def test_a_comparison_that_could_not_be_made_is_made_later(
    owner: Client, alice: User, collection: Collection, notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_golden_question(collection, ASKED, document=Document.objects.get(), expected_words="desk 10")
    with monkeypatch.context() as away:
        away.setattr(search_preview, "search_and_quote", no_engine)
        send(owner, collection, relevance_threshold=0.9)
        work(notifications)
    assert "The embedder is away." in page(owner, collection)
    runs.sweep_runs()
    assert notifications == []  # it was just now
    GoldenRun.objects.update(finished=timezone.now() - timedelta(seconds=runs.RETRY_S + 1))
    runs.sweep_runs()
    work(notifications)
    assert GoldenRun.objects.exclude(build=None).get().status == GoldenRun.Status.DONE
    assert "Compared with 1 test question" in page(owner, collection)


def test_the_page_goes_on_looking_between_a_build_and_its_comparison(
    owner: Client, alice: User, collection: Collection, notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_golden_question(collection, ASKED, document=Document.objects.get(), expected_words="desk 10")
    monkeypatch.setattr(shadow_build, "build_listeners", [])  # the moment before it is heard
    send(owner, collection, vector_weight=0.5)
    work(notifications)
    assert IndexBuild.objects.get().status == IndexBuild.Status.BUILT and not GoldenRun.objects.exists()
    text = page(owner, collection)
    assert (
        "Comparing with the test questions" in text
        and "Without test questions there is nothing to compare with" not in text
    )
    assert 'hx-trigger="every 1s"' in text


def test_a_build_is_compared_on_questions_that_came_after_it(
    owner: Client, alice: User, collection: Collection, notifications: Notifications
) -> None:
    send(owner, collection, relevance_threshold=0.9)
    work(notifications)
    runs.sweep_runs()
    assert notifications == []
    make_golden_question(collection, ASKED, document=Document.objects.get(), expected_words="desk 10")
    runs.sweep_runs()
    work(notifications)
    assert "Compared with 1 test question" in page(owner, collection)


def no_engine(*_: object) -> None:
    """Raise EngineUnavailable, in place of an engine."""
    raise EngineUnavailable("The embedder is away.")


def test_live_settings_ask_the_questions_again(
    alice: User, collection: Collection, notifications: Notifications
) -> None:
    make_golden_question(collection, ASKED, document=Document.objects.get(), expected_words="desk 10")
    runs.execute_run(runs.request_run(collection, alice).pk)
    runs.sweep_runs()
    assert GoldenRun.objects.count() == 1  # nothing has changed
    Collection.objects.filter(pk=collection.pk).update(search_settings={"vector_weight": 0.5})
    runs.sweep_runs()
    assert GoldenRun.objects.first().cause == GoldenRun.Cause.SETTINGS  # type: ignore[union-attr]


def test_search_settings_page_tells_that_golden_questions_are_missing(
    owner: Client, collection: Collection, notifications: Notifications
) -> None:
    send(owner, collection, vector_weight=0.5)
    work(notifications)
    assert not GoldenQuestion.objects.exists()
    assert "Without test questions there is nothing to compare with" in page(
        owner, collection
    ) and "Use these settings" in page(owner, collection)


@pytest.mark.parametrize(
    "value",
    [
        {"chunk_tokens": 59},
        {"chunk_tokens": "x"},
        {"vector_weight": 1.1},
        {"vector_weight": "nan"},
        {"relevance_threshold": -1},
        {"relevance_threshold": ""},
    ],
)
def test_senseless_search_settings_are_refused(owner: Client, collection: Collection, value: dict[str, object]) -> None:
    assert send(owner, collection, **value) == 400
    assert not IndexBuild.objects.exists()


def test_search_settings_are_decided_by_owners_only(
    client: Client, alice: User, bob: User, collection: Collection
) -> None:
    build = shadow_build.begin(collection, shadow_build.read_collection_settings({"vector_weight": 0.5}), alice)
    Membership.objects.create(collection=collection, user=bob, role="editor")
    client.force_login(bob)
    for tail in ("", "state/"):
        assert client.get(f"/collections/{collection.pk}/settings/search/{tail}").status_code == 404
    for verb in ("swap", "discard"):
        assert client.post(f"/collections/{collection.pk}/settings/search/{build.pk}/{verb}/").status_code == 404
    assert IndexBuild.objects.filter(pk=build.pk).exists()


def test_a_build_that_is_gone_says_so(owner: Client, collection: Collection) -> None:
    build = shadow_build.begin(collection, shadow_build.read_collection_settings({}), None)
    response = owner.post(f"/collections/{collection.pk}/settings/search/{build.pk}/swap/", follow=True)
    assert "no longer available" in response.content.decode()  # it is not built yet, so there is nothing to swap


@pytest.fixture
def reranker(settings: Settings) -> Iterator[None]:
    settings.ENGINES = {**settings.ENGINES, "rank": {"BACKEND": f"{__name__}.Reranker", "OPTIONS": {}}}
    registry.reset()
    yield
    registry.reset()


def test_reranker_setting_is_absent_without_a_reranker(owner: Client, collection: Collection) -> None:
    assert "Check the best passages again" not in page(owner, collection)


def test_the_reranker_is_a_setting_where_the_site_has_one(
    owner: Client, collection: Collection, reranker: None, notifications: Notifications
) -> None:
    assert 'name="rerank"' in page(owner, collection) and "checked" in page(owner, collection)
    assert send(owner, collection, vector_weight=0.5) == 302
    work(notifications)
    assert "best passages not checked again" in page(owner, collection)
    owner.post(f"/collections/{collection.pk}/settings/search/{IndexBuild.objects.get().pk}/swap/")
    collection.refresh_from_db()
    assert collection.search_settings == {"rerank": False}


class Reranker:
    """Reranker that is active."""

    active = True

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        return [0.5] * len(texts)


def test_the_owner_chooses_among_the_embedders_of_the_operator(
    owner: Client, collection: Collection, notifications: Notifications, settings: Settings
) -> None:
    assert 'name="embedder"' not in page(owner, collection)
    settings.EMBEDDERS = {"Other": {"BACKEND": "apps.engines.embed.fake.FakeEmbedder", "OPTIONS": {}}}
    assert '<option value="Other">Other</option>' in page(owner, collection)
    send(owner, collection, embedder="Other")
    work(notifications)
    assert "Embedding model: Other." in page(owner, collection)
    assert send(owner, collection, embedder="Unknown") == 400
    Collection.objects.filter(pk=collection.pk).update(search_settings={"embedder": "Other"})
    settings.EMBEDDERS = {}
    assert 'name="embedder"' in page(owner, collection), "one that is gone can be left"
