"""REST operations on saved conversations, and the search for passages.

Questions and answers are in `apps.api.questions`.
"""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from ninja.pagination import paginate

from apps.api.auth import AsyncBearer, Bearer, Scope, get_caller
from apps.api.errors import ApiError
from apps.api.schemas import ConversationChange, ConversationOut, MessageOut, SearchIn, SearchOut
from apps.conversations.core import requests
from apps.conversations.history import conversation_actions
from apps.conversations.models import Citation, Conversation, Message
from apps.conversations.moderation import findings
from apps.documents.models import Collection
from apps.documents.retrieval import search as documents
from apps.documents.retrieval.filters import SearchFilters
from apps.lib.concurrency.threads import in_db
from apps.safety.gate.gate import check_question
from apps.safety.models.verdict_log import Surface
from apps.safety.verdict_log.recorder import use_surface
from apps.users.models import User

router = Router()
_READ, _WRITE = Bearer(Scope.READ), Bearer(Scope.WRITE)


@router.post("/search", auth=AsyncBearer(Scope.READ), response={200: SearchOut, 400: dict[str, Any]}, tags=["search"])
async def search_passages(request: HttpRequest, payload: SearchIn) -> Any:
    """Return the passages relevant to a question, best first, of documents that you may read; none: nothing
    relevant."""
    question = requests.clean_question(payload.question)
    user = get_caller(request)
    with use_surface(Surface.API):
        verdict = await check_question(question)
    await findings.open_case_for_question(user, verdict)
    if not verdict.allowed:
        raise ApiError(400, verdict.message)
    await in_db(check_readable, user, payload.collections)
    filters = SearchFilters(tuple(payload.kinds), tuple(payload.languages), payload.path, payload.since, payload.until)
    result = await documents.search(user, question, collections=payload.collections, filters=filters)
    return {
        "passages": result.passages, "searched": result.searched, "left_out": result.unsearched,
        "documents": result.documents, "waiting": result.waiting, "query": result.query,
    }  # fmt: skip


@router.get("/conversations", auth=_READ, response=list[ConversationOut], tags=["conversations"])
@paginate
def list_conversations(request: HttpRequest) -> QuerySet[Conversation]:
    """List your conversations, the last changed first."""
    return Conversation.objects.visible_to(get_caller(request))


@router.get("/conversations/{uuid:pk}", auth=_READ, response=ConversationOut, tags=["conversations"])
def get_conversation(request: HttpRequest, pk: UUID) -> Conversation:
    return get_object_or_404(Conversation.objects.visible_to(get_caller(request)), pk=pk)


@router.get("/conversations/{uuid:pk}/messages", auth=_READ, response=list[MessageOut], tags=["conversations"])
@paginate
def list_messages(request: HttpRequest, pk: UUID) -> QuerySet[Message]:
    """List questions and answers, oldest first; `parent_id` links them to a tree.

    A citation names its sentence by character offsets and its source by number; `null` means that no passage supports
    the sentence.
    """
    get_object_or_404(Conversation.objects.visible_to(get_caller(request)), pk=pk)
    citations = Prefetch("citations", Citation.objects.select_related("source"))
    return Message.objects.visible_to(get_caller(request)).filter(conversation=pk).prefetch_related(citations)


@router.patch("/conversations/{uuid:pk}", auth=_WRITE, response=ConversationOut, tags=["conversations"])
def rename_conversation(request: HttpRequest, pk: UUID, payload: ConversationChange) -> Conversation:
    conversation = get_object_or_404(Conversation.objects.visible_to(get_caller(request)), pk=pk)
    Conversation.objects.filter(pk=conversation.pk).update(
        title=payload.title, title_origin=Conversation.TitleOrigin.PERSON
    )
    return get_object_or_404(Conversation.objects.visible_to(get_caller(request)), pk=pk)


@router.delete("/conversations/{uuid:pk}", auth=_WRITE, response={204: None}, tags=["conversations"])
def remove_conversation(request: HttpRequest, pk: UUID) -> Status[None]:
    """Delete the conversation with its answers. On the page its owner can restore it for an hour."""
    conversation = get_object_or_404(Conversation.objects.visible_to(get_caller(request)), pk=pk)
    conversation_actions.delete_conversations(get_caller(request), [conversation.pk])
    return Status(204, None)


def check_readable(user: User, chosen: list[UUID]) -> None:
    """Raise Http404 if the user may not read one of the collections `chosen`."""
    if Collection.objects.visible_to(user).filter(pk__in=chosen).count() != len(set(chosen)):
        raise Http404
