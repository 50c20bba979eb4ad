"""Turning to another branch of a conversation, rewording a question, and going on with a part of it elsewhere."""

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
from apps.conversations.models import Citation, Conversation, Message, Retrieved, Source, Trace
from apps.conversations.moderation import cases, retraction
from apps.conversations.turns import trace
from apps.lib.ids import new_id
from apps.safety.models.strictness import Strictness
from apps.safety.policy.verdicts import EvaluationRecord
from apps.users.models import User

MAX_TITLE_CHARACTERS = 120  # Conversation.title
_FORK = " (fork)"  # as English says it, and as titles had it in every language


def select_branch(place: Conversation, at: UUID | None) -> None:
    """The path through that message is the one that is remembered."""
    if passed := find_branch_changes(find_path(place.messages.all(), at)):
        Message.objects.filter(pk__in=passed).update(chosen=timezone.now())


def get_rewording_level(user: User, pk: UUID) -> Strictness:
    """How strictly another wording of that question is judged. Raises Refused where it is not there."""
    place = Conversation.objects.visible_to(user).with_assistant().filter(messages=pk).first()
    if place is None:
        raise RequestRefused(gettext("That question is no longer there. Reload the page."))
    return assistant_choice.resolve_level(user, place)


def reword_question(user: User, pk: UUID, text: str, judged: EvaluationRecord | None = None) -> None:
    """The question says something else, and its answers stay. Raises Refused while one of them is being written, and
    where the question is not there. The gate has let the text through; where it wants people to see it, the case is
    that of the turn."""
    with transaction.atomic():
        question = Message.objects.visible_to(user).filter(pk=pk, role=Message.Role.USER).first()
        if question is None:
            raise RequestRefused(gettext("That question is no longer there. Reload the page."))
        if question.children.filter(status=Message.Status.WRITING).exists():
            raise RequestRefused(gettext("An answer to this question is still being written. Wait for it, or stop it."))
        if question.retracted:
            raise RequestRefused(QUESTION_WITHHELD)
        Message.objects.filter(pk=question.pk).update(text=text, edited=timezone.now(), origin=None)
        copies = Message.objects.filter(origin=question.pk)  # of what it said; still of one another
        if (first := copies.order_by("pk").values_list("pk", flat=True).first()) is not None:
            copies.update(origin=first)
        answer = question.children.order_by("created").values_list("pk", flat=True).last()
        if answer and judged and judged.outcome.reviewed:
            cases.open_case(answer, user.pk, judged)


def fork_conversation(user: User, place: Conversation, at: UUID | None) -> Conversation | None:
    """A conversation of its own that holds the path down to that answer, or all of it, with all it stands on; None
    where there is nothing to hold. Answers that are still being written are left behind."""
    way = find_path(place.messages.all(), at)
    until = next((number for number, item in enumerate(way, 1) if item.answer and item.answer.pk == at), len(way))
    kept = [item for item in way[:until] if item.answer and item.answer.status != Message.Status.WRITING]
    if not kept:
        return None
    words = gettext("%(title)s (fork)")
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
    """These exchanges and the title are as they are now, without what was taken back since they were read, and nothing
    of them is taken back until the transaction ends. What is kept back in memory alone stays so."""
    retraction.lock_conversations([place.pk])
    place.refresh_from_db(fields=["title", "titled"])
    rows = {row.pk: row for item in way for row in (item.question, item.answer) if row and not row.retracted}
    for now in Message.objects.filter(pk__in=rows):
        for field in now._meta.concrete_fields:
            setattr(rows[now.pk], field.attname, getattr(now, field.attname))


def copy_exchanges(new: Conversation, way: Sequence[Exchange], *, with_sources: bool = True) -> None:
    """The exchanges are in the conversation, as its owner's. Call inside a transaction, after `hold`."""
    own = all(item.question.asked_by_id == new.owner_id for item in way)
    old = [row for item in way for row in (item.question, item.answer) if row is not None]
    ids = {row.pk: new_id() for row in old}
    said = {row.pk: ids[row.pk] for row in old if not row.retracted}  # of the others there is nothing to stand on
    attached = queries.load_by_question(ids) if own else {}
    drawn = Message.pictures.through.objects.filter(message__in=ids).order_by("pk") if own else ()
    above: UUID | None = None
    for row in old:
        created, answer = row.created, row.pk
        row.pk, row.conversation, row.parent_id, row.continues_id = ids[answer], new, above, None
        row.client_id, row.chosen, row.asked_by_id = "", None, new.owner_id
        row.origin = row.origin or answer
        if not own:
            row.steps = []  # they name collections that were searched
            row.tools = []  # what they gave was for whoever asked
            row.usage = {name: value for name, value in row.usage.items() if name != "thoughts"}  # not in a link
        if not with_sources:
            row.quotes = []
        row.save(force_insert=True)
        Message.objects.filter(pk=row.pk).update(created=created)  # when it was written first; only an update says so
        above = row.pk
    _traces(said, whole=own)
    for link in drawn:  # pictures are their maker's: whoever copies a shared conversation has none of them
        tiled.add_tiles(ids[link.message_id], [link.picture_id])
    for question, pictures in attached.items():
        queries.attach_to_question(ids[question], pictures)
    twins = _sources(new, ids, said) if with_sources else None
    retraction_copy.copy_retractions(ids, twins, whole=own)


def _traces(ids: dict[UUID, UUID], *, whole: bool) -> None:
    """What lies behind the answers, as far as its new owner may see it."""
    rows = Trace.objects.filter(answer__in=ids)
    data = ((ids[row.answer_id], bytes(row.data)) for row in rows)
    Trace.objects.bulk_create(
        Trace(
            answer_id=answer,
            data=kept if whole else trace.pack_trace(trace.redact_for_readers(trace.unpack_trace(kept))),
        )
        for answer, kept in data
    )


def _sources(new: Conversation, ids: dict[UUID, UUID], said: dict[UUID, UUID]) -> dict[int, int]:
    """The sources of the answers under their old numbers, how they were found, and what stands on them; the keys of
    the new ones by those of the old."""
    retrieved = list(Retrieved.objects.filter(answer__in=ids))
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
    Retrieved.objects.bulk_create(retrieved)
    Citation.objects.bulk_create(cited)
    return {old: row.pk for old, row in twins.items()}
