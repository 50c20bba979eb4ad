"""Translation of a model server's errors into the error tree. The server's own text is never shown or logged: it may
quote the prompt."""

from __future__ import annotations

from typing import Any

import orjson

from apps.engines.busy_retries import read_retry_after
from apps.engines.types import EngineBroken, EngineBusy, EngineError, EngineRefused, EngineUnavailable

AWAY = "The model server does not answer."
SLOW = "The model server took too long."
CUT_OFF = "The connection to the model server broke in the middle of the answer."
UNREADABLE = "The model server sent an invalid answer."
TOO_LONG = "The question and its sources are longer than the model can read at once."
NO_BEAMS = "This model does not support this number of beams. Clear “Beams” under Advanced, or choose another model."
_BUSY = "The model server is busy."
KEY = "The model server does not accept the key that is configured for it."
_MODEL = "The model server does not serve the model that is configured."
REFUSED = "The model server refused the request."
_CONTEXT_SIGNS = (
    "context_length",
    "context length",
    "maximum context",
    "max_model_len",
    "max_tokens",
    "too many tokens",
    "too long",
)


def error_from_status(status: int, body: bytes, retry_after: str | None = None) -> EngineError:
    """Return the error for a response whose status is not 200. `retry_after`: its header Retry-After."""
    if status in (429, 503):
        return EngineBusy(_BUSY, read_retry_after(retry_after))
    if status in (408, 504, 500, 502):
        return EngineUnavailable(AWAY if status != 408 else SLOW)
    if status in (401, 403):
        return EngineRefused(KEY)
    if status in (400, 404, 413, 422):
        return _refusal(status, _text(body))
    if 300 <= status < 400:
        return EngineBroken("The address of the model server is wrong: it redirects elsewhere.")
    return EngineBroken(UNREADABLE)


def error_from_event(error: Any) -> EngineError:
    """Return the error for an error event inside a stream that had begun well."""
    details = error if isinstance(error, dict) else {"message": str(error)}
    code = details.get("code")
    if isinstance(code, int) and 400 <= code < 600:
        return error_from_status(code, orjson.dumps({"error": details}))
    if _about_context(str(details.get("message", "")), str(code)):
        return EngineRefused(TOO_LONG)
    return EngineUnavailable(CUT_OFF)


def _refusal(status: int, text: str) -> EngineError:
    if status == 413 or _about_context(text):
        return EngineRefused(TOO_LONG)
    lower = text.casefold()
    if status == 404 and ("model" in lower or "not exist" in lower):
        return EngineRefused(_MODEL)
    if status == 404:
        return EngineBroken("The address of the model server is wrong: no chat API was found there.")
    return EngineRefused(REFUSED)


def _about_context(*texts: str) -> bool:
    return any(sign in text.casefold() for text in texts for sign in _CONTEXT_SIGNS)


def _text(body: bytes) -> str:
    return body[:20_000].decode("utf-8", "replace")
