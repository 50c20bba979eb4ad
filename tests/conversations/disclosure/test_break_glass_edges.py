"""Break-glass at its edges: who it is about, what came too late or twice, mail that is refused, sealed pictures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core import mail
from django.utils import timezone

from apps.conversations.disclosure import break_glass
from apps.conversations.image_chat import tiles
from apps.conversations.models import Conversation
from apps.conversations.models.attachment import AttachedPicture, Attachment
from apps.images.models import Picture
from apps.safety.audit_log import audit
from apps.safety.break_glass import access_requests, jobs
from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry
from apps.safety.models.break_glass import BreakGlass
from apps.safety.moderation import cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.schema import Action
from apps.users import special_permissions
from apps.users.models import User
from tests.conversations.disclosure.conftest import PAGE, WHY, name_for
from tests.factories import make_client, make_exchange

pytestmark = pytest.mark.django_db


@pytest.fixture
def asker(morgan: User) -> User:
    return name_for(morgan)


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return Conversation.objects.create(owner=alice)


def make_request(asker: User, conversation: Conversation, **more: Any) -> BreakGlass:
    return access_requests.request_access(asker, conversation.owner, conversation.pk, "order", WHY, **more)


def opened(asker: User, robin: User, conversation: Conversation) -> BreakGlass:
    row = make_request(asker, conversation)
    access_requests.approve_request(robin, row.pk)
    row.refresh_from_db()
    return row


def test_access_is_not_ended_by_the_owner_of_the_conversation(
    asker: User, robin: User, conversation: Conversation
) -> None:
    """Its number stands in the log, which an administrator reads."""
    row = opened(asker, robin, conversation)
    User.objects.filter(pk=conversation.owner.pk).update(role=User.Role.ADMINISTRATOR)
    make_client(conversation.owner).post(f"{PAGE}{row.pk}/decide/", {"do": "end"})
    row.refresh_from_db()
    assert row.state == "open" and not AuditEntry.objects.filter(kind="break_glass.ended").exists()


def test_lapsed_request_is_not_approved_even_before_a_sweep(
    asker: User, robin: User, conversation: Conversation
) -> None:
    row = make_request(asker, conversation)
    BreakGlass.objects.update(created=timezone.now() - timedelta(hours=25))
    with pytest.raises(ActionRefused):
        access_requests.approve_request(robin, row.pk)
    assert not access_requests.pending_requests(robin).exists()


def test_an_emergency_that_is_sent_twice_at_once_is_refused_once(
    asker: User, robin: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Meanwhile:
        """The other process stores its row when this one has looked for it."""

        @property
        def BREAK_GLASS_MINUTES(self) -> int:
            monkeypatch.setattr(access_requests, "settings", settings)
            make_request(asker, conversation, emergency=True)
            return settings.BREAK_GLASS_MINUTES

    monkeypatch.setattr(access_requests, "settings", Meanwhile())
    with pytest.raises(ActionRefused, match="has not been reviewed yet"):
        make_request(asker, conversation, emergency=True)
    assert BreakGlass.objects.count() == AuditEntry.objects.filter(kind="break_glass.opened").count() == 1


def test_an_address_that_is_refused_keeps_nobody_else_from_their_mail(
    asker: User, robin: User, conversation: Conversation, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_for(ada)
    send, tried = mail.send_mail, []

    def picky(title: str, text: str, by: str, to: list[str]) -> None:
        tried.append(to[0])
        if to == [refused]:
            raise ConnectionRefusedError
        send(title, text, by, to)

    monkeypatch.setattr(jobs, "send_mail", picky)
    make_request(asker, conversation)
    make_request(asker, conversation)
    refused = special_permissions.BREAK_GLASS.list_holders().exclude(pk=asker.pk)[0].email
    with pytest.raises(OSError):
        jobs.process_due_requests()
    assert len(tried) == 4 and len(mail.outbox) == 2, "each of both requests, to who can be told"
    assert jobs.process_due_requests() == 0 and len(tried) == 4, "and nobody is told again and again"


def test_owner_sees_a_reading_that_stands_behind_many_others(
    asker: User, robin: User, conversation: Conversation
) -> None:
    row = opened(asker, robin, conversation)
    assert make_client(asker).get(f"{PAGE}{row.pk}/").status_code == 200
    for number in range(51):
        audit.record_event("read", actor=robin, user=conversation.owner_id, subject=f"case {number}", why="review")
    assert "emergency access (" in make_client(conversation.owner).get("/notices/").content.decode()


def drawn(conversation: Conversation, prompt: str) -> Picture:
    answer = make_exchange(
        conversation.owner, f"Draw {prompt}", "", conversation=conversation, picture_request={"prompt": prompt}
    )
    picture = Picture.objects.create(
        owner=conversation.owner, prompt=prompt, seed=1, width=64, height=64, steps=1, guidance=0
    )
    tiles.add_tiles(answer.pk, [picture.pk])
    return picture


def sealed(kind: str, subject: UUID, conversation: Conversation) -> None:
    outcome = PolicyResult(Action.SEND, "child_exploitation", 4, 0.97)
    cases.flag_content(FlaggedContent(kind, str(subject), "picture", "words", conversation.owner_id, outcome))


def test_the_words_of_a_sealed_picture_are_not_shown(asker: User, robin: User, conversation: Conversation) -> None:
    sealed("picture", drawn(conversation, "a heliotrope").pk, conversation)
    drawn(conversation, "an oleander")
    question = make_exchange(conversation.owner, "What is that?", "A gladiolus.", conversation=conversation).parent
    attached = AttachedPicture.objects.create(
        owner=conversation.owner, name="hibiscus.png", file="a.png", width=1, height=1
    )
    Attachment.objects.create(question=question, picture=attached, position=0)
    sealed("attached", attached.pk, conversation)
    row = opened(asker, robin, conversation)
    page = make_client(asker).get(f"{PAGE}{row.pk}/").content.decode()
    assert "oleander" in page and not any(word in page for word in ("heliotrope", "gladiolus", "hibiscus", "What is"))
    name_for(asker, special_permissions.SEALED)
    page = make_client(asker).get(f"{PAGE}{row.pk}/").content.decode()
    assert all(word in page for word in ("oleander", "heliotrope", "gladiolus", "hibiscus"))


def test_titles_of_conversations_with_sealed_messages_are_not_listed(
    asker: User, robin: User, conversation: Conversation
) -> None:
    """A title often repeats the question."""
    owner = conversation.owner
    Conversation.objects.filter(pk=conversation.pk).update(title="Heliotropes")
    sealed("picture", drawn(conversation, "a heliotrope").pk, conversation)
    answer = make_exchange(owner, "Asters?", "Asters.", title="Asters")
    sealed("answer", answer.pk, answer.conversation)
    Conversation.objects.create(owner=owner, title="Oleanders")
    row = access_requests.request_access(asker, owner, None, "order", WHY)
    access_requests.approve_request(robin, row.pk)
    row.refresh_from_db()
    titles = " ".join(one["title"] for one in break_glass.list_conversations(row, asker))
    assert "Oleanders" in titles and "Heliotropes" not in titles and "Asters" not in titles
    name_for(asker, special_permissions.SEALED)
    titles = " ".join(one["title"] for one in break_glass.list_conversations(row, asker))
    assert "Heliotropes" in titles and "Asters" in titles


class Clock:
    """The time of day, which may be set, and the time that passes, which may not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.day, self.passed = timezone.now(), 1000.0
        monkeypatch.setattr(timezone, "now", lambda: self.day)
        monkeypatch.setattr(jobs.time, "monotonic", lambda: self.passed)
        monkeypatch.setattr(jobs, "_expiry_times", {})

    def on(self, minutes: float, *, shown: float | None = None) -> None:
        """So many minutes pass; the clock shows as many, or `shown`."""
        self.passed += minutes * 60
        self.day += timedelta(minutes=minutes if shown is None else shown)


def test_a_clock_that_is_set_back_prolongs_nothing(
    asker: User, robin: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    row = opened(asker, robin, conversation)
    clock.on(1)
    jobs.process_due_requests()
    assert access_requests.get_open_access(asker, row.pk)
    clock.on(row.minutes - 2, shown=-0.5)  # so that it shows just after the opening
    jobs.process_due_requests()
    assert access_requests.get_open_access(asker, row.pk), "it has a minute left"
    clock.on(1.5)
    jobs.process_due_requests()
    row.refresh_from_db()
    assert row.state == "ended" and AuditEntry.objects.filter(kind="break_glass.expired").count() == 1
    with pytest.raises(ActionRefused):
        access_requests.get_open_access(asker, row.pk)


def test_access_that_opens_in_the_future_reads_nothing(
    asker: User, robin: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    row = opened(asker, robin, conversation)
    clock.on(1, shown=-60)
    with pytest.raises(ActionRefused):
        access_requests.get_open_access(asker, row.pk)
    clock.on(1, shown=60)
    assert access_requests.get_open_access(asker, row.pk)
