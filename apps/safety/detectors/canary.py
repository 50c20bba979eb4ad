"""Canary: a token in the system prompt that no answer has a reason to contain; its appearance reveals a leak.

The token is derived from the site's secret, stored nowhere, and equal in every prompt and process. `detect_canary`
finds it and parts of it, plain or lightly encoded: case, spacing, signs between letters, reversed, base64, hexadecimal,
URL and HTML escapes. The policy decides what follows (clause `prompt_leak`).
"""

from __future__ import annotations

import base64
import hashlib
import html
import logging
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from django.conf import settings
from django.utils.crypto import salted_hmac

from apps.safety.detectors import timeouts
from apps.safety.policy.evaluation import Signal, SignalStatus
from apps.safety.text.normalization import fold_for_detection, map_spans_to_source
from apps.safety.text.redaction_marks import redact_spans

DETECTOR, CODE = "canary", "prompt_leak"
_SALT = "apps.safety.canary"  # must never change: stored prompts contain tokens derived with it
# Consonants, every second one rare: no language has six of them in a row by chance.
_COMMON, _RARE = "bcdfghjklmnpqrstvwxz", "jqvxz"
_LENGTH = 10
_PART = 6  # letters in a row that count as the token
_BETWEEN = r"[\W\d_]{0,4}"  # signs that may stand between two letters
_NOT_64 = re.compile(r"[^A-Za-z0-9+/]")
_NOT_16 = re.compile(r"[^0-9a-f]")
_WORD = re.compile(r"\S+")
FINGERPRINT = (
    f"canary-{hashlib.sha256(repr((_SALT, _COMMON, _RARE, _LENGTH, _PART, _BETWEEN)).encode()).hexdigest()[:16]}"
)

Span = tuple[int, int]


def canary_token() -> str:
    """Return the token of this site."""
    return _derive_token(settings.SECRET_KEY)


def find_spans(text: str, since: int = 0) -> list[Span]:
    """Return the spans of the token that end beyond `since`; unordered, may overlap."""
    spaced, _ = _patterns(canary_token())
    folded_spans = [match.span() for match in spaced.finditer(fold_for_detection(text))]
    spans = map_spans_to_source(text, folded_spans, fold_for_detection) if folded_spans else []
    if folded_spans and not spans:
        spans = [(0, len(text))]
    if _holds_encoded_token(text):
        spans += [word.span() for word in _WORD.finditer(text) if _holds_encoded_token(word.group())] or [
            (0, len(text))
        ]
    return [(start, end) for start, end in spans if end > since]


def detect_canary(text: str, since: int = 0) -> list[Signal]:
    """Return a signal if the text contains the token or the search took too long; else `[]`."""
    spans, ms = timeouts.measure_time(lambda: tuple(find_spans(text, since)))
    if timeouts.is_late(DETECTOR, ms):
        return [Signal(DETECTOR, FINGERPRINT, SignalStatus.TIMEOUT, {}, ms=ms)]
    return [Signal(DETECTOR, FINGERPRINT, SignalStatus.OK, {}, CODE, ms, spans)] if spans else []


def mask_canary(text: str) -> str:
    """Return the text with the token replaced by redaction marks of the same length; line breaks stay."""
    return redact_spans(text, find_spans(text))


def mask_reported(text: str, signals: Iterable[Signal]) -> str:
    """Return the judged text as it may be stored: without the token if the signals contain the canary."""
    return mask_canary(text) if any(signal.detector == DETECTOR for signal in signals) else text


class CanaryLogFilter(logging.Filter):
    """Log filter that masks the token in messages and tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if (masked := mask_canary(message)) != message:
            record.msg, record.args = masked, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = mask_canary(logging.Formatter().formatException(record.exc_info))
        return True


@lru_cache(maxsize=4)
def _derive_token(secret: str) -> str:
    drawn = salted_hmac(_SALT, "mark", secret=secret, algorithm="sha256").digest()
    letters = (_COMMON, _RARE)
    return "".join(letters[at % 2][drawn[at] % len(letters[at % 2])] for at in range(_LENGTH))


@lru_cache(maxsize=4)
def _patterns(token: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns with and without signs between the letters; longest parts first."""
    parts = [
        way[at : at + size]
        for size in range(_LENGTH, _PART - 1, -1)
        for way in (token, token[::-1])
        for at in range(_LENGTH - size + 1)
    ]
    return re.compile("|".join(_BETWEEN.join(part) for part in parts)), re.compile("|".join(parts))


def _holds_encoded_token(text: str) -> bool:
    spaced, close = _patterns(canary_token())
    plain = html.unescape(unquote(unquote(text))) if "%" in text or "&" in text else text
    if plain != text and spaced.search(fold_for_detection(plain)):
        return True
    return any(close.search(one) for one in _decode_texts(plain))


def _decode_texts(text: str) -> Iterator[str]:
    """Yield the text decoded from base64 and hexadecimal at every offset, in lower case."""
    letters = _NOT_64.sub("", text.replace("-", "+").replace("_", "/"))
    for shift in range(4):
        whole = (len(letters) - shift) // 4 * 4
        if whole > 0:
            yield base64.b64decode(letters[shift : shift + whole]).decode("latin-1").lower()
    digits = _NOT_16.sub("", text.lower())
    for shift in range(2):
        whole = (len(digits) - shift) // 2 * 2
        yield bytes.fromhex(digits[shift : shift + max(0, whole)]).decode("latin-1").lower()
