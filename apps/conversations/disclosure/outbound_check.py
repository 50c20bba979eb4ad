"""Check what leaves a conversation, by export or shared link, and withhold what the policy stops at that stage.

Each answer (with its quotes and tool results), for links each question, and each picture has its own verdict. Withheld
parts are named with their clause. A review case is opened if the policy asks for one; once a reviewer allows the part,
it leaves.

Uses the database: call from database threads, outside a transaction. Entry points: `check_answers`, `check_exchanges`,
`check_title`, `check_pictures`, `check_attachments`, `blank_message`.
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

from apps.conversations.attachments.review import CASE_KIND as ATTACHED
from apps.conversations.core.attached_picture import AttachedPictureView
from apps.conversations.models import Conversation, Message
from apps.conversations.models.attachment import AttachedPicture
from apps.images.moderation.picture_cases import KIND as PICTURE
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
    """Clause code and words for the user about why a message is withheld."""

    code: str
    text: str


def check_answers(
    stage: Stage, owner: int | None, rows: Iterable[Message], extra_texts: Mapping[UUID, Sequence[str]]
) -> dict[UUID, WithholdReason]:
    """Return the answers to withhold, by id, for their text or `extra_texts` (quotes, tool results, reasoning)."""
    parts = [(row, row.pk, "answer", text) for row in rows for text in (row.text, *extra_texts.get(row.pk, ()))]
    return _judge_messages(stage, owner, parts)


def check_exchanges(stage: Stage, owner: int | None, path: Sequence[Exchange]) -> dict[UUID, WithholdReason]:
    """Return the questions and answers to withhold, by message id."""
    questions = [(item.question, item.answer.pk, "question", item.question.text) for item in path if item.answer]
    answers = [(item.answer, item.answer.pk, "answer", item.answer.text) for item in path if item.answer]
    return _judge_messages(stage, owner, [*questions, *answers])


def check_title(stage: Stage, conversation: Conversation) -> str:
    """Return the title of the conversation; "" if the gate withholds it.

    An export withholds only titles written by the model, since others are the user's own words.
    """
    if not conversation.title or (
        stage is Stage.EXPORT and conversation.title_origin != Conversation.TitleOrigin.MODEL
    ):
        return str(conversation)
    (verdict,) = exports.check_texts(stage, [conversation.title])
    return conversation.title if verdict.allowed else ""


def blank_message(row: Message, reasons: Mapping[UUID, WithholdReason]) -> None:
    """Empty the message in memory and put the reason in its place. Do nothing if it is not in `reasons`."""
    found = reasons.get(row.pk)
    if found is None:
        return
    row.text, row.quotes, row.tools, row.steps, row.links, row.picture_request = "", [], [], [], [], {}
    row.usage = {name: value for name, value in row.usage.items() if name != "thoughts"}
    row.status, row.reason = Message.Status.WITHHELD, found.text[:_REASON]
    row.retracted = timezone.now()


def check_pictures(stage: Stage, tiles: Mapping[UUID, Sequence[Tile]]) -> dict[UUID, list[Tile]]:
    """Return the tiles, with a `withhold_reason` for finished pictures to withhold."""
    return {
        pk: [replace(tile, withhold_reason=_judge_tile(stage, tile)) for tile in some] for pk, some in tiles.items()
    }


def check_attachments(
    stage: Stage, given: Mapping[UUID, tuple[AttachedPictureView, ...]]
) -> dict[UUID, tuple[AttachedPictureView, ...]]:
    """Return the attached pictures; those to withhold become held, with the reason."""
    return {pk: tuple(_judge_attachment(stage, item) for item in items) for pk, items in given.items()}


def _judge_messages(
    stage: Stage, owner: int | None, parts: Sequence[tuple[Message, UUID, str, str]]
) -> dict[UUID, WithholdReason]:
    parts = [one for one in parts if one[-1] and not one[0].retracted]
    found = exports.check_texts(stage, [text for *_, text in parts]) if parts else []
    reasons = {}
    for (row, answer, kind, _), verdict in zip(parts, found, strict=True):
        _flag_fresh(kind, answer, owner, verdict)
        if not verdict.allowed:
            reasons[row.pk] = WithholdReason(verdict.code, _describe_reason(stage, verdict))
    return reasons


def _flag_fresh(kind: str, subject: UUID, owner: int | None, verdict: ExportVerdict) -> None:
    """Open a case in a transaction of its own if the policy asks for a review; only for a fresh judgement."""
    if verdict.new_evaluation is not None and verdict.new_evaluation.result.reviewed:
        with transaction.atomic():
            cases.flag_evaluated(kind, subject, owner, verdict.new_evaluation)


def _describe_reason(stage: Stage, verdict: ExportVerdict, picture: bool = False) -> str:
    if verdict.code == UNCHECKED:
        return gettext(
            "This part is missing, because the safety check is not available right now. Try again in a moment."
        )
    clause = {"clause": code_labels.clause_label(verdict.code)}
    if picture and stage is Stage.SHARE:
        text = gettext("This picture is withheld from shared links, under the clause “%(clause)s”.") % clause
    elif picture:
        text = gettext("This picture is withheld from exports, under the clause “%(clause)s”.") % clause
    elif stage is Stage.SHARE:
        text = gettext("This part is withheld from shared links, under the clause “%(clause)s”.") % clause
    else:
        text = gettext("This part is withheld from exports, under the clause “%(clause)s”.") % clause
    review_note = gettext("A reviewer will check it. It appears here once it is released.")
    return f"{text} {review_note}" if verdict.result.reviewed else text


def _judge_tile(stage: Stage, tile: Tile) -> str:
    row = tile.row
    if row.status != row.Status.READY or not row.sha256:
        return ""
    shown = row.sha256, row.prompt, lambda: read_stored_bytes(row.file)
    return _judge_picture(stage, (PICTURE, row.pk, row.owner_id), shown, row.pictogram)


def _judge_attachment(stage: Stage, item: AttachedPictureView) -> AttachedPictureView:
    if item.held:
        return item
    owner = AttachedPicture.objects.filter(pk=item.id).values_list("owner", flat=True).first()
    shown = item.sha256, item.text, lambda: Path(item.path).read_bytes()
    words = _judge_picture(stage, (ATTACHED, item.id, owner), shown)
    return replace(item, status=AttachedPicture.Status.HELD, reason=words) if words else item


def _judge_picture(
    stage: Stage,
    subject: tuple[str, UUID, int | None],
    seen: tuple[str, str, Callable[[], bytes]],
    pictogram: bool = False,
) -> str:
    """Return the reason to withhold the picture; "" if it may leave.

    A case names the picture's owner, whoever sees it.
    """
    kind, pk, owner = subject
    verdict = exports.check_picture(stage, *seen, pictogram)
    seeks = verdict.result.reviewed and verdict.new_evaluation is None
    if seeks and not Case.objects.filter(kind=kind, subject=str(pk)).exists():
        # The stored verdict is of another user's copy of the picture, or old: judge again, to open a case.
        verdict = exports.check_picture(stage, *seen, pictogram, anew=True)
    if (verdict.allowed and not verdict.result.reviewed) or cases.is_allowed(kind, pk):
        return ""
    _flag_fresh(kind, pk, owner, verdict)
    return "" if verdict.allowed else _describe_reason(stage, verdict, picture=True)
