"""What was let through is sampled, read by people under rules, and tells how much the checks find."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from apps.conversations import reviewing
from apps.conversations.models import Conversation, Message
from apps.safety import audits, recall, review
from apps.safety.figures import Share
from apps.safety.models import Audited, Case, Event
from apps.safety.recall import _recall
from apps.safety.review import Ruling
from apps.safety.transitions import Refused
from apps.users.models import User
from tests.people import person
from tests.safety.cases import KIND, Notes, case, notes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelf(ada: User, alice: User, settings: object) -> Notes:
    settings.REVIEW_AUDIT_PER_MILLE = 1000  # type: ignore[attr-defined]
    User.objects.filter(pk=alice.pk).update(read_at_random=True)
    found = notes()
    found.state = {str(number): "as it was" for number in range(9)}
    return found


def kept(owner: User, subject: str = "1", text: str = "How is a lamp trimmed?") -> None:
    audits.keep(KIND, subject, "question", text, owner.pk)


def said(user: User, clause: str) -> None:
    row = audits.take(user)
    assert row is not None
    audits.give(user, row.pk, row.lease_token, clause)


def turn(owner: User, status: str = Message.Status.COMPLETE) -> Message:
    place = Conversation.objects.create(owner=owner)
    question = Message.objects.create(
        conversation=place,
        role=Message.Role.USER,
        asked_by=owner,
        text="Write to ines@example.org",
        status=Message.Status.COMPLETE,
    )
    return Message.objects.create(
        conversation=place,
        parent=question,
        role=Message.Role.ASSISTANT,
        asked_by=owner,
        text="The lamp is lit at six.",
        status=status,
    )


def test_question_and_answer_of_who_agreed_are_kept_masked(alice: User, bob: User, settings: object) -> None:
    reviewing.sample(turn(alice).pk, alice.pk)
    reviewing.sample(turn(bob).pk, bob.pk)  # did not agree
    reviewing.sample(turn(alice, Message.Status.WITHHELD).pk, alice.pk)  # was not let through
    texts = dict(Audited.objects.values_list("stage", "text"))
    assert texts["answer"] == "The lamp is lit at six."
    assert "ines@example.org" not in texts["question"] and Audited.objects.count() == 2
    settings.REVIEW_AUDIT_PER_MILLE = 0  # type: ignore[attr-defined]
    assert not any(audits.drawn() for _ in range(100))


def test_each_reading_is_shown_to_its_person_and_the_words_go(client: Client, alice: User, morgan: User) -> None:
    kept(alice)
    client.force_login(morgan)
    at = client.post("/review/audits/")["Location"]
    assert "How is a lamp trimmed?" in client.get(at).content.decode()
    entry = Event.objects.get(kind="read")
    assert (entry.actor, entry.person) == (morgan.pk, alice.pk)
    row = Audited.objects.get()
    client.post(f"{at}give/", {"token": row.lease_token, "said": "against", "clause": ""})
    assert Audited.objects.get().given is None
    client.post(f"{at}give/", {"token": row.lease_token, "said": "harmless", "clause": "hate"})
    row.refresh_from_db()
    assert (row.text, row.clause, Case.objects.count()) == ("", "", 0)
    assert client.get(at).status_code == 404


def test_what_is_found_is_a_case_that_somebody_decides(alice: User, morgan: User) -> None:
    kept(alice, text="They should all be driven out")
    said(morgan, "hate")
    found = Case.objects.get()
    assert (found.area, found.owner, found.snapshot.text, found.snapshot.signals) == (
        "hate", alice, "They should all be driven out", [],
    )  # fmt: skip


def test_nobody_audits_their_own_and_two_never_the_same(alice: User, morgan: User) -> None:
    robin = person("robin", User.Role.REVIEWER)
    kept(alice)
    assert audits.take(alice) is None
    held = audits.take(morgan)
    assert held is not None and audits.take(robin) is None and audits.take(morgan) == held
    with pytest.raises(Refused):
        audits.give(robin, held.pk, held.lease_token, "")
    with pytest.raises(Refused):
        audits.give(morgan, held.pk, held.lease_token, "no such clause")
    with pytest.raises(IntegrityError), transaction.atomic():
        Audited.objects.update(reviewer=alice)


def test_it_lasts_while_somebody_reads(client: Client, alice: User, morgan: User) -> None:
    kept(alice)
    row = audits.take(morgan)
    assert row is not None
    client.force_login(morgan)
    at = f"/review/audits/{row.pk}/keep/"
    assert f'data-keep="{at}"' in client.get(f"/review/audits/{row.pk}/").content.decode()
    Audited.objects.update(lease_until=timezone.now() + timedelta(seconds=5))
    assert client.post(at, {"token": row.lease_token}).json() == {}
    until = Audited.objects.get().lease_until
    assert until is not None and until > timezone.now() + timedelta(seconds=audits.LEASE_S - 60)
    assert client.post(at, {"token": "another"}).json()["words"]


def test_consent_taken_back_and_things_deleted_take_their_texts_along(alice: User, morgan: User) -> None:
    kept(alice, "1")
    kept(alice, "not there")
    assert audits.sweep() == 1
    User.objects.filter(pk=alice.pk).update(read_at_random=False)
    assert audits.take(morgan) is None
    assert not Audited.objects.exists()


def test_recall_follows_from_the_sample(alice: User, bob: User, morgan: User, settings: object) -> None:
    settings.REVIEW_AUDIT_PER_MILLE = 500  # type: ignore[attr-defined]
    for number in range(4):
        kept(alice, str(number))
        said(morgan, "hate" if number == 0 else "")
    for subject in ("5", "6"):
        held = review.claim(morgan, case(alice, subject).pk)
        review.decide(morgan, held.pk, Ruling(held.lease_token, held.version, "block", "clear"))
    case(bob, "7")
    held = review.claim(morgan, case(alice, "8", code="crime").pk)
    review.decide(morgan, held.pk, Ruling(held.lease_token, held.version, "warn", "clear"))
    every, crime, row = recall.rows()
    assert (every.clause, every.read, every.found, every.value) == ("", Share(1, 4), 3, 0.6)
    assert (crime.clause, crime.missed, crime.found, crime.value) == ("crime", 0.0, 1, 1.0)
    assert crime.low is not None and crime.low < 1  # few were read
    assert (row.clause, row.read, row.let_through, row.missed, row.found) == ("hate", Share(1, 4), 8.0, 2.0, 2)
    assert row.value == 0.5 and row.low is not None and row.high is not None and row.low < 0.5 < row.high


def test_nothing_read_means_nothing_known() -> None:
    assert _recall("question", "", 100.0, Share(0, 0), 5).value is None
    clean = _recall("question", "", 100.0, Share(0, 20), 5)
    assert clean.value == 1 and clean.low is not None and clean.low < 0.4  # few were read: it may be much lower


def test_unknown_texts_are_not_there(client: Client, morgan: User) -> None:
    client.force_login(morgan)
    assert client.get(f"/review/audits/{uuid4()}/").status_code == 404
    assert client.post("/review/audits/")["Location"] == "/review/"
