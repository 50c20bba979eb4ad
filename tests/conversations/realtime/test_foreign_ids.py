"""Everything that can be named on the socket, named by somebody whose it is not: it is like one that never was."""

from __future__ import annotations

import asyncio
import uuid
from itertools import count
from typing import Any, get_args, get_type_hints

import orjson
import pytest
from django.conf import LazySettings
from django.utils import timezone

from apps.conversations.core.requests import Command, RetryCommand
from apps.conversations.models import Conversation, Message, QueuedQuestion
from apps.conversations.models.assistant import Assistant
from apps.conversations.models.attachment import AttachedPicture
from apps.conversations.models.share import Share
from apps.conversations.models.tool import ToolConsent
from apps.conversations.turns import prefetch, runner, temporary_chats
from apps.documents.models import Collection
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.conversations.attachments.picture_uploads import attached
from tests.conversations.conftest import left
from tests.conversations.realtime.socket_matrix import MATRIX, SILENT, THINGS
from tests.factories import make_document

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "Alexandria"  # in everything of hers, and in nothing of his
LAST = {"do": "nothing in particular", "client_id": "last"}  # is refused when all before it was done


def test_the_matrix_names_everything_that_the_socket_hears_and_no_more() -> None:
    assert {word for kind in get_args(Command) for word in get_args(get_type_hints(kind)["action"])} == set(MATRIX)


@pytest.mark.parametrize("kind", get_args(Command))
def test_the_matrix_names_every_row_that_a_message_can_name(kind: Any) -> None:
    hints = get_type_hints(kind)
    named = {name for name, hint in hints.items() if "UUID" in str(hint)} or {"secret"}
    for word in get_args(hints["action"]):
        assert named == set(MATRIX[word]) | ({"assistant"} if kind is RetryCommand else set()), word


@pytest.fixture
async def things(page, alice: User, library: Any, chat: Any, settings: LazySettings, tmp_path: Any) -> Any:
    """Rows of Alice's, by name; an answer is being written in her conversation, which a link shows."""
    settings.MEDIA_ROOT = tmp_path
    finished = await page.ask(f"How high was the lighthouse of {SECRET}?")
    await page.hear("closed")
    fleeting = await page.ask(f"Who built {SECRET}?", temporary=True)
    await page.hear("closed")
    chat.replies.append(" ".join(f"{SECRET}{number}" for number in range(3000)))
    chat.gap_s = 0.05
    running = await page.ask(f"Who damaged {SECRET}?", conversation=finished["conversation"])
    await page.hear("text")
    await page.tell(
        do="queue", client_id="q", conversation=finished["conversation"], text=f"Was {SECRET} the capital then?"
    )
    await page.hear("queued")
    conversation = await Conversation.objects.aget(pk=finished["conversation"])
    await Share.objects.acreate(conversation=conversation, sources="passages", last_message_id=running["turn"])
    withheld = await Conversation.objects.acreate(owner=alice)
    asked = await Message.objects.acreate(conversation=withheld, role="user", asked_by=alice)
    await Message.objects.acreate(
        conversation=withheld,
        parent=asked,
        role="assistant",
        status="withheld",
        reason=SECRET,
        asked_by=alice,
        retracted=timezone.now(),
    )
    found = {
        "withheld": str(withheld.pk),
        "conversation": str(conversation.pk), "temporary chat": fleeting["conversation"], "running": running["turn"],
        "finished": finished["turn"], "temporary answer": fleeting["turn"], "question": running["question"],
        "queued": str((await QueuedQuestion.objects.aget()).pk), "collection": str(library.pk),
        "assistant": str((await Assistant.objects.acreate(owner=alice, name=SECRET)).pk),
        "picture": str((await in_db(attached, alice, SECRET)).pk),
        "files": str((await in_db(_attach_file, alice)).pk),
    }  # fmt: skip
    yield page, found
    temporary_chats.end_all()


def _attach_file(alice: User) -> Collection:
    files = Collection.all_objects.create(owner=alice, of_chat=True)
    make_document(files, SECRET, [f"{SECRET} is how high it was."])
    return files


def _message(do: str, field: str, value: str, number: int, conversation: str | None = None) -> dict[str, Any]:
    """`conversation`: the conversation in which a question follows or replaces another."""
    listed = field in {"collections", "attached"}
    known: dict[str, Any] = {"conversation": conversation} if field in {"after", "reworded_question"} else {}
    known |= {"do": do, "client_id": f"mine{number}", "text": "How high was it?", "call": "1", "allow": True}
    return known | {"after": 0 if do == "resume" else None, field: [value] if listed else value}


def _of_alice(alice: User) -> list[Any]:
    """What is stored of hers, without what a running answer changes by itself."""
    rows = Message.objects.filter(conversation__owner=alice).order_by("pk")
    return [
        list(rows.values_list("pk", "status", "role", "parent", "asked_by")),
        list(rows.filter(role="user").values_list("text", flat=True)),
        list(QueuedQuestion.objects.filter(conversation__owner=alice).values_list("pk", "text", "position")),
        list(Conversation.objects.filter(owner=alice).values_list("pk", "seen", "title", "model")),
        list(AttachedPicture.objects.values_list("pk", "owner", "status")),
        ToolConsent.objects.count(),
    ]


async def _said(page: Any, message: dict[str, Any], names: set[str]) -> list[str]:
    """Everything that the page hears of it, to its end, without ids; times and numbers do not matter."""
    await page.tell(**message)
    if message["do"] in SILENT:
        await page.tell(**LAST)
    heard: list[str] = []
    while not heard or heard[-1] == "accepted":
        event = await page.hear()
        if event.get("client_id") == LAST["client_id"]:
            return [*heard, "silence"]
        if event["type"] == "accepted":
            events = await page.events()
            assert not any(SECRET in orjson.dumps(item).decode() for item in events)
            heard += ["accepted", events[-1]["status"]]
        else:
            text = orjson.dumps(event | {"client_id": ""}).decode()
            assert SECRET not in text
            for name in names:
                text = text.replace(name, "-")
            heard.append(text)
    return heard


@pytest.mark.parametrize("do", MATRIX)
async def test_foreign_ids_are_answered_like_unknown_ones(
    open_page: Any, alice: User, bob: User, things: Any, chat: Any, do: str
) -> None:
    """Whatever can be named in it, one after the other: none changes anything of hers for the next."""
    _, rows = things
    own = await (await open_page(bob)).ask("How low is it?")
    while uuid.UUID(own["turn"]) in runner._running:
        await asyncio.sleep(0.02)
    before, requests = await in_db(_of_alice, alice), len(chat.requests)
    number = count()
    for field, thing in [(name, thing) for name in MATRIX[do] for thing in THINGS[name]]:
        foreign, unknown = rows[thing], str(uuid.uuid4())
        heard = []
        for value in (foreign, unknown):
            theirs, message = await open_page(bob), _message(do, field, value, next(number), own["conversation"])
            heard.append(await _said(theirs, message, {foreign, unknown}))
            await left(theirs.wire)
        assert heard[0] == heard[1], f"{field}: {thing}"
        if (task := prefetch._prefetches.get(bob.pk)) is not None:
            await asyncio.wait([task])
        assert await in_db(_of_alice, alice) == before, f"{field}: {thing}: nothing of hers has changed"
        assert not any(SECRET in str(request) for request in chat.requests[requests:]), "and no model has read of it"
        assert uuid.UUID(rows["running"]) in runner._running


@pytest.mark.parametrize(
    ("do", "field", "thing"),
    [
        ("ask", "conversation", "conversation"), ("ask", "after", "finished"), ("ask", "reworded_question", "question"),
        ("ask", "assistant", "assistant"), ("ask", "attached", "picture"), ("ask", "files", "files"),
        ("queue", "conversation", "conversation"),
        ("retry", "turn", "finished"), ("continue", "turn", "finished"), ("resume", "turn", "running"),
        ("resume", "turn", "temporary answer"), ("answer_without_documents", "turn", "finished"),
        ("let_model_write", "turn", "finished"),
        ("stop", "turn", "running"), ("decide", "turn", "running"), ("reword", "question", "question"),
        ("look", "conversation", "withheld"),
        ("queue_now", "queued", "queued"), ("unqueue", "queued", "queued"), ("stay", "conversation", "temporary chat"),
    ],
)  # fmt: skip
async def test_own_ids_are_answered_otherwise_than_unknown_ones(things: Any, do: str, field: str, thing: str) -> None:
    """Or the test before this one would say nothing."""
    page, rows = things
    heard = []
    for number, value in enumerate((str(uuid.uuid4()), rows[thing])):
        await page.tell(**_message(do, field, value, number, rows["conversation"]))
        await page.tell(**LAST)
        heard.append(await _answer(page))
    assert heard[0] != heard[1]


async def _answer(page: Any) -> dict[str, Any]:
    """The first thing said that is no event of the answer that is being written; that may be nothing."""
    types = ("accepted", "refused", "unknown", "queued", "first", "unqueued", "reworded", "gone", "standing")
    heard = [await page.hear(*types)]
    while heard[-1].get("client_id") != LAST["client_id"]:
        heard.append(await page.hear(*types))
    if len(heard) == 1:
        return {"type": "silence"}
    return {name: value for name, value in heard[0].items() if name in {"type", "text", "retracted"}}
