"""Answer runs: the worker lets the model answer golden questions, and the page shows how many citations were wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied

from apps.documents.jobs import ingest_job
from apps.documents.models import Chunk, Collection, Document, Membership
from apps.documents.models.collection import Role
from apps.engines.chat.fake import FakeChat
from apps.engines.types import EngineUnavailable
from apps.evaluation.golden_questions import answer_runs, citation_check, runs
from apps.evaluation.models import AnswerRun, GoldenQuestion, GoldenRun, WrongCitation
from apps.lib.db import leases
from apps.safety.gate.gate import Withheld
from apps.users.models import User
from apps.users.rate_limits import RateLimited
from tests.evaluation.conftest import Notifications
from tests.factories import get_page, make_client, make_golden_question

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("notifications"),
]  # searches read in threads of their own

QUESTION = "How long do workers of a honey bee colony live in summer?"
RIGHT = "Workers live about six weeks in summer."
Status = GoldenRun.Status


def add(handbook: Collection, title: str) -> GoldenQuestion:
    chunk = Chunk.objects.select_related("document").get(document__title=title)
    return make_golden_question(handbook, QUESTION, chunk=chunk)


def ran(handbook: Collection, alice: User) -> AnswerRun:
    answer_runs.run_answers(answer_runs.request_answer_run(handbook, alice).pk)
    return AnswerRun.objects.filter(collection=handbook).order_by("-pk")[0]


def page_of(user: User, handbook: Collection) -> str:
    return get_page(user, f"/collections/{handbook.pk}/golden/")


@pytest.mark.parametrize("verb", [runs.request_run, answer_runs.request_answer_run])
def test_a_stranger_starts_no_run_and_adds_no_question(
    alice: User, bob: User, handbook: Collection, verb: Callable[[Collection, User], object]
) -> None:
    with pytest.raises(PermissionDenied):
        verb(handbook, bob)
    with pytest.raises(PermissionDenied):
        runs.add_question(bob, handbook, QUESTION, document=None, chunk=None, expected_words="six weeks")
    assert not (GoldenRun.objects.exists() or AnswerRun.objects.exists() or GoldenQuestion.objects.exists())
    verb(handbook, alice)


def test_the_page_says_how_often_a_pill_was_wrong_and_where(alice: User, handbook: Collection, chat: FakeChat) -> None:
    add(handbook, "Bees")
    add(handbook, "Wasps")
    chat.replies += [RIGHT, f"- {RIGHT[:-1]} [1]."]
    row = ran(handbook, alice)
    assert (row.status, row.questions, row.questions_asked, row.answered) == (Status.DONE, 2, 2, 2)
    assert (row.sentences, row.wrong_citations.count(), row.model) == (2, 1, chat.name)
    pill = WrongCitation.objects.get()
    bees = Document.objects.get(title="Bees")
    assert (pill.question.quote[:5], pill.sentence, pill.document, pill.page_number) == ("Wasps", RIGHT, bees, 1)
    page = page_of(alice, handbook)
    assert "Wrong source" in page and "50%" in page and chat.name in page and f"“{RIGHT}”" in page
    assert f'href="/documents/{bees.pk}?page=1"' in page or f'href="/documents/{bees.pk}/?page=1"' in page


def test_a_later_run_takes_the_place_of_the_one_before(alice: User, handbook: Collection, chat: FakeChat) -> None:
    add(handbook, "Wasps")
    chat.replies += [RIGHT, "Nobody knows that."]
    assert ran(handbook, alice).wrong_citations.count() == 1
    row = ran(handbook, alice)
    assert AnswerRun.objects.get() == row and row.sentences == 0 and not WrongCitation.objects.exists()
    assert "Wrong source" in page_of(alice, handbook)


def test_answer_run_without_a_model_fails_and_keeps_the_previous_result(
    alice: User, handbook: Collection, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(handbook, "Bees")
    chat.replies.append(RIGHT)
    ran(handbook, alice)

    def away(_question: GoldenQuestion) -> None:
        raise EngineUnavailable("The model server does not answer.")

    monkeypatch.setattr(answer_runs, "check_citations", away)
    row = ran(handbook, alice)
    assert (row.status, row.reason) == (Status.FAILED, "The model server does not answer.")
    page = page_of(alice, handbook)
    assert "The last check failed. The model server does not answer." in page and "Sentences with a source" in page


def test_withheld_answer_is_not_counted_as_answered(
    alice: User, handbook: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(handbook, "Bees")
    monkeypatch.setattr(Withheld, "__init__", lambda self: None)

    def withheld(_question: GoldenQuestion) -> None:
        raise Withheld()  # type: ignore[call-arg]

    monkeypatch.setattr(answer_runs, "check_citations", withheld)
    row = ran(handbook, alice)
    assert (row.status, row.questions, row.answered, row.model) == (Status.DONE, 1, 0, "")


def test_a_limit_that_ends_soon_is_waited_for_and_a_long_one_ends_the_run(
    alice: User, handbook: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(handbook, "Bees")
    waits, done = [0, 3600], citation_check.CitationCheck((), (), ())

    def limited(_question: GoldenQuestion) -> citation_check.CitationCheck:
        if len(waits) == 1 and not AnswerRun.objects.filter(status=Status.DONE).exists():
            return done
        raise RateLimited("Too much for now.", waits.pop(0))

    monkeypatch.setattr(answer_runs, "check_citations", limited)
    assert ran(handbook, alice).status == Status.DONE
    row = ran(handbook, alice)
    assert (row.status, row.reason) == (Status.FAILED, "Too much for now.")


def test_answer_run_is_requested_once_at_a_time_by_editors_only(
    alice: User, bob: User, handbook: Collection, notifications: Notifications
) -> None:
    add(handbook, "Bees")
    Membership.objects.create(collection=handbook, user=bob, role=Role.READER)
    client, address = make_client(alice), f"/collections/{handbook.pk}/golden/answers/"
    assert make_client(bob).post(address).status_code == 404 and "Check answers" not in page_of(bob, handbook)
    assert "The model has not answered" in page_of(bob, handbook)
    assert "Check answers" in page_of(alice, handbook)
    assert client.post(address).status_code == client.post(address).status_code == 302
    assert notifications == [(answer_runs.TASK, AnswerRun.objects.get().pk)]
    page = page_of(alice, handbook)
    assert "Waiting …" in page and "Check answers" not in page and "every 3s" in page


def test_a_worker_that_ends_leaves_the_run_to_the_next(
    alice: User, handbook: Collection, chat: FakeChat, notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(handbook, "Bees")
    ingest_job.stop_requested.set()
    try:
        row = ran(handbook, alice)
    finally:
        ingest_job.stop_requested.clear()
    assert (row.status, row.lease_token, row.attempts) == (Status.WAITING, "", 0)
    notifications.clear()
    answer_runs.sweep_answers()
    assert notifications == [(answer_runs.TASK, row.pk)]
    chat.replies.append(RIGHT)
    answer_runs.run_answers(row.pk)
    assert AnswerRun.objects.get().sentences == 1


def test_a_run_that_stops_the_worker_each_time_is_given_up(alice: User, handbook: Collection) -> None:
    row = answer_runs.request_answer_run(handbook, alice)
    for _ in range(answer_runs.MAX_CRASHES):
        assert leases.claim(AnswerRun.objects.open(), row.pk, -1, status=Status.RUNNING)
    answer_runs.sweep_answers()
    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.FAILED, answer_runs.STOPPED_WORKER)
    assert "Tell an administrator" not in page_of(alice, handbook), "without questions there is nothing to show"
