"""The gate: every question, every passage and every sentence of an answer passes here, and nowhere else.

check_question(text)   before anything is done with it
check_passage(text)    when a document is read; a match marks the passage
gated(deltas)          the answer: nothing is yielded before the window that holds it has a verdict
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.safety.check import ALLOWED, Check, CheckUnavailable, Verdict
from apps.safety.intake import QUESTION_CHARACTERS, control_characters, normalise, visible
from apps.safety.window import Window, windows

__all__ = [
    "QUESTION_CHARACTERS",
    "Verdict",
    "Withheld",
    "check_passage",
    "check_question",
    "check_sentence",
    "gated",
    "normalise",
]


_EMPTY = Verdict(False, "empty", "Write a question first.")
_LONG = Verdict(
    False,
    "too_long",
    f"This question is longer than {QUESTION_CHARACTERS:,} characters. "
    "Shorten it, or add the long part to a collection as a file.",
)
_CONTROL = Verdict(
    False,
    "control_characters",
    "This question holds control characters that cannot be read. Remove them and ask again.",
)
_UNCHECKED = Verdict(
    False, "check_unavailable", "The safety check is not available right now. Please try again in a moment."
)

_lock = threading.Lock()
_built: dict[str, Check] = {}


class Withheld(Exception):
    """The rest of the answer is not shown; nothing of the refused piece was yielded."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.words)
        self.verdict = verdict


async def check_question(text: str) -> Verdict:
    """Whether the question may be asked. What goes on from here is `normalise(text)`, the text that was checked."""
    if len(text) > QUESTION_CHARACTERS:
        return _LONG
    if control_characters(text):
        return _CONTROL
    clean = normalise(text)
    if not visible(clean):
        return _EMPTY
    try:
        return await _check().question(clean)
    except CheckUnavailable:
        return _UNCHECKED


def check_passage(text: str) -> Verdict:
    """Not allowed means that the passage is marked with the rule. It stays readable; it is never obeyed."""
    try:
        return _check().passage(normalise(text))
    except CheckUnavailable:
        return Verdict(False, "unchecked", _UNCHECKED.words)


async def check_sentence(text: str, since: int = 0) -> Verdict:
    """Whether `text[since:]`, read after `text[:since]`, may be shown. `text` is normalised here."""
    head = normalise(text[:since])
    return await _sentence(head + normalise(text[since:]), len(head))


async def gated(deltas: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """Yields the normalised text in approved pieces. Raises Withheld where a piece is refused.

    Closes `deltas` when it ends, is closed, or refuses: the model then stops writing.
    """
    window: Window
    async with aclosing(windows(deltas)) as pieces:  # type: ignore[type-var]
        async for window in pieces:
            verdict = await _sentence(window.text, window.since)
            if not verdict.allowed:
                raise Withheld(verdict)
            yield window.text[window.since :]


async def _sentence(text: str, since: int) -> Verdict:
    if not text[since:].strip():
        return ALLOWED
    try:
        return await _check().sentence(text, since)
    except CheckUnavailable:
        return _UNCHECKED


def _check() -> Check:
    path = settings.SAFETY_CHECK
    check = _built.get(path)
    if check is None:
        with _lock:
            check = _built.setdefault(path, cast(Check, import_string(path)()))
    return check
