"""Turns that request pictures. Entry points: `find_picture_request`, `request_pictures`.

The turn ends once its pictures are queued. The worker draws them, whatever becomes of this process, and the page polls
the tiles.
"""

from __future__ import annotations

import time
from dataclasses import replace

from django.db import transaction
from django.utils.translation import gettext

from apps.conversations.attachments import queries
from apps.conversations.core import notifications, picture_request
from apps.conversations.core.events import Pictures
from apps.conversations.core.picture_request import SHAPES, ChatPictureRequest
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.core.turn_progress import TurnProgress
from apps.conversations.errors import RequestRefused
from apps.conversations.image_chat import tiles
from apps.conversations.moderation.findings import Findings
from apps.engines.types import EngineRefused
from apps.images.generation import model_info
from apps.images.library import gallery
from apps.images.models import Picture
from apps.images.requests import submission, upscaling
from apps.images.requests.forms import picture_size
from apps.images.requests.submission import PictureRequest
from apps.lib.concurrency.threads import in_db
from apps.safety.gate import gate
from apps.safety.models.strictness import Strictness
from apps.safety.policy.strictness import strictest_of
from apps.safety.policy.verdicts import Verdict, strictest_verdict
from apps.users.models import User
from apps.users.rate_limits import RateLimited


def find_picture_request(turn_input: TurnInput) -> ChatPictureRequest | None:
    """Return the picture request of the turn; None for a question."""
    rows = turn_input.rows
    record = rows[-1].picture_request if rows else {}
    if not record:
        return None
    return picture_request.resolve_picture_request(turn_input.text, picture_request.parse_options(record))


async def request_pictures(
    turn_input: TurnInput, progress: TurnProgress, findings: Findings, ask: ChatPictureRequest
) -> None:
    """Judge the prompt, queue the pictures and show their tiles. Raise Withheld, and EngineRefused if not possible.

    If the gate withholds the prompt, the review case is that of the pictures.
    """
    start = time.perf_counter()
    words = picture_request.parse_prompt(turn_input.text) or ""
    verdict = await _judged(findings, words, ask.negative)
    progress.record_times(check=(time.perf_counter() - start) * 1000)
    if ask.how == "upscale":  # nothing is drawn from the prompt, so no picture can have the case
        if not verdict.allowed:
            raise gate.Withheld(verdict)
        findings.record(verdict)
    try:
        rows = await in_db(_store_request, turn_input, findings.level, ask, words, verdict)
    except submission.PictureRequestRefused as refusal:
        if not verdict.allowed:
            raise gate.Withheld(verdict) from refusal
        findings.record(verdict)
        raise EngineRefused(str(refusal)) from refusal
    except (RequestRefused, RateLimited) as refusal:
        findings.record(verdict)
        raise EngineRefused(str(refusal)) from refusal
    await progress.sink.emit(Pictures(await in_db(tiles.render_answer_tiles, turn_input.answer_id, turn_input.user)))
    if not verdict.allowed:  # the picture has a case already; one is enough
        raise gate.Withheld(replace(verdict, evaluation=None))
    many = "1 picture" if len(rows) == 1 else f"{len(rows)} pictures"
    await progress.emit_step(
        "draw", gettext("Requested %(many)s") % {"many": many}, (time.perf_counter() - start) * 1000
    )
    await notifications.notify_conversation_changed(
        turn_input.user.pk, turn_input.conversation_id, str(turn_input.answer_id)
    )


async def _judged(findings: Findings, *texts: str) -> Verdict:
    """Return the strictest verdict.

    Findings without review are recorded with the turn; a review gets a case of the pictures.
    """
    verdicts = [await gate.check_question(text, level=findings.level) for text in filter(None, texts)]
    for verdict in verdicts:
        if verdict.allowed and not (verdict.evaluation and verdict.evaluation.result.reviewed):
            findings.record(verdict)
    return strictest_verdict(verdicts)


def _store_request(
    turn_input: TurnInput, level: Strictness, ask: ChatPictureRequest, words: str, verdict: Verdict
) -> list[Picture]:
    user = turn_input.user
    with transaction.atomic():
        if ask.how == "upscale":
            rows = [upscaling.request_upscale(user, _get_start_picture(user, ask), level)]
        else:
            request = _make_picture_request(user, ask, words)
            rows = submission.request_pictures(
                user, replace(request, level=strictest_of(level, request.level)), verdict
            )
        tiles.add_tiles(turn_input.answer_id, [row.pk for row in rows])
    return rows


def _make_picture_request(user: User, ask: ChatPictureRequest, words: str) -> PictureRequest:
    """Return the request for the picture queue. Raise RequestRefused if the picture to start from is gone."""
    if ask.parent is None or ask.how == "attached":
        model = model_info.get_model()
        across, down = SHAPES[ask.shape]
        width, height = picture_size(model, across, down)
        start = queries.read_content(user, ask.parent) if ask.parent else b""
        away = ask.negative if model.accepts_negative else ""
        return PictureRequest(words, away, ask.count, width, height, strength=ask.strength, start=start)
    parent = _get_start_picture(user, ask)
    if ask.how == "vary":
        return replace(gallery.make_variation(parent), prompt=words, count=ask.count)
    return replace(
        gallery.make_variation(parent),
        prompt=words,
        negative=ask.negative or parent.negative,
        count=ask.count,
        parent=parent,
        from_parent=True,
        strength=ask.strength,
        start=b"",
        mask=b"",
    )


def _get_start_picture(user: User, ask: ChatPictureRequest) -> Picture:
    """Return the user's picture to start from. Raise RequestRefused if it is gone or unfinished."""
    rows = Picture.objects.filter(owner=user).select_related("parent")
    parent = rows.filter(pk=ask.parent).first() if ask.parent else None
    if parent is None or (ask.how != "vary" and parent.status != Picture.Status.READY):
        raise RequestRefused(gettext("The starting picture is no longer available. Reload the page."))
    return parent
