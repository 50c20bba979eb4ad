"""Thumbs with reasons, a note, a report to the reviewers; staff reads it, and only they."""

from __future__ import annotations

import pytest

from apps.conversations.models import Feedback, Message
from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry, Case, Notice
from apps.safety.moderation import cases
from apps.users.models import User
from tests.factories import make_client, make_decision_input, make_exchange, make_user
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answer(alice: User) -> Message:
    return make_exchange(alice, "How high?", "It was made of cheese.")


def rate(user: User, answer: Message, thumb: str = "poor") -> int:
    return make_client(user).post(f"/answers/{answer.pk}/feedback/", {"thumb": thumb}).status_code


def say(user: User, answer: Message, **said: object):
    return make_client(user).post(f"/answers/{answer.pk}/feedback/detail/", said)


def test_a_thumb_is_kept_at_once_and_shown_after_a_reload_and_turned_over_loses_its_reasons(alice, answer) -> None:
    assert rate(alice, answer) == 200
    say(alice, answer, reasons=["wrong", "style"], note="It was stone.")
    row = Feedback.objects.get()
    assert (row.is_positive, row.reasons, row.note) == (False, ["wrong", "style"], "It was stone.")
    page = strip_layout(make_client(alice).get(f"/c/{answer.conversation_id}/").content.decode())
    assert 'data-thumb="poor" aria-pressed="true"' in page and 'data-thumb="good" aria-pressed="false"' in page
    rate(alice, answer, "good")
    row.refresh_from_db()
    assert (row.is_positive, row.reasons) == (True, [])
    say(alice, answer, withdraw="yes")
    assert not Feedback.objects.exists()


def test_rating_of_a_foreign_answer_and_invalid_ratings_are_refused(alice, bob, answer) -> None:
    assert rate(bob, answer) == 404
    assert rate(alice, answer, "sideways") == 400
    assert say(alice, answer, note="Before any thumb").status_code == 400
    rate(alice, answer)
    assert "Select a valid choice" in say(alice, answer, reasons=["taste"]).content.decode()
    assert Feedback.objects.get().reasons == []


def test_a_report_opens_one_case_with_what_its_reader_said_and_blames_nobody(alice, answer) -> None:
    rate(alice, answer)
    for _ in range(2):
        say(alice, answer, reasons=["unsafe"], note="This is dangerous.", report="on")
    case = Case.objects.get()
    assert (case.kind, case.clause, case.severity, case.report_count) == ("answer", "reported", 3, 1)
    assert case.snapshot.text == "It was made of cheese."
    assert "This is dangerous." in case.snapshot.context[-1]["text"]
    assert "sent to the reviewers" in Notice.objects.get().title
    morgan = make_user("morgan", User.Role.REVIEWER)
    claimed = cases.claim_case(morgan, case.pk)
    with pytest.raises(ActionRefused, match="not to blame"):
        cases.decide_case(morgan, case.pk, make_decision_input(claimed, "suspend"))
    cases.decide_case(morgan, case.pk, make_decision_input(claimed))
    answer.refresh_from_db()
    assert (answer.status, answer.text) == ("withheld", "")
    assert Notice.objects.latest("pk").title == "An answer that you reported is withheld"
    assert User.objects.get(pk=alice.pk).is_active


def test_staff_lists_filters_opens_and_handles_and_the_reading_is_recorded(alice, bob, answer) -> None:
    rate(alice, answer)
    say(alice, answer, reasons=["citation"], note="Page 3 says otherwise.")
    row = Feedback.objects.get()
    assert (
        make_client(bob).get("/feedback/").status_code
        == make_client(bob).get(f"/feedback/{row.pk}/").status_code
        == 404
    )
    morgan = make_user("morgan", User.Role.REVIEWER)
    page = make_client(morgan).get("/feedback/").content.decode()
    assert "Page 3 says otherwise." in page and "cheese" not in page, "words of a conversation are not in the list"
    for query, there in (
        ("thumb=poor", True), ("thumb=good", False), ("reason=citation", True), ("reason=style", False),
        ("show=handled", False), ("page=x&reason='", True),
    ):  # fmt: skip
        assert (len(make_client(morgan).get(f"/feedback/?{query}").context["rows"]) == 1) is there, query
    opened = make_client(morgan).get(f"/feedback/{row.pk}/").content.decode()
    assert "How high?" in opened and "made of cheese" in opened
    assert AuditEntry.objects.filter(kind="read", actor=morgan.pk, user=alice.pk).count() == 1
    make_client(morgan).post(f"/feedback/{row.pk}/handled/", {"handled": "yes"})
    assert not make_client(morgan).get("/feedback/").context["rows"]
    say(alice, answer, note="And page 4.")
    assert make_client(morgan).get("/feedback/").context["rows"], "what was said anew is new"


def test_feedback_on_a_deleted_conversation_is_hidden_from_staff(alice, answer) -> None:
    rate(alice, answer)
    make_client(alice).post(f"/c/{answer.conversation_id}/delete/")
    morgan = make_client(make_user("morgan", User.Role.REVIEWER))
    assert not morgan.get("/feedback/").context["rows"]
    assert morgan.get(f"/feedback/{Feedback.objects.get().pk}/").status_code == 404
