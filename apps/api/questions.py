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
from apps.conversations.core.turn_input import TurnIds
from apps.conversations.evidence.answer_sources import load_answer_sources
from apps.conversations.models import Assistant, Citation, Conversation, Message, Source
from apps.conversations.turns import runner
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
def begin_conversation(request: HttpRequest, payload: ConversationIn) -> Status[Conversation]:
    """Start an empty conversation, with the collections to search and the assistant that answers.

    Without collections, all that you may read are searched, or those of the assistant.
    """
    user = get_caller(request)
    check_readable(user, payload.collections)
    known = Assistant.objects.visible_to(user)
    assistant = get_object_or_404(known, pk=payload.assistant) if payload.assistant else None
    origin = Conversation.TitleOrigin.PERSON if payload.title else Conversation.TitleOrigin.QUESTION
    with transaction.atomic():
        row = Conversation.objects.create(
            owner=user,
            assistant=assistant,
            title=payload.title,
            title_origin=origin,
            chosen_collection_count=len(set(payload.collections)),
        )
        row.collections.set(Collection.objects.filter(pk__in=payload.collections))
    return Status(201, row)


@router.post("/conversations/{uuid:pk}/questions", auth=_CHAT, response={200: AnswerOut}, tags=["conversations"])
async def ask_question(
    request: HttpRequest, pk: UUID, payload: QuestionIn, idempotency_key: Annotated[str, Header(max_length=255)] = ""
) -> Any:
    """Ask a question and return the answer when it has ended; see its `status` and `reason`.

    With `stream` the response is server-sent events: `accepted` with the ids, `text` with each further piece, and
    finally `answer` as without `stream`.

    The answer is completed and stored even if the client disconnects. The same question under the same Idempotency-Key
    is asked once: a client that sends it again gets the same answer, from its beginning.
    """
    user = get_caller(request)
    await in_db(_require_readable, user, pk, payload)
    ask_request = requests.AskRequest(
        _make_client_id(idempotency_key), requests.clean_question(payload.question), pk,
        None if payload.collections is None else tuple(payload.collections), payload.without_documents, payload.after,
        model=model_choice.parse_model(payload.model), model_writes=payload.model_writes,
    )  # fmt: skip
    turn_ids = await runner.submit_request(user, None, ask_request)
    await in_db(_require_same_question, user, turn_ids, ask_request)
    await in_db(_name_untitled, user, turn_ids, ask_request)
    if payload.stream:
        response = StreamingHttpResponse(_stream_events(user, turn_ids), content_type="text/event-stream")
        response["Cache-Control"] = "no-store"
        response["X-Accel-Buffering"] = "no"
        return response
    async with aclosing(_stream_text(user, turn_ids)) as pieces:
        async for _ in pieces:
            pass
    return await in_db(_build_answer, user, turn_ids.answer_id)


@router.get("/answers/{uuid:pk}", auth=Bearer(Scope.READ), response=AnswerOut, tags=["conversations"])
def get_answer(request: HttpRequest, pk: UUID) -> dict[str, Any]:
    """Return an answer with its citations, and the sources that you may still read."""
    return _build_answer(get_caller(request), pk)


@router.post("/answers/{uuid:pk}/stop", auth=_CHAT, response={202: AnswerOut}, tags=["conversations"])
async def stop_answer(request: HttpRequest, pk: UUID) -> Status[dict[str, Any]]:
    """Stop an answer, which ends soon as “stopped” and keeps its text. An answer that has ended is unchanged."""
    found = await in_db(_build_answer, get_caller(request), pk)
    if found["status"] == Message.Status.WRITING:
        await runner.stop_turn(pk)
    return Status(202, found)


def _require_readable(user: User, pk: UUID, payload: QuestionIn) -> None:
    """Raise Http404 if the user may not read the conversation or one of the collections."""
    if not Conversation.objects.visible_to(user).filter(pk=pk).exists():
        raise Http404
    check_readable(user, payload.collections or [])


def _make_client_id(key: str) -> str:
    """Return the client id of a question: the hash of the Idempotency-Key, random without one.

    The prefix "api" keeps it apart from ids that pages make.
    """
    return "api" + (hashlib.sha256(key.encode()).hexdigest()[:37] if key else new_id().hex)


def _require_same_question(user: User, turn_ids: TurnIds, ask_request: requests.AskRequest) -> None:
    """Raise HttpError (422) if another question was stored under the same Idempotency-Key."""
    rows = Message.objects.visible_to(user).filter(pk=turn_ids.question_id, retracted=None)
    stored = rows.values_list("text", "conversation").first()
    if stored is not None and stored != (ask_request.text, ask_request.conversation):
        raise HttpError(422, _OTHER)


def _name_untitled(user: User, turn_ids: TurnIds, ask_request: requests.AskRequest) -> None:
    """Name an untitled conversation after the question."""
    untitled = Conversation.objects.visible_to(user).filter(pk=turn_ids.conversation_id, title="")
    untitled.update(title=picture_request.make_title(ask_request.text))


async def _stream_events(user: User, turn_ids: TurnIds) -> AsyncIterator[bytes]:
    ids = {"conversation": turn_ids.conversation_id, "question": turn_ids.question_id, "answer": turn_ids.answer_id}
    yield _format_event("accepted", ids)
    async with aclosing(_stream_text(user, turn_ids)) as pieces:
        async for piece in pieces:
            yield _format_event("text", {"text": piece})
    answer = await in_db(_build_answer, user, turn_ids.answer_id)
    yield _format_event("answer", AnswerOut.model_validate(answer).model_dump())


def _format_event(kind: str, value: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps(value, cls=NinjaJSONEncoder).encode())


async def _stream_text(user: User, turn_ids: TurnIds) -> AsyncGenerator[str, None]:
    """Yield the text of the answer in pieces until it ends. If another process writes it, it comes in one piece."""
    sent = ""
    try:
        async with aclosing(registry.get_turn_log().tail(str(turn_ids.answer_id), 0)) as entries:
            async for _ in entries:
                text = runner.get_running_text(turn_ids.answer_id)
                if text.startswith(sent) and text != sent:
                    yield text[len(sent) :]
                    sent = text
    except EngineError:
        pass  # the loop below reads the end from the row
    while (row := await in_db(_get_answer_row, user, turn_ids.answer_id)).status == Message.Status.WRITING:
        await asyncio.sleep(_POLL_S)
    if row.text.startswith(sent) and row.text != sent:
        yield row.text[len(sent) :]


def _get_answer_row(user: User, pk: UUID) -> Message:
    return get_object_or_404(Message.objects.visible_to(user).answers(), pk=pk)


def _build_answer(user: User, pk: UUID) -> dict[str, Any]:
    """Return the fields of `AnswerOut` for an answer. Raises Http404 if the user may not see it."""
    citations = Prefetch("citations", Citation.objects.select_related("source"))
    row = get_object_or_404(Message.objects.visible_to(user).answers().prefetch_related(citations), pk=pk)
    answer_sources = load_answer_sources(user, [row])[row.pk]
    numbers = [item.number for item in answer_sources.sources]
    rows = Source.objects.filter(conversation=row.conversation_id, number__in=numbers)
    documents = dict(rows.values_list("number", "document"))
    sources = [
        {
            "number": item.number, "shown": item.shown_number,
            "document_id": None if item.unavailable else documents.get(item.number),
            "title": item.title, "page_number": item.page, "heading": item.heading, "text": item.snippet,
            "used": item.number in answer_sources.used, "gone": item.unavailable,
        }
        for item in answer_sources.sources
    ]  # fmt: skip
    fields = ("id", "parent_id", "conversation_id", "role", "status", "text", "model", "reason", "created")
    return {
        **{name: getattr(row, name) for name in fields}, "citations": list(row.citations.all()), "sources": sources,
        "quotes": [
            {
                "text": quote.text, "number": quote.number, "shown": quote.shown_number, "title": quote.title,
                "page_number": quote.page,
            }
            for quote in answer_sources.quotes
        ],
        "outcome": ("nearest" if row.quotes else "nothing") if row.nothing_found else "answered",
        "nothing_found": row.nothing_found, "grounded": row.grounded, "unread_languages": row.unread_languages,
    }  # fmt: skip
