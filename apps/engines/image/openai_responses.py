"""Parser of answers and errors of picture servers of the OpenAI protocol."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from apps.engines.image.validation import open_upright
from apps.engines.types import EngineBroken, EngineBusy, EngineError, EngineRefused, EngineUnavailable
from apps.lib.text import message_templates

if TYPE_CHECKING:
    from PIL.Image import Image

_UNREADABLE = "The picture server's answer cannot be read."
_NO_PICTURE = "The picture server’s answer contains no picture."
# Codes, types and words of servers for a violation of their own rules, and for an exhausted account.
_RULES = ("content_policy", "moderation", "content_filter", "safety system", "responsibleai", "nsfw")
_QUOTA = ("insufficient_quota", "billing", "quota_exceeded", "credit")
_LONGEST = 20_000  # bytes of a refusal that are read


def parse_response(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`. Raise EngineBroken if it is none."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EngineBroken(_UNREADABLE) from error
    if not isinstance(answer, dict):
        raise EngineBroken(_UNREADABLE)
    return answer


def extract_picture(answer: dict[str, Any]) -> tuple[str, str]:
    """Return (picture in base64, "") or ("", address). Raise EngineBroken if the answer has neither."""
    try:
        first = answer["data"][0]
        encoded, address = first.get("b64_json"), first.get("url")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise EngineBroken(_NO_PICTURE) from error
    if isinstance(encoded, str) and encoded:
        return encoded, ""
    if not isinstance(address, str) or not address:
        raise EngineBroken(_NO_PICTURE)
    return (address, "") if address.startswith("data:") else ("", address)


def decode_base64(encoded: str) -> bytes:
    """Return the bytes of a base64 text, with line breaks or as a `data:` URL. Raise EngineBroken if it is invalid."""
    plain = encoded.partition(",")[2] if encoded.startswith("data:") else encoded
    try:
        return base64.b64decode("".join(plain.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise EngineBroken(_NO_PICTURE) from error


def open_picture(content: bytes) -> Image:
    """Return the picture as RGB. Raise EngineBroken for anything else."""
    try:
        return open_upright(content)
    except EngineRefused as error:
        raise EngineBroken("The picture server sent a file that is not a picture.") from error


def build_refusal(status: int, body: bytes, part: bool) -> EngineError:
    """Return the error for an answer whose status is not 200. `part`: the request was for a region of a picture."""
    text = body[:_LONGEST].decode(errors="replace").casefold()
    if status == 429 and any(sign in text for sign in _QUOTA):
        return EngineRefused("The account at the picture server has no credit left. Tell an administrator.")
    if status in (429, 503):
        return EngineBusy("The picture server is busy. It is tried again later.")
    if status in (401, 403) and not _by_rules(text):
        return EngineRefused("The picture server does not accept the key. An administrator must set IMAGE_API_KEY.")
    if part and status in (404, 405):
        return EngineRefused("The picture server cannot change a part of a picture.")
    if status in (404, 405):
        return EngineRefused("The picture server does not have this model. An administrator must check IMAGE_MODEL.")
    if 400 <= status < 500 and status != 408:
        if _by_rules(text):
            return EngineRefused("The rules of the picture server do not allow this picture. Change the description.")
        return EngineRefused(message_templates.PICTURE_REFUSED % {"status": status})
    return EngineUnavailable(message_templates.PICTURE_FAILED % {"status": status})


def _by_rules(text: str) -> bool:
    return any(sign in text for sign in _RULES)
