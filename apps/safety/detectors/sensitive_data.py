"""Personal data and secrets as a signal of the gate: by their form alone, which costs a tenth of a millisecond.

What only looks like a key is no secret: placeholders of manuals, words, one letter again and again.
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
# The version of its signals: another form is another version.
FINGERPRINT = f"personal-{hashlib.sha256(repr((list_patterns(), _PLACEHOLDER.pattern)).encode()).hexdigest()[:16]}"
_BITS_OF_A_KEY = 3.0  # a character; English words have less, twenty random letters and digits about four
_BITS_OF_A_PASSWORD = 2.5
_LONG = 16  # characters


def shannon_entropy(text: str) -> float:
    """The entropy of its characters, in bits a character."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values()) if text else 0.0


def is_random(value: str, *, password: bool = False) -> bool:
    """Whether it looks as if it had been drawn: of many characters, digits among letters, no word of a manual."""
    value = value.strip("\"'`,;")
    if _PLACEHOLDER.search(value) or not any(char.isdigit() for char in value):
        return False
    if not any(char.isalpha() for char in value):
        return False
    return shannon_entropy(value) >= (_BITS_OF_A_PASSWORD if password and len(value) < _LONG else _BITS_OF_A_KEY)


def detect_sensitive_data(text: str) -> Signal:
    """What the gate is told: secrets where there is one, else personal data where there is some, else nothing."""
    (rule, spans), ms = timeouts.measure_time(lambda: _rule(text))
    if timeouts.is_late("personal", ms):
        return Signal("personal", FINGERPRINT, SignalStatus.TIMEOUT, {}, ms=ms)
    return Signal("personal", FINGERPRINT, SignalStatus.OK, {}, rule, ms, spans)


def _rule(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """With the places of all that it is about."""
    every = find_pii(text)
    if secret := tuple((one.start, one.end) for one in every if is_secret(one, text)):
        return SECRETS, secret
    people = tuple((one.start, one.end) for one in every if is_personal_data(one))
    return (PERSONAL_DATA if people else ""), people


def is_secret(found: PiiMatch, text: str) -> bool:
    value = text[found.start : found.end]
    return found.kind == "PRIVATE_KEY" or (found.kind in _KEYS and is_random(value, password=found.kind == "PASSWORD"))


def is_personal_data(found: PiiMatch) -> bool:
    return found.kind in _OF_PEOPLE
