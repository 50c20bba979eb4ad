"""What of a conversation stays back when it leaves, as an export or by a link: what the gate holds at that stage.

Each answer, with what leaves beside its text, and for readers of a link each question too, has its own verdict, and
so has each picture. What stays back is named with its clause; a reviewer looks at what the policy wants seen, and
what one allows is there again. Only for threads that may use the database, outside of a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.conversations.attachments.queries import AttachedPictureView
from apps.conversations.attachments.review import CASE_KIND as ATTACHED
from apps.conversations.models import Conversation, Message
from apps.conversations.models.attachment import AttachedPicture
from apps.images.moderation.cases import KIND as PICTURE
from apps.safety import code_labels
from apps.safety.gate import exports
from apps.safety.gate.exports import ExportVerdict
from apps.safety.models import Case
from apps.safety.moderation import cases
from apps.safety.moderation.reviewable import read_stored_bytes
from apps.safety.policy.evaluation import UNCHECKED
from apps.safety.policy.schema import Stage

if TYPE_CHECKING:
    from apps.conversations.core.message_tree import Exchange
    from apps.conversations.image_chat.tiles import Tile

_REASON = 400  # Message.reason


@dataclass(frozen=True, slots=True)
class WithholdReason:
    """Why a message stays back."""

    code: str
    words: str


def check_answers(
    stage: Stage, owner: int | None, rows: Iterable[Message], beside: Mapping[UUID, Sequence[str]]
) -> dict[UUID, WithholdReason]:
    """Those of the answers that stay back, for their text or for what leaves `beside` it: quotes, results of tools."""
    parts = [(row, row.pk, "answer", text) for row in rows for text in (row.text, *beside.get(row.pk, ()))]
    return _held(stage, owner, parts)


def check_exchanges(stage: Stage, owner: int | None, way: Sequence[Exchange]) -> dict[UUID, WithholdReason]:
    """Questions and answers that stay back."""
    asked = [(item.question, item.answer.pk, "question", item.question.text) for item in way if item.answer]
    said = [(item.answer, item.answer.pk, "answer", item.answer.text) for item in way if item.answer]
    return _held(stage, owner, [*asked, *said])


def check_title(stage: Stage, place: Conversation) -> str:
    """What the conversation is called where it leaves: "" where the gate holds that. Its person can give it another.
    Of one's own words an export holds nothing back."""
    if not place.title or (stage is Stage.EXPORT and place.titled != Conversation.Titled.MODEL):
        return str(place)
    (left,) = exports.check_texts(stage, [place.title])
    return place.title if left.allowed else ""


def blank_message(row: Message, back: Mapping[UUID, WithholdReason]) -> None:
    """Nothing of what it said is left in it, in memory alone; what stands in its place says why. Nothing where it does
    not stay back."""
    found = back.get(row.pk)
    if found is None:
        return
    row.text, row.quotes, row.tools, row.steps, row.links, row.draws = "", [], [], [], [], {}
    row.usage = {name: value for name, value in row.usage.items() if name != "thoughts"}
    row.status, row.reason = Message.Status.WITHHELD, found.words[:_REASON]
    row.retracted = timezone.now()


def check_pictures(stage: Stage, tiles: Mapping[UUID, Sequence[Tile]]) -> dict[UUID, list[Tile]]:
    """Of finished pictures that stay back only why."""
    return {pk: [replace(tile, back=_stays(stage, tile)) for tile in some] for pk, some in tiles.items()}


def check_attachments(
    stage: Stage, given: Mapping[UUID, tuple[AttachedPictureView, ...]]
) -> dict[UUID, tuple[AttachedPictureView, ...]]:
    """Those that stay back as held, with why."""
    return {pk: tuple(_seen(stage, item) for item in items) for pk, items in given.items()}


def _held(
    stage: Stage, owner: int | None, parts: Sequence[tuple[Message, UUID, str, str]]
) -> dict[UUID, WithholdReason]:
    parts = [one for one in parts if one[-1] and not one[0].retracted]
    found = exports.check_texts(stage, [text for *_, text in parts]) if parts else []
    for (_, answer, kind, _), left in zip(parts, found, strict=True):
        _flag(kind, answer, owner, left)
    pairs = zip(parts, found, strict=True)
    return {row.pk: WithholdReason(left.code, _words(stage, left)) for (row, *_), left in pairs if not left.allowed}


def _flag(kind: str, subject: UUID, owner: int | None, left: ExportVerdict) -> None:
    """A case is open where the policy asks for people, once for each time that it is judged."""
    if left.fresh is not None and left.fresh.outcome.reviewed:
        with transaction.atomic():
            cases.flag_evaluated(kind, subject, owner, left.fresh)


def _words(stage: Stage, left: ExportVerdict, picture: bool = False) -> str:
    if left.code == UNCHECKED:
        return gettext("This part is left out: the safety check is not available right now. Try again in a moment.")
    clause = {"clause": code_labels.clause_label(left.code)}
    if picture and stage is Stage.SHARE:
        said = gettext("This picture is withheld from readers of a link, under the clause “%(clause)s”.") % clause
    elif picture:
        said = gettext("This picture is withheld from exports, under the clause “%(clause)s”.") % clause
    elif stage is Stage.SHARE:
        said = gettext("This part is withheld from readers of a link, under the clause “%(clause)s”.") % clause
    else:
        said = gettext("This part is withheld from exports, under the clause “%(clause)s”.") % clause
    seen = gettext("A reviewer looks at it; once it is allowed, it is there.")
    return f"{said} {seen}" if left.outcome.reviewed else said


def _stays(stage: Stage, tile: Tile) -> str:
    row = tile.row
    if row.status != row.Status.READY or not row.sha256:
        return ""
    shown = row.sha256, row.prompt, lambda: read_stored_bytes(row.file)
    return _back(stage, (PICTURE, row.pk, row.owner_id), shown, row.pictogram)


def _seen(stage: Stage, item: AttachedPictureView) -> AttachedPictureView:
    if item.held:
        return item
    owner = AttachedPicture.objects.filter(pk=item.id).values_list("owner", flat=True).first()
    shown = item.sha256, item.text, lambda: Path(item.path).read_bytes()
    words = _back(stage, (ATTACHED, item.id, owner), shown)
    return replace(item, status=AttachedPicture.Status.HELD, reason=words) if words else item


def _back(
    stage: Stage,
    thing: tuple[str, UUID, int | None],
    seen: tuple[str, str, Callable[[], bytes]],
    pictogram: bool = False,
) -> str:
    """Why a picture stays back; "" where it leaves. A case is its owner's, whoever it is shown to."""
    kind, pk, owner = thing
    left = exports.check_picture(stage, *seen, pictogram)
    seeks = left.outcome.reviewed and left.fresh is None
    if seeks and not Case.objects.filter(kind=kind, subject=str(pk)).exists():
        left = exports.check_picture(
            stage, *seen, pictogram, anew=True
        )  # it was judged for somebody else's, or long ago
    if (left.allowed and not left.outcome.reviewed) or cases.is_allowed(kind, pk):
        return ""
    _flag(kind, pk, owner, left)
    return "" if left.allowed else _words(stage, left, picture=True)
