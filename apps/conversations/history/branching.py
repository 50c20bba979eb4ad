"""Select a branch of a conversation, reword a question, fork a conversation, and copy exchanges.

Entry points: `select_branch`, `reword_question`, `fork_conversation`, `copy_exchanges`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.conversations.assistants import assistant_choice
from apps.conversations.attachments import queries
from apps.conversations.core.message_tree import Exchange, find_branch_changes, find_path
from apps.conversations.errors import QUESTION_WITHHELD, RequestRefused
from apps.conversations.image_chat import tiles as tiled
from apps.conversations.models import (
    AnswerTrace,
    Citation,
    Conversation,
    Message,
    RetractedMessage,
    RetrievedPassage,
    Source,
)
from apps.conversations.moderation import message_cases, retraction
from apps.conversations.turns import trace
from apps.lib.db.permissions import require_row
from apps.lib.ids import new_id
from apps.safety.models.strictness import Strictness
from apps.safety.policy.verdicts import EvaluationRecord
from apps.users.models import User

MAX_TITLE_CHARACTERS = 120  # Conversation.title
_FORK = " (fork)"  # English suffix, which older titles have in every language


def select_branch(user: User, conversation: Conversation, through: UUID | None) -> None:
    """Remember the path through the message `through`; None: the path taken last.

    Raise PermissionDenied if the conversation is not the user's.
    """
    require_row(Conversation.objects.visible_to(user), conversation.pk)
    if changes := find_branch_changes(find_path(conversation.messages.all(), through)):
        Message.objects.filter(pk__in=changes).update(chosen=timezone.now())


def get_rewording_level(user: User, pk: UUID) -> Strictness:
    """Return the strictness for another wording of the question.

    Raise RequestRefused if it is not the user's. For `in_db`.
    """
    conversation = Conversation.objects.visible_to(user).with_assistant().filter(messages=pk).first()
    if conversation is None:
        raise RequestRefused(gettext("This question is no longer available. Reload the page."))
    return assistant_choice.resolve_level(user, conversation)


def reword_question(user: User, pk: UUID, text: str, evaluation: EvaluationRecord | None = None) -> None:
    """Replace the text of the user's question in one transaction; its answers stay.

    The gate must have allowed the text. If `evaluation` asks for a review, a case of the turn is opened. Raise
    RequestRefused if the question is gone, retracted, or being answered. For `in_db`.
    """
    with transaction.atomic():
        question = Message.objects.visible_to(user).filter(pk=pk, role=Message.Role.USER).first()
        if question is None:
            raise RequestRefused(gettext("This question is no longer available. Reload the page."))
        if question.children.filter(status=Message.Status.WRITING).exists():
            raise RequestRefused(gettext("An answer to this question is still being written. Wait for it, or stop it."))
        if question.retracted:
            raise RequestRefused(QUESTION_WITHHELD)
        Message.objects.filter(pk=question.pk).update(text=text, edited=timezone.now(), origin=None)
        copies = Message.objects.filter(origin=question.pk)  # they keep the earlier text
        if (first := copies.order_by("pk").values_list("pk", flat=True).first()) is not None:
            copies.update(origin=first)
        answer = question.children.order_by("created").values_list("pk", flat=True).last()
        if answer and evaluation and evaluation.result.reviewed:
            message_cases.open_case(answer, user.pk, evaluation)


def fork_conversation(user: User, conversation: Conversation, through: UUID | None) -> Conversation | None:
    """Create a conversation with a copy of the path down to the answer `through`, or all of it, in one transaction.

    Sources, traces and pictures are copied too; answers being written are left out. Return None if there is nothing to
    copy. Raise PermissionDenied if the conversation is not the user's.
    """
    require_row(Conversation.objects.visible_to(user), conversation.pk)
    path = find_path(conversation.messages.all(), through)
    until = next(
        (number for number, item in enumerate(path, 1) if item.answer and item.answer.pk == through), len(path)
    )
    completed = [item for item in path[:until] if item.answer and item.answer.status != Message.Status.WRITING]
    if not completed:
        return None
    words = gettext("%(title)s (branch)")
    room = MAX_TITLE_CHARACTERS - len(words % {"title": ""})
    with transaction.atomic():
        lock_and_reload(conversation, completed)
        title = conversation.title.removesuffix(words % {"title": ""}).removesuffix(_FORK)
        new = Conversation.objects.create(
            owner=user,
            assistant=conversation.assistant,
            title=words % {"title": title[:room]},
            title_origin=conversation.title_origin,
            chosen_collection_count=conversation.chosen_collection_count,
            model=conversation.model,
            sampling=conversation.sampling,
            filters=conversation.filters,
        )
        new.collections.set(conversation.collections.all())
        copy_exchanges(new, completed)
    return new


def lock_and_reload(conversation: Conversation, path: Sequence[Exchange]) -> None:
    """Lock the conversation, and reload its title and the messages of the exchanges. Must run inside a transaction.

    No message is retracted then until the transaction ends. Messages that were blanked in memory stay so.
    """
    retraction.lock_conversations([conversation.pk])
    conversation.refresh_from_db(fields=["title", "title_origin"])
    rows = {row.pk: row for item in path for row in (item.question, item.answer) if row and not row.retracted}
    for now in Message.objects.filter(pk__in=rows):
        for field in now._meta.concrete_fields:
            setattr(rows[now.pk], field.attname, getattr(now, field.attname))


def copy_exchanges(new: Conversation, path: Sequence[Exchange], *, with_sources: bool = True) -> None:
    """Copy the exchanges into the conversation as messages of its owner.

    Call inside a transaction, after `lock_and_reload`. Of another user's messages, steps, tool calls, reasoning and
    pictures are left out; without `with_sources`, sources and quotes too. Retractions are copied, so that a restore
    reaches the copies.
    """
    own = all(item.question.asked_by_id == new.owner_id for item in path)
    old = [row for item in path for row in (item.question, item.answer) if row is not None]
    ids = {row.pk: new_id() for row in old}
    visible_ids = {row.pk: ids[row.pk] for row in old if not row.retracted}  # retracted messages have no sources
    attached = queries.load_by_question(ids) if own else {}
    drawn = Message.pictures.through.objects.filter(message__in=ids).order_by("pk") if own else ()
    parent: UUID | None = None
    for row in old:
        created, answer = row.created, row.pk
        row.pk, row.conversation, row.parent_id, row.continues_id = ids[answer], new, parent, None
        row.client_id, row.chosen, row.asked_by_id = "", None, new.owner_id
        row.origin = row.origin or answer
        if not own:
            row.steps = []  # steps name collections that were searched
            row.tools = []  # tool results were for the user who asked
            row.usage = _drop_reasoning(row.usage)
        if not with_sources:
            row.quotes = []
        row.save(force_insert=True)
        Message.objects.filter(pk=row.pk).update(created=created)  # `save` sets the time of now
        parent = row.pk
    _copy_traces(visible_ids, is_own=own)
    for link in drawn:  # pictures belong to their owner: copies of a shared conversation have none
        tiled.add_tiles(ids[link.message_id], [link.picture_id])
    for question, pictures in attached.items():
        queries.attach_to_question(ids[question], pictures)
    source_copies = _copy_sources(new, ids, visible_ids) if with_sources else None
    _copy_retractions(ids, source_copies, is_own=own)


def _copy_traces(ids: dict[UUID, UUID], *, is_own: bool) -> None:
    """Copy the traces of the answers; unless `is_own`, only the part that readers of a link may see."""
    AnswerTrace.objects.bulk_create(
        AnswerTrace(answer_id=ids[row.answer_id], data=bytes(row.data) if is_own else _redact_trace(bytes(row.data)))
        for row in AnswerTrace.objects.filter(answer__in=ids)
    )


def _redact_trace(data: bytes) -> bytes:
    """Return the part of a packed trace that readers of a link may see."""
    return trace.pack_trace(trace.redact_for_readers(trace.unpack_trace(data)))


def _drop_reasoning(usage: dict[str, Any]) -> dict[str, Any]:
    """Return the usage without the mark of recorded reasoning, which is not shared."""
    return {name: value for name, value in usage.items() if name != "thoughts"}


def _copy_sources(new: Conversation, ids: dict[UUID, UUID], visible_ids: dict[UUID, UUID]) -> dict[int, int]:
    """Copy sources under their numbers, with retrieval records and citations. Return new source ids by old ones."""
    retrieved = list(RetrievedPassage.objects.filter(answer__in=ids))
    cited = list(Citation.objects.filter(answer__in=visible_ids))
    wanted = {row.source_id for row in retrieved} | {row.source_id for row in cited if row.source_id}
    wanted |= _find_cited_sources(ids)
    source_copies = {row.pk: row for row in Source.objects.filter(pk__in=wanted)}
    for source in source_copies.values():
        source.pk, source.conversation = None, new
    Source.objects.bulk_create(source_copies.values())
    for found in retrieved:
        found.pk, found.answer_id, found.source_id = None, ids[found.answer_id], source_copies[found.source_id].pk
    for cite in cited:
        cite.pk, cite.answer_id = None, ids[cite.answer_id]
        cite.source_id = source_copies[cite.source_id].pk if cite.source_id else None
    RetrievedPassage.objects.bulk_create(retrieved)
    Citation.objects.bulk_create(cited)
    return {old: row.pk for old, row in source_copies.items()}


def _find_cited_sources(copied: Iterable[UUID]) -> set[int]:
    """Return the ids of the sources that the retracted ones among these messages cite."""
    found = RetractedMessage.objects.filter(message__in=list(copied)).values_list("citations", flat=True)
    return {cite["source_id"] for citations in found for cite in citations if cite["source_id"]}


def _copy_retractions(ids: Mapping[UUID, UUID], source_copies: Mapping[int, int] | None, *, is_own: bool) -> None:
    """Copy the retracted content of the messages. Call inside the transaction of the copy.

    Unseen, so that a later restore reaches the copies too. `ids` maps originals to copies, `source_copies` old to new
    source ids (None if sources are not copied). `is_own` means that the copies belong to the user of the originals.
    """
    rows = RetractedMessage.objects.filter(message__in=list(ids))
    RetractedMessage.objects.bulk_create(_copy_retraction(row, ids, source_copies, is_own=is_own) for row in rows)


def _copy_retraction(
    row: RetractedMessage, ids: Mapping[UUID, UUID], source_copies: Mapping[int, int] | None, *, is_own: bool
) -> RetractedMessage:
    fields, record = dict(row.fields), bytes(row.trace)
    if not is_own:
        fields |= {"steps": [], "tools": [], "usage": _drop_reasoning(fields["usage"])}
        record = _redact_trace(record) if record else record
    if source_copies is None:
        fields["quotes"] = []
    cites = row.citations if source_copies is not None else []
    return RetractedMessage(
        message_id=ids[row.pk], fields=fields, trace=record,
        citations=[_copy_citation(cite, source_copies or {}) for cite in cites],
    )  # fmt: skip


def _copy_citation(cite: Mapping[str, Any], source_copies: Mapping[int, int]) -> dict[str, Any]:
    columns = {name: value for name, value in cite.items() if name != "id"}
    return columns | {"source_id": source_copies.get(columns["source_id"])}
