"""Detect personal data and secrets by format alone, as a signal of the gate. Takes a tenth of a millisecond.

Strings that only look like a key are no secret: placeholders of manuals, words, repeated letters.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter

from apps.safety.detectors import timeouts
from apps.safety.detectors.pii import PiiMatch, find_pii, list_patterns
from apps.safety.policy.evaluation import SECRETS, Signal, SignalStatus

PERSONAL_DATA = "personal_data"
_KEYS = frozenset({"PRIVATE_KEY", "SECRET_KEY", "PASSWORD"})
_OF_PEOPLE = frozenset({"EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN"})
_PLACEHOLDER = re.compile(
    r"your|my[_-]?(?:api|secret|key|pass|token)|example|placeholder|changeme|change[_-]me|dummy|sample|redacted|"
    r"xxx|\.\.\.|…|\*\*\*|[<>{}$%]|environ|getenv|process\.env|secret_?key\b|api_?key\b",
    re.IGNORECASE,
)
# Version of the signals: changes with any pattern.
FINGERPRINT = f"personal-{hashlib.sha256(repr((list_patterns(), _PLACEHOLDER.pattern)).encode()).hexdigest()[:16]}"
_BITS_OF_A_KEY = 3.0  # bits per character; English words have less, twenty random letters and digits about four
_BITS_OF_A_PASSWORD = 2.5
_LONG = 16  # characters


def shannon_entropy(text: str) -> float:
    """Return the entropy of the characters, in bits per character; 0 for an empty text."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values()) if text else 0.0


def is_random(value: str, *, password: bool = False) -> bool:
    """Return whether the value looks random: high entropy, letters and digits, no placeholder.

    A `password` shorter than 16 characters needs less entropy.
    """
    value = value.strip("\"'`,;")
    if _PLACEHOLDER.search(value) or not any(char.isdigit() for char in value):
        return False
    if not any(char.isalpha() for char in value):
        return False
    return shannon_entropy(value) >= (_BITS_OF_A_PASSWORD if password and len(value) < _LONG else _BITS_OF_A_KEY)


def detect_sensitive_data(text: str) -> Signal:
    """Return a signal for secrets if there is one, else for personal data, else without a rule."""
    (rule, spans), ms = timeouts.measure_time(lambda: _rule(text))
    if timeouts.is_late("personal", ms):
        return Signal("personal", FINGERPRINT, SignalStatus.TIMEOUT, {}, ms=ms)
    return Signal("personal", FINGERPRINT, SignalStatus.OK, {}, rule, ms, spans)


def _rule(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the clause code ("" if nothing was found) and the spans."""
    every = find_pii(text)
    if secret := tuple((one.start, one.end) for one in every if is_secret(one, text)):
        return SECRETS, secret
    people = tuple((one.start, one.end) for one in every if is_personal_data(one))
    return (PERSONAL_DATA if people else ""), people


def is_secret(match: PiiMatch, text: str) -> bool:
    """Return whether the match is a private key, or a random key or password."""
    value = text[match.start : match.end]
    return match.kind == "PRIVATE_KEY" or (match.kind in _KEYS and is_random(value, password=match.kind == "PASSWORD"))


def is_personal_data(match: PiiMatch) -> bool:
    """Return whether the match is personal data that the gate reports."""
    return match.kind in _OF_PEOPLE
