"""REST operations that start conversations, ask questions, stop answers and read them.

A question takes the same path as one from the page: the turn is stored, outlives its request, and is followed in its
turn log.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Header, Status
from ninja.errors import HttpError
from ninja.responses import NinjaJSONEncoder

from apps.api.auth import AsyncBearer, Bearer, Scope, get_caller
from apps.api.conversations import check_readable, router  # one address has its operations in one router
from apps.api.schemas import AnswerOut, ConversationIn, ConversationOut, QuestionIn
from apps.conversations.core import model_choice, picture_request, requests
from apps.conversations.evidence.answer_sources import load_answer_sources
from apps.conversations.models import Assistant, Citation, Conversation, Message, Source
from apps.conversations.turns import runner
from apps.conversations.turns.preparation import TurnIds
from apps.documents.models import Collection
from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db
from apps.lib.ids import new_id
from apps.users.models import User

_POLL_S = 0.5  # seconds between reads of the row when the turn log is unavailable
_OTHER = "This Idempotency-Key was sent with another question. Use a new one for each question."

_CHAT = AsyncBearer(Scope.CHAT)


@router.post("/conversations", auth=Bearer(Scope.CHAT), response={201: ConversationOut}, tags=["conversations"])
def begin_conversation(request: HttpRequest, wish: ConversationIn) -> Status[Conversation]:
    """Start an empty conversation, with the collections to search and the assistant that answers.

    Without collections, all that you may read are searched, or those of the assistant.
    """
    user = get_caller(request)
    check_readable(user, wish.collections)
    known = Assistant.objects.visible_to(user)
    assistant = get_object_or_404(known, pk=wish.assistant) if wish.assistant else None
    titled = Conversation.Titled.PERSON if wish.title else Conversation.Titled.QUESTION
    with transaction.atomic():
        row = Conversation.objects.create(
            owner=user, assistant=assistant, title=wish.title, titled=titled, narrow=bool(wish.collections)
        )
        row.collections.set(Collection.objects.filter(pk__in=wish.collections))
    return Status(201, row)


@router.post("/conversations/{uuid:pk}/questions", auth=_CHAT, response={200: AnswerOut}, tags=["conversations"])
async def ask_question(
    request: HttpRequest, pk: UUID, wish: QuestionIn, idempotency_key: Annotated[str, Header(max_length=255)] = ""
) -> Any:
    """Ask a question and return the answer when it has ended; see its `status` and `reason`.

    With `stream` the response is server-sent events: `accepted` with the ids, `text` with each further piece, and
    finally `answer` as without `stream`.

    The answer is completed and stored even if the client disconnects. The same question under the same Idempotency-Key
    is asked once: a client that sends it again gets the same answer, from its beginning.
    """
    user = get_caller(request)
    await in_db(_there, user, pk, wish)
    ask = requests.AskRequest(
        _client_id(idempotency_key), requests.clean_question(wish.question), pk,
        None if wish.collections is None else tuple(wish.collections), wish.without_documents, wish.after,
        model=model_choice.parse_model(wish.model),
    )  # fmt: skip
    kept = await runner.submit_request(user, None, ask)
    await in_db(_own, user, kept, ask)
    await in_db(_titled, user, kept, ask)
    if wish.stream:
        response = StreamingHttpResponse(_streamed(user, kept), content_type="text/event-stream")
        response["Cache-Control"] = "no-store"
        response["X-Accel-Buffering"] = "no"
        return response
    async with aclosing(_pieces(user, kept)) as pieces:
        async for _ in pieces:
            pass
    return await in_db(_answer, user, kept.answer_id)


@router.get("/answers/{uuid:pk}", auth=Bearer(Scope.READ), response=AnswerOut, tags=["conversations"])
def get_answer(request: HttpRequest, pk: UUID) -> dict[str, Any]:
    """Return an answer with its citations, and the sources that you may still read."""
    return _answer(get_caller(request), pk)


@router.post("/answers/{uuid:pk}/stop", auth=_CHAT, response={202: AnswerOut}, tags=["conversations"])
async def stop_answer(request: HttpRequest, pk: UUID) -> Status[dict[str, Any]]:
    """Stop an answer, which ends soon as “stopped” and keeps its text. An answer that has ended is unchanged."""
    found = await in_db(_answer, get_caller(request), pk)
    if found["status"] == Message.Status.WRITING:
        await runner.stop_turn(pk)
    return Status(202, found)


def _there(user: User, pk: UUID, wish: QuestionIn) -> None:
    """Raise Http404 if the user may not read the conversation or one of the collections."""
    if not Conversation.objects.visible_to(user).filter(pk=pk).exists():
        raise Http404
    check_readable(user, wish.collections or [])


def _client_id(key: str) -> str:
    """Return the client id of a question: the hash of the Idempotency-Key, random without one.

    The prefix "api" keeps it apart from ids that pages make.
    """
    return "api" + (hashlib.sha256(key.encode()).hexdigest()[:37] if key else new_id().hex)


def _own(user: User, kept: TurnIds, ask: requests.AskRequest) -> None:
    """Raise HttpError (422) if another question was stored under the same Idempotency-Key."""
    rows = Message.objects.visible_to(user).filter(pk=kept.question_id, retracted=None)
    asked = rows.values_list("text", "conversation").first()
    if asked is not None and asked != (ask.text, ask.conversation):
        raise HttpError(422, _OTHER)


def _titled(user: User, kept: TurnIds, ask: requests.AskRequest) -> None:
    """Name an untitled conversation after the question."""
    unnamed = Conversation.objects.visible_to(user).filter(pk=kept.conversation_id, title="")
    unnamed.update(title=picture_request.make_title(ask.text))


async def _streamed(user: User, kept: TurnIds) -> AsyncIterator[bytes]:
    ids = {"conversation": kept.conversation_id, "question": kept.question_id, "answer": kept.answer_id}
    yield _event("accepted", ids)
    async with aclosing(_pieces(user, kept)) as pieces:
        async for piece in pieces:
            yield _event("text", {"text": piece})
    answer = await in_db(_answer, user, kept.answer_id)
    yield _event("answer", AnswerOut.model_validate(answer).model_dump())


def _event(kind: str, value: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps(value, cls=NinjaJSONEncoder).encode())


async def _pieces(user: User, kept: TurnIds) -> AsyncGenerator[str, None]:
    """Yield the text of the answer in pieces until it ends. If another process writes it, it comes in one piece."""
    sent = ""
    try:
        async with aclosing(registry.get_turn_log().tail(str(kept.answer_id), 0)) as entries:
            async for _ in entries:
                text = runner.get_running_text(kept.answer_id)
                if text.startswith(sent) and text != sent:
                    yield text[len(sent) :]
                    sent = text
    except EngineError:
        pass  # the loop below reads the end from the row
    while (row := await in_db(_row, user, kept.answer_id)).status == Message.Status.WRITING:
        await asyncio.sleep(_POLL_S)
    if row.text.startswith(sent) and row.text != sent:
        yield row.text[len(sent) :]


def _row(user: User, pk: UUID) -> Message:
    return get_object_or_404(Message.objects.visible_to(user).answers(), pk=pk)


def _answer(user: User, pk: UUID) -> dict[str, Any]:
    """Return the fields of `AnswerOut` for an answer. Raises Http404 if the user may not see it."""
    citations = Prefetch("citations", Citation.objects.select_related("source"))
    row = get_object_or_404(Message.objects.visible_to(user).answers().prefetch_related(citations), pk=pk)
    shelf = load_answer_sources(user, [row])[row.pk]
    numbers = [item.number for item in shelf.sources]
    places = Source.objects.filter(conversation=row.conversation_id, number__in=numbers)
    documents = dict(places.values_list("number", "document"))
    sources = [
        {
            "number": item.number, "shown": item.shown_number,
            "document_id": None if item.unavailable else documents.get(item.number),
            "title": item.title, "page_number": item.page, "heading": item.heading, "text": item.snippet,
            "used": item.number in shelf.used, "gone": item.unavailable,
        }
        for item in shelf.sources
    ]  # fmt: skip
    named = ("id", "parent_id", "conversation_id", "role", "status", "text", "model", "reason", "created")
    return {
        **{name: getattr(row, name) for name in named}, "citations": list(row.citations.all()), "sources": sources,
        "nothing_found": row.nothing_found, "grounded": row.grounded, "unread_languages": row.unread_languages,
    }  # fmt: skip
