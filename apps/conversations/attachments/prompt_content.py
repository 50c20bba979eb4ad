"""Give the model attached pictures: the pictures themselves if it has vision, else their text and caption.

Recognised text and captions pass the gate as the user's input. The worker recognises and captions; a turn waits for
what its model needs, for MAX_WAIT_S at most.

Entry points: `load_for_model`, `select_for_prompt`, `write_prompt_notes`, `emit_picture_step`.
"""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext, ngettext

from apps.conversations.attachments import queries
from apps.conversations.core.attached_picture import AttachedPictureView
from apps.engines import registry
from apps.engines.types import EngineRefused
from apps.lib.concurrency.threads import in_db, in_pool
from apps.safety.text.prompt_tokens import escape_template_tokens
from apps.users.i18n import translate_stored

if TYPE_CHECKING:
    from apps.conversations.core.turn_input import PastExchange, TurnInput
    from apps.conversations.core.turn_progress import TurnProgress
    from apps.conversations.moderation.findings import Findings

MAX_SIDE = 1024  # pixels of the longer side of an encoded picture
_LEAST = 32  # pixels of the shorter side: vision encoders refuse less
TOKENS_PER_PICTURE = 1400  # tokens of an encoded picture at most, at 28 x 28 pixels a token
MAX_WAIT_S = 60.0  # seconds that a question waits for the text in its pictures
MAX_PICTURES = 4  # pictures of a whole request; the latest are kept
MAX_NOTE_CHARACTERS = 3_000  # characters of the text of one picture in a prompt
_POLL_S = 0.4  # seconds between queries


async def load_for_model(
    turn_input: TurnInput, progress: TurnProgress, findings: Findings
) -> tuple[AttachedPictureView, ...]:
    """Return the pictures of the question with text and captions, which have passed the gate; () if it has none.

    Raise Withheld, and EngineRefused if a picture is gone or held for review.
    """
    if not turn_input.attached:
        return ()
    start = time.perf_counter()
    blind = not has_vision(turn_input.model)
    attached = await _wait_for_recognition(turn_input.attached, progress, sees=not blind)
    for item in attached:
        for checked_text in filter(None, (item.text, item.caption if blind else "")):
            await findings.check_input(checked_text)
    progress.record_times(see=(time.perf_counter() - start) * 1000)
    return attached


def has_vision(model: str) -> bool:
    """Return whether the model of that name is declared to accept pictures."""
    known = registry.get_chat_model(model)
    return known is not None and known.supports_pictures


async def emit_picture_step(attached: Sequence[AttachedPictureView], progress: TurnProgress, *, sees: bool) -> None:
    """Emit the step that says what the model is given of the pictures."""
    if attached:
        await progress.emit_step("see", describe_for_page(attached, sees=sees), progress.timings.get("see"))


async def _wait_for_recognition(
    attached: Sequence[AttachedPictureView], progress: TurnProgress, *, sees: bool
) -> tuple[AttachedPictureView, ...]:
    ids, start = [item.id for item in attached], time.perf_counter()
    is_announced = False
    while True:
        found = await in_db(queries.reload_pictures, ids)
        if len(found) != len(ids) or any(item.held for item in found):
            raise EngineRefused(
                "A picture that you attached is no longer available or is held for review. Ask without it."
            )
        if not any(item.due(sees=sees) for item in found) or time.perf_counter() - start > MAX_WAIT_S:
            return found
        if not is_announced:
            await progress.emit_step("see", gettext("Reading the text in the attached pictures"))
            is_announced = True
        await asyncio.sleep(_POLL_S)


def describe_for_page(attached: Sequence[AttachedPictureView], *, sees: bool) -> str:
    """Return words for the user about what the model is given of the pictures."""
    many = len(attached)
    if sees:
        return ngettext("The model sees the picture.", "The model sees the %(n)s pictures.", many) % {"n": many}
    words = _describe_unseen(attached)
    if why := next((item.caption_problem for item in attached if item.caption_problem), ""):
        words += " " + gettext("A description is missing: %(why)s") % {"why": translate_stored(why)}
    return words


def _describe_unseen(attached: Sequence[AttachedPictureView]) -> str:
    count = f"{sum(len(item.text) for item in attached):,}"
    match any(item.text for item in attached), any(item.caption for item in attached):
        case True, True:
            return gettext(
                "This model cannot see pictures. It received the text that was recognised in the attached ones "
                "(%(count)s characters), another model's description, and names and sizes."
            ) % {"count": count}
        case True, False:
            return gettext(
                "This model cannot see pictures. It received the text that was recognised in the attached ones "
                "(%(count)s characters), and names and sizes."
            ) % {"count": count}
        case False, True:
            return gettext(
                "This model cannot see pictures, and no text was recognised in the attached ones. It received "
                "another model's description, and names and sizes."
            )
    return gettext(
        "This model cannot see pictures, and no text was recognised in the attached ones. It knows only names and "
        "sizes."
    )


async def select_for_prompt(
    past_exchanges: Sequence[PastExchange], attached: Sequence[AttachedPictureView], *, sees: bool
) -> tuple[tuple[PastExchange, ...], tuple[str, ...]]:
    """Return the history with notes on its pictures, and the encoded pictures of this question.

    For a model with vision, the latest MAX_PICTURES pictures of the whole request are encoded.
    """
    own = await encode_pictures(attached) if sees else ()
    left, history = MAX_PICTURES - len(own), list(past_exchanges)
    for at in reversed(range(len(history))):
        past = history[at]
        if past.attached:
            pictures = await encode_pictures(past.attached) if sees and left >= len(past.attached) else ()
            left -= len(pictures)
            history[at] = replace(
                past, notes=(*past.notes, *write_prompt_notes(past.attached, sees=bool(pictures))), pictures=pictures
            )
    return tuple(history), own


def write_prompt_notes(attached: Sequence[AttachedPictureView], *, sees: bool) -> tuple[str, ...]:
    """Return one prompt line per picture with its name, size and, without vision, text and caption."""
    return tuple(_note(number, item, sees) for number, item in enumerate(attached, 1) if not item.held)


def _note(number: int, item: AttachedPictureView, sees: bool) -> str:
    name = " ".join(escape_template_tokens(item.name).split())
    known = f"Attached picture {number}: {name}, {item.width} x {item.height} pixels."
    if sees:
        return known
    text, caption = _quoted(item.text), _quoted(item.caption)
    shows = f' Another model says that it shows: "{caption}"' if caption else ""
    if text:
        return f'{known} You cannot see it.{shows} Text recognised in it: "{text}"'
    return f"{known} You cannot see it, and no text was recognised in it.{shows}"


def _quoted(text: str) -> str:
    return " ".join(escape_template_tokens(text).split())[:MAX_NOTE_CHARACTERS].replace('"', "'")


async def encode_pictures(attached: Sequence[AttachedPictureView]) -> tuple[str, ...]:
    """Return the pictures as JPEG data URLs; those held, or whose file is gone, are left out."""
    found = [await in_pool(_encode, item.path) for item in attached if not item.held]
    return tuple(filter(None, found))


def _encode(path: str) -> str:
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG", "JPEG"]) as file:  # written by `image_reader.py`, so only these formats
            picture = file.convert("RGB")
    except OSError:
        return ""
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    if min(picture.size) < _LEAST:
        larger = Image.new("RGB", (max(_LEAST, picture.width), max(_LEAST, picture.height)), "white")
        larger.paste(picture)
        picture = larger
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
