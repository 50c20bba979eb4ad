"""A long conversation opens at its end; the rest is there, in order, for whoever goes there."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conversations.history import transcript_gaps
from apps.conversations.models import Conversation, Message
from apps.users.models import User
from tests.factories import make_client, make_exchange

pytestmark = pytest.mark.django_db
TURNS = 40


def long_conversation(owner: User, turns: int = TURNS) -> Conversation:
    conversation = Conversation.objects.create(owner=owner, title="Long")
    start, last, rows = timezone.now() - timedelta(days=1), None, []
    for number in range(turns):
        question = Message(
            conversation=conversation, parent=last, role="user", text=f"Question {number}?", asked_by=owner
        )
        last = Message(
            conversation=conversation, parent=question, role="assistant", text=f"Answer {number}.", asked_by=owner
        )
        rows += [question, last]
    Message.objects.bulk_create(rows)
    for number, row in enumerate(rows):
        row.created = start + timedelta(seconds=number)
    Message.objects.bulk_update(rows, ["created"])
    return conversation


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return long_conversation(alice)


@pytest.fixture
def answers(conversation: Conversation) -> list[UUID]:
    return list(conversation.messages.answers().order_by("created").values_list("pk", flat=True))


def shown(page: str) -> list[int]:
    """The numbers of the turns, and -1 for each gap."""
    found = re.findall(r'data-text="Question (\d+)\?"|(data-gap)', page)
    return [-1 if gap else int(number) for number, gap in found]


def gap(page: str) -> str:
    return html.unescape(re.findall(r'data-gap="([^"]+)"', page)[0])


def get(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_long_conversation_opens_at_its_end_and_scrolling_shows_every_turn_once(
    alice: User, conversation: Conversation
) -> None:
    client = make_client(alice)
    page = get(client, f"/c/{conversation.pk}/")
    seen = shown(page)
    assert seen == [-1, *range(TURNS - transcript_gaps.MAX_GAP_TURNS, TURNS)]
    assert f"{TURNS - transcript_gaps.MAX_GAP_TURNS} earlier questions" in page
    while seen[0] == -1:
        page = get(client, gap(page))
        seen = [*shown(page), *seen[1:]]
    assert seen == list(range(TURNS))


def test_a_message_that_is_looked_for_has_its_surroundings_and_the_gaps_close(
    alice: User, conversation: Conversation, answers: list[UUID]
) -> None:
    client = make_client(alice)
    page = get(client, f"/c/{conversation.pk}/?at={answers[10]}")
    around = list(range(8, 8 + transcript_gaps.MAX_GAP_TURNS))
    assert shown(page) == [-1, *around, -1, *range(TURNS - transcript_gaps.MAX_GAP_TURNS, TURNS)]
    middle = html.unescape(re.findall(r'data-gap="([^"]+)"', page)[1])
    filled = get(client, middle)
    assert shown(filled) == list(range(20, TURNS - transcript_gaps.MAX_GAP_TURNS)), (
        "it was smaller than what comes at once"
    )
    question = conversation.messages.filter(role="user").order_by("created")[10]
    assert shown(get(client, f"/c/{conversation.pk}/?at={question.pk}")) == shown(page)


def test_a_gap_in_the_middle_is_filled_from_its_beginning(
    alice: User, conversation: Conversation, answers: list[UUID]
) -> None:
    client = make_client(alice)
    page = get(client, f"/c/{conversation.pk}/turns/?after={answers[0]}&before={answers[-1]}")
    assert shown(page) == [*range(1, 1 + transcript_gaps.MAX_GAP_TURNS), -1]
    assert f"after={answers[transcript_gaps.MAX_GAP_TURNS]}" in gap(page) and "26 more questions" in page


def test_transcript_gap_of_foreign_or_unknown_turns_is_not_found(
    alice: User, bob: User, conversation: Conversation, answers: list[UUID]
) -> None:
    path = f"/c/{conversation.pk}/turns/"
    assert make_client(bob).get(f"{path}?before={answers[5]}").status_code == 404
    for query in ("", "?before=x", f"?before={conversation.pk}", f"?before={answers[0]}"):
        assert make_client(alice).get(path + query).status_code == 404


def test_the_shown_turns_are_of_the_branch_that_is_looked_at(
    alice: User, conversation: Conversation, answers: list[UUID]
) -> None:
    first = Message.objects.get(pk=answers[0])
    leaf = make_exchange(alice, "Question 99?", "Else.", after=first)
    client = make_client(alice)
    assert shown(get(client, f"/c/{conversation.pk}/")) == [0, 99], "what was written last is what is remembered"
    assert shown(get(client, f"/c/{conversation.pk}/?at={answers[-1]}")) == [
        -1,
        *range(TURNS - transcript_gaps.MAX_GAP_TURNS, TURNS),
    ]
    assert shown(get(client, f"/c/{conversation.pk}/?at={leaf.pk}")) == [0, 99]


def test_conversation_page_costs_the_same_queries_for_any_length(alice: User, conversation: Conversation) -> None:
    client = make_client(alice)
    counts = []
    for path in (f"/c/{conversation.pk}/", f"/c/{long_conversation(alice, 14).pk}/"):
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]
