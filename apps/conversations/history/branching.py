"""Select a branch of a conversation, reword a question, fork a conversation, and copy exchanges.

Entry points: `select_branch`, `reword_question`, `fork_conversation`, `copy_exchanges`.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.conversations.assistants import assistant_choice
from apps.conversations.attachments import queries
from apps.conversations.core.message_tree import Exchange, find_branch_changes, find_path
from apps.conversations.core.requests import RequestRefused
from apps.conversations.errors import QUESTION_WITHHELD
from apps.conversations.history import retraction_copy
from apps.conversations.image_chat import tiles as tiled
from apps.conversations.models import AnswerTrace, Citation, Conversation, Message, RetrievedPassage, Source
from apps.conversations.moderation import cases, retraction
from apps.conversations.turns import trace
from apps.lib.db.permissions import require_row
from apps.lib.ids import new_id
from apps.safety.models.strictness import Strictness
from apps.safety.policy.verdicts import EvaluationRecord
from apps.users.models import User

MAX_TITLE_CHARACTERS = 120  # Conversation.title
_FORK = " (fork)"  # English suffix, which older titles have in every language


def select_branch(user: User, place: Conversation, at: UUID | None) -> None:
    """Make the path through the message the remembered one. Raise PermissionDenied if it is not the user's."""
    require_row(Conversation.objects.visible_to(user), place.pk)
    if passed := find_branch_changes(find_path(place.messages.all(), at)):
        Message.objects.filter(pk__in=passed).update(chosen=timezone.now())


def get_rewording_level(user: User, pk: UUID) -> Strictness:
    """Return the strictness for another wording of the question.

    Raise RequestRefused if it is not the user's. For `in_db`.
    """
    place = Conversation.objects.visible_to(user).with_assistant().filter(messages=pk).first()
    if place is None:
        raise RequestRefused(gettext("This question is no longer available. Reload the page."))
    return assistant_choice.resolve_level(user, place)


def reword_question(user: User, pk: UUID, text: str, judged: EvaluationRecord | None = None) -> None:
    """Replace the text of the user's question in one transaction; its answers stay.

    The gate must have allowed the text. If the verdict `judged` asks for a review, a case of the turn is opened. Raise
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
        if answer and judged and judged.outcome.reviewed:
            cases.open_case(answer, user.pk, judged)


def fork_conversation(user: User, place: Conversation, at: UUID | None) -> Conversation | None:
    """Create a conversation with a copy of the path down to the answer `at`, or all of it, in one transaction.

    Sources, traces and pictures are copied too; answers being written are left out. Return None if there is nothing to
    copy. Raise PermissionDenied if the conversation is not the user's.
    """
    require_row(Conversation.objects.visible_to(user), place.pk)
    way = find_path(place.messages.all(), at)
    until = next((number for number, item in enumerate(way, 1) if item.answer and item.answer.pk == at), len(way))
    kept = [item for item in way[:until] if item.answer and item.answer.status != Message.Status.WRITING]
    if not kept:
        return None
    words = gettext("%(title)s (branch)")
    room = MAX_TITLE_CHARACTERS - len(words % {"title": ""})
    with transaction.atomic():
        lock_and_reload(place, kept)
        title = place.title.removesuffix(words % {"title": ""}).removesuffix(_FORK)
        new = Conversation.objects.create(
            owner=user,
            assistant=place.assistant,
            title=words % {"title": title[:room]},
            titled=place.titled,
            narrow=place.narrow,
            model=place.model,
            sampling=place.sampling,
            filters=place.filters,
        )
        new.collections.set(place.collections.all())
        copy_exchanges(new, kept)
    return new


def lock_and_reload(place: Conversation, way: Sequence[Exchange]) -> None:
    """Lock the conversation, and reload its title and the messages of the exchanges. Must run inside a transaction.

    No message is retracted then until the transaction ends. Messages that were blanked in memory stay so.
    """
    retraction.lock_conversations([place.pk])
    place.refresh_from_db(fields=["title", "titled"])
    rows = {row.pk: row for item in way for row in (item.question, item.answer) if row and not row.retracted}
    for now in Message.objects.filter(pk__in=rows):
        for field in now._meta.concrete_fields:
            setattr(rows[now.pk], field.attname, getattr(now, field.attname))


def copy_exchanges(new: Conversation, way: Sequence[Exchange], *, with_sources: bool = True) -> None:
    """Copy the exchanges into the conversation as messages of its owner.

    Call inside a transaction, after `lock_and_reload`. Of another user's messages, steps, tool calls, reasoning and
    pictures are left out; without `with_sources`, sources and quotes too. Retractions are copied, so that a restore
    reaches the copies.
    """
    own = all(item.question.asked_by_id == new.owner_id for item in way)
    old = [row for item in way for row in (item.question, item.answer) if row is not None]
    ids = {row.pk: new_id() for row in old}
    said = {row.pk: ids[row.pk] for row in old if not row.retracted}  # retracted messages have no sources
    attached = queries.load_by_question(ids) if own else {}
    drawn = Message.pictures.through.objects.filter(message__in=ids).order_by("pk") if own else ()
    above: UUID | None = None
    for row in old:
        created, answer = row.created, row.pk
        row.pk, row.conversation, row.parent_id, row.continues_id = ids[answer], new, above, None
        row.client_id, row.chosen, row.asked_by_id = "", None, new.owner_id
        row.origin = row.origin or answer
        if not own:
            row.steps = []  # steps name collections that were searched
            row.tools = []  # tool results were for the user who asked
            # Reasoning is not shared.
            row.usage = {name: value for name, value in row.usage.items() if name != "thoughts"}
        if not with_sources:
            row.quotes = []
        row.save(force_insert=True)
        Message.objects.filter(pk=row.pk).update(created=created)  # `save` sets the time of now
        above = row.pk
    _copy_traces(said, whole=own)
    for link in drawn:  # pictures belong to their owner: copies of a shared conversation have none
        tiled.add_tiles(ids[link.message_id], [link.picture_id])
    for question, pictures in attached.items():
        queries.attach_to_question(ids[question], pictures)
    twins = _copy_sources(new, ids, said) if with_sources else None
    retraction_copy.copy_retractions(ids, twins, whole=own)


def _copy_traces(ids: dict[UUID, UUID], *, whole: bool) -> None:
    """Copy the traces of the answers; unless `whole`, only the part that readers of a link may see."""
    rows = AnswerTrace.objects.filter(answer__in=ids)
    data = ((ids[row.answer_id], bytes(row.data)) for row in rows)
    AnswerTrace.objects.bulk_create(
        AnswerTrace(
            answer_id=answer,
            data=kept if whole else trace.pack_trace(trace.redact_for_readers(trace.unpack_trace(kept))),
        )
        for answer, kept in data
    )


def _copy_sources(new: Conversation, ids: dict[UUID, UUID], said: dict[UUID, UUID]) -> dict[int, int]:
    """Copy sources under their numbers, with retrieval records and citations. Return new source ids by old ones."""
    retrieved = list(RetrievedPassage.objects.filter(answer__in=ids))
    cited = list(Citation.objects.filter(answer__in=said))
    wanted = {row.source_id for row in retrieved} | {row.source_id for row in cited if row.source_id}
    wanted |= retraction_copy.find_cited_sources(ids)
    twins = {row.pk: row for row in Source.objects.filter(pk__in=wanted)}
    for source in twins.values():
        source.pk, source.conversation = None, new
    Source.objects.bulk_create(twins.values())
    for found in retrieved:
        found.pk, found.answer_id, found.source_id = None, ids[found.answer_id], twins[found.source_id].pk
    for cite in cited:
        cite.pk, cite.answer_id = None, ids[cite.answer_id]
        cite.source_id = twins[cite.source_id].pk if cite.source_id else None
    RetrievedPassage.objects.bulk_create(retrieved)
    Citation.objects.bulk_create(cited)
    return {old: row.pk for old, row in twins.items()}
