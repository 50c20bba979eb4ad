"""Golden questions: added, run by a worker, compared with the previous run, and run again after changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.documents.indexing import index_maintenance
from apps.documents.library.deletion import remove_document
from apps.documents.library.passage_edits import set_enabled
from apps.documents.models import Chunk, Collection, Document, Membership
from apps.documents.retrieval.search import SearchResult
from apps.engines.types import EngineUnavailable
from apps.evaluation.golden_questions import runs, search_preview
from apps.evaluation.models import GoldenQuestion, GoldenResult, GoldenRun
from apps.lib.db import leases
from apps.users.models import User
from tests.factories import Section, make_client, make_collection, make_document, make_golden_question

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("notifications"),
]  # searches read in threads of their own

QUAY, BOATS = "What was the quay built of?", "Where are boats moored?"


@pytest.fixture
def collection(alice: User) -> Collection:
    collection = make_collection(alice, "Library")
    make_document(
        collection,
        "Harbour",
        [
            Section("The quay was built of granite in 1874.", "Building"),
            Section("Boats are moored along the northern wall.", "Boats"),
        ],
    )
    make_document(collection, "Kitchen", ["Boil the potatoes for twenty minutes."])
    return collection


def chunk(words: str) -> Chunk:
    return Chunk.objects.select_related("document").get(text__contains=words)


def ran(collection: Collection, alice: User) -> GoldenRun:
    runs.execute_run(runs.request_run(collection, alice).pk)
    return GoldenRun.objects.filter(collection=collection).order_by("-pk")[0]


def test_a_run_measures_every_question(collection: Collection, alice: User) -> None:
    make_golden_question(collection, QUAY, chunk=chunk("granite"))
    make_golden_question(collection, BOATS, document=Document.objects.get(title="Kitchen"))
    row = ran(collection, alice)
    assert (row.status, row.questions, row.recall) == (GoldenRun.Status.DONE, 2, 0.5)
    assert row.finished is not None and row.lease_token == ""
    ranks = dict(GoldenResult.objects.filter(run=row).values_list("question__text", "rank"))
    assert ranks == {QUAY: 1, BOATS: None}
    assert row.mrr == row.ndcg == 0.5


def test_quotes_are_chosen_for_the_question_as_it_was_searched(
    collection: Collection, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, asked = search_preview.search, list[str]()

    async def spelt(*args: Any, **options: Any) -> SearchResult:
        return replace(await search(*args, **options), query="Which quay is of granite?")

    monkeypatch.setattr(search_preview, "search", spelt)
    monkeypatch.setattr(
        search_preview.quote_selection, "select_quotes", lambda question, *_: asked.append(question) or []
    )
    search_preview.search_and_quote(alice, collection, "Which quay is of granitte?")
    assert asked == ["Which quay is of granite?"]


def test_a_run_says_which_questions_fell_since_the_one_before(collection: Collection, alice: User) -> None:
    make_golden_question(collection, QUAY, chunk=chunk("granite"))
    make_golden_question(collection, BOATS, expected_words="northern wall")
    assert runs.find_regressions(ran(collection, alice)) == []
    set_enabled(alice, chunk("granite"), enabled=False)
    fell = runs.find_regressions(ran(collection, alice))
    assert [(item.question.text, item.rank_before, item.rank_now, item.lost) for item in fell] == [
        (QUAY, 1, None, True)
    ]
    set_enabled(alice, chunk("granite"), enabled=True)
    assert runs.find_regressions(ran(collection, alice)) == []


def test_expected_words_that_are_gone_make_a_question_fall(collection: Collection, alice: User) -> None:
    asked = make_golden_question(
        collection, QUAY, document=Document.objects.get(title="Harbour"), expected_words="granite"
    )
    assert ran(collection, alice).results.get().passed
    GoldenQuestion.objects.filter(pk=asked.pk).update(expected_words="marble")
    row = ran(collection, alice)
    assert row.results.get().missing == "marble"
    assert [item.lost for item in runs.find_regressions(row)] == [True]


def test_golden_run_is_requested_and_notified_once_at_a_time(
    collection: Collection, alice: User, notifications: list[tuple[str, object]]
) -> None:
    first = runs.request_run(collection, alice)
    assert runs.request_run(collection, alice) == first
    assert notifications == [(runs.TASK, first.pk)]


def test_a_run_that_another_worker_holds_is_left_alone(collection: Collection, alice: User) -> None:
    row = runs.request_run(collection, alice)
    leases.claim(GoldenRun.objects.all(), row.pk, 60)
    runs.execute_run(row.pk)
    row.refresh_from_db()
    assert (row.status, row.attempts) == (GoldenRun.Status.WAITING, 1)


def test_an_engine_that_is_away_is_told(collection: Collection, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row = in_vain(collection, alice, monkeypatch)
    assert (row.status, row.reason) == (GoldenRun.Status.FAILED, "The embedder is away.")


def test_a_question_whose_document_is_gone_is_asked_no_more(collection: Collection, alice: User) -> None:
    make_golden_question(collection, QUAY, chunk=chunk("granite"))
    remove_document(Document.objects.get(title="Harbour"))
    assert GoldenQuestion.objects.get().is_void
    assert ran(collection, alice).questions == 0


def test_the_sweep_runs_again_when_what_is_searched_has_changed(collection: Collection, alice: User) -> None:
    make_golden_question(collection, QUAY, expected_words="granite")
    runs.sweep_runs()
    assert not GoldenRun.objects.exists()  # the first run is a person's
    ran(collection, alice)
    runs.sweep_runs()
    assert GoldenRun.objects.count() == 1
    make_document(collection, "Weather", ["The wind is from the west."])
    runs.sweep_runs()
    row = GoldenRun.objects.first()
    assert row is not None
    assert (row.cause, row.status, row.started_by) == (GoldenRun.Cause.INDEX, GoldenRun.Status.WAITING, None)


def test_the_sweep_runs_again_when_the_index_was_made_anew(collection: Collection, alice: User) -> None:
    make_golden_question(collection, QUAY, expected_words="granite")
    ran(collection, alice)
    index_maintenance.reindex(collection.pk)
    runs.sweep_runs()
    row = GoldenRun.objects.order_by("-pk")[0]
    assert (row.cause, row.status) == (GoldenRun.Cause.INDEX, GoldenRun.Status.WAITING)
    runs.execute_run(row.pk)
    runs.sweep_runs()
    assert GoldenRun.objects.count() == 2


def test_golden_run_follows_the_next_change_after_a_failed_run(
    collection: Collection, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = in_vain(collection, alice, monkeypatch)
    runs.sweep_runs()
    assert list(GoldenRun.objects.all()) == [failed]  # nothing has changed, and it was just now
    make_document(collection, "Weather", ["The wind is from the west."])
    runs.sweep_runs()
    assert GoldenRun.objects.order_by("-pk")[0].status == GoldenRun.Status.WAITING


def test_a_run_that_failed_is_tried_again_after_a_while_and_told_once(
    collection: Collection, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = in_vain(collection, alice, monkeypatch)
    for _ in range(3):
        GoldenRun.objects.update(finished=timezone.now() - timedelta(seconds=runs.RETRY_S + 1))
        runs.sweep_runs()
        waiting = GoldenRun.objects.order_by("-pk")[0]
        assert (waiting.status, waiting.started_by) == (GoldenRun.Status.WAITING, None)
        runs.execute_run(waiting.pk)
    assert GoldenRun.objects.count() == 2 and GoldenRun.objects.filter(pk=first.pk).exists()  # a person's stays


def test_a_run_that_stopped_the_worker_is_not_tried_again_by_itself(collection: Collection, alice: User) -> None:
    make_golden_question(collection, QUAY, expected_words="granite")
    runs.request_run(collection, alice)
    GoldenRun.objects.update(attempts=runs.MAX_CRASHES)
    runs.sweep_runs()
    GoldenRun.objects.update(finished=timezone.now() - timedelta(days=1))
    runs.sweep_runs()
    assert GoldenRun.objects.get().status == GoldenRun.Status.FAILED


def in_vain(collection: Collection, alice: User, monkeypatch: pytest.MonkeyPatch) -> GoldenRun:
    def away(*_: object) -> None:
        raise EngineUnavailable("The embedder is away.")

    make_golden_question(collection, QUAY, expected_words="granite")
    monkeypatch.setattr(search_preview, "search_and_quote", away)
    return ran(collection, alice)


def test_the_sweep_waits_while_files_are_being_read(collection: Collection, alice: User) -> None:
    make_golden_question(collection, QUAY, expected_words="granite")
    ran(collection, alice)
    waiting = make_document(collection, "Weather", ["The wind is from the west."])
    Document.objects.filter(pk=waiting.pk).update(status=Document.Status.QUEUED)
    runs.sweep_runs()
    assert GoldenRun.objects.count() == 1


def test_change_of_embedder_is_a_change_of_settings(collection: Collection, alice: User) -> None:
    make_golden_question(collection, QUAY, expected_words="granite")
    ran(collection, alice)
    GoldenRun.objects.update(settings_state="of another embedder")
    runs.sweep_runs()
    assert GoldenRun.objects.order_by("-pk")[0].cause == GoldenRun.Cause.SETTINGS


def test_the_sweep_rings_for_what_nobody_heard_and_gives_up_what_crashes(
    collection: Collection, alice: User, notifications: list[tuple[str, object]]
) -> None:
    row = runs.request_run(collection, alice)
    notifications.clear()
    runs.sweep_runs()
    assert notifications == [(runs.TASK, row.pk)]
    GoldenRun.objects.update(attempts=runs.MAX_CRASHES)
    runs.sweep_runs()
    row.refresh_from_db()
    assert row.status == GoldenRun.Status.FAILED and "administrator" in row.reason


def test_a_passage_is_added_from_the_test_of_a_question(owner: Client, collection: Collection) -> None:
    page = owner.get(f"/collections/{collection.pk}/test/", {"q": QUAY}).content.decode()
    assert "granite" in page and "Threshold:" in page and "Add to test questions" in page
    owner.post(f"/collections/{collection.pk}/golden/", {"text": QUAY, "chunk": chunk("granite").pk})
    row = GoldenQuestion.objects.get()
    assert (row.document, row.page_number, row.char_start) == (chunk("granite").document, 1, 0)
    assert row.quote.startswith("The quay")


def test_the_test_shows_what_is_used_above_the_cut_and_the_rest_below(owner: Client, collection: Collection) -> None:
    page = owner.get(f"/collections/{collection.pk}/test/", {"q": QUAY}).content.decode()
    assert page.index("granite in 1874") < page.index("Threshold:") < page.index("potatoes")
    assert "Below the threshold" in page


@pytest.mark.parametrize(
    "asked", [{"text": QUAY}, {"text": "", "expected_words": "x"}, {"text": QUAY, "expected_words": " , "}, {}]
)
def test_a_question_without_a_way_to_judge_is_not_added(
    owner: Client, collection: Collection, asked: dict[str, str]
) -> None:
    assert owner.post(f"/collections/{collection.pk}/golden/", asked).status_code == 400
    assert not GoldenQuestion.objects.exists()


def test_passages_of_other_collections_are_not_taken(
    owner: Client, collection: Collection, alice: User, bob: User
) -> None:
    foreign = make_document(make_collection(bob, "Bob's"), "Secret", ["Nobody knows."])
    for name, value in (("chunk", Chunk.objects.get(document=foreign).pk), ("document", foreign.pk)):
        answer = owner.post(f"/collections/{collection.pk}/golden/", {"text": QUAY, name: value})
        assert answer.status_code == 400
        assert "Nobody knows" not in answer.content.decode()


def test_readers_look_and_change_nothing(collection: Collection, alice: User, bob: User) -> None:
    row = make_golden_question(collection, QUAY, expected_words="granite")
    Membership.objects.create(collection=collection, user=bob)
    theirs = make_client(bob)
    page = theirs.get(f"/collections/{collection.pk}/golden/").content.decode()
    assert QUAY in page and "Run now" not in page and "Add question" not in page
    assert (
        "Add to test questions" not in theirs.get(f"/collections/{collection.pk}/test/", {"q": QUAY}).content.decode()
    )
    for address in ("", "run/", f"{row.pk}/remove/"):
        refused = theirs.post(f"/collections/{collection.pk}/golden/{address}", {"text": "x", "expected_words": "x"})
        assert refused.status_code == 404
    assert GoldenQuestion.objects.count() == 1 and not GoldenRun.objects.exists()


def test_the_page_has_the_numbers_a_chart_and_what_fell(
    owner: Client, collection: Collection, alice: User, django_assert_max_num_queries
) -> None:
    for number in range(12):
        make_golden_question(collection, f"{QUAY} {number}", chunk=chunk("granite"))
    ran(collection, alice)
    set_enabled(alice, chunk("granite"), enabled=False)
    ran(collection, alice)
    with django_assert_max_num_queries(16):
        page = owner.get(f"/collections/{collection.pk}/golden/").content.decode()
    assert "12 questions have a worse result than in the previous run" in page
    assert page.count("<polyline") == 4 and "−100" in page
    assert "is no longer found" in page and "Recall@10" in page


def test_the_page_looks_again_only_while_a_run_is_under_way(owner: Client, collection: Collection, alice: User) -> None:
    make_golden_question(collection, QUAY, expected_words="granite")
    owner.post(f"/collections/{collection.pk}/golden/run/")
    state = f"/collections/{collection.pk}/golden/state/"
    assert "every 1s" in owner.get(state).content.decode()
    runs.execute_run(GoldenRun.objects.get().pk)
    assert "every 1s" not in owner.get(state).content.decode()
