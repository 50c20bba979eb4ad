"""The gate: every question, passage and sentence of an answer is checked here, and nowhere else.

`check_question` runs before a question is used, `check_passages` when a document is read; a match marks the passage.
`check_outgoing` runs before an address or the arguments of a tool go to another machine. `moderate_stream` yields an
answer in approved pieces.

`level` is the strictness of the assistant (`policy/strictness.py`). Cases are opened by the callers.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar, cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.lib.concurrency.threads import in_db
from apps.safety.detectors import blocklists, canary, timeouts
from apps.safety.gate import span_redaction
from apps.safety.gate.streaming import TextWindow, split_stream
from apps.safety.models import detector_outages
from apps.safety.models.strictness import Strictness
from apps.safety.models.verdict_log import Surface
from apps.safety.policy import strictness, versions
from apps.safety.policy.evaluation import Signal, SignalStatus, evaluate_policy
from apps.safety.policy.schema import Stage
from apps.safety.policy.user_messages import withheld_message
from apps.safety.policy.verdicts import (
    ALLOWED,
    UNAVAILABLE_MESSAGE,
    CheckUnavailable,
    EvaluationRecord,
    SafetyCheck,
    Verdict,
)
from apps.safety.text.normalization import (
    QUESTION_CHARACTERS,
    has_control_characters,
    has_visible_characters,
    normalise,
)
from apps.safety.verdict_log import recorder, shadow

if TYPE_CHECKING:
    from apps.engines.types import Vectors
    from apps.safety.policy.verdicts import SuspectSentences

__all__ = [
    "QUESTION_CHARACTERS",
    "Verdict",
    "Withheld",
    "check_outgoing",
    "check_passage",
    "check_passages",
    "check_question",
    "check_sentence",
    "ensure_fresh_policy",
    "find_suspect_sentences",
    "moderate_stream",
    "normalise",
]  # fmt: skip


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
    "This question contains control characters that cannot be read. Remove them and ask again.",
)
_UNCHECKED = Verdict(False, "check_unavailable", UNAVAILABLE_MESSAGE)

T = TypeVar("T")
DEADLINE_S = timeouts.CHECK_S  # seconds; a later verdict counts as unavailable

log = logging.getLogger(__name__)
_lock = threading.Lock()
_built: dict[str, SafetyCheck] = {}
_refreshing: set[asyncio.Task[None]] = set()


class Withheld(Exception):
    """Raised when the rest of the answer is withheld. Nothing of the refused piece was yielded."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


async def ensure_fresh_policy() -> None:
    """Refresh the copy of the policy if it is stale.

    Waits only before the first read; later the refresh runs in the background. Await before synchronous checks that may
    not use the database.
    """
    if not versions.is_stale():
        return
    if versions.is_loaded():
        _run_beside(_refresh_policy)
    else:
        await in_db(_refresh_policy)


async def check_question(
    text: str, vector: Awaitable[Vectors] | None = None, *, level: Strictness = Strictness.SITE
) -> Verdict:
    """Return whether the question may be asked. Use `normalise(text)`, the text that was checked, from here on.

    `vector` is the embedding of `normalise(text)`, if it is computed anyway. A text that a reviewer allowed passes at
    every level. A failed or late check gives a verdict that is not allowed.
    """
    if len(text) > QUESTION_CHARACTERS:
        return _LONG
    if has_control_characters(text):
        return _CONTROL
    clean = normalise(text)
    if not has_visible_characters(clean):
        return _EMPTY
    await ensure_fresh_policy()
    try:
        verdict = strictness.apply_strictness(
            await _within(_check().question(clean, vector)), level, versions.current_policy()
        )
    except CheckUnavailable:
        return _UNCHECKED
    _flush_hits()
    allowed = versions.is_allowed_text(clean)  # a reviewer allowed it: no new review
    _record(verdict, level, allowlisted=allowed)
    return ALLOWED if allowed else _drop_clean_record(verdict)


def check_passage(text: str, *, level: Strictness = Strictness.SITE) -> Verdict:
    """Return the verdict on a passage.

    Not allowed: marked with the clause, still readable, and never followed as instructions.
    """
    _keep_fresh_anywhere()
    clean = normalise(text)
    verdict = strictness.apply_strictness(
        _run_for_passages(lambda: [_check().passage(clean)], 1)[0], level, versions.current_policy()
    )
    _queue_verdict(verdict, level, Surface.TOOLS)
    return _drop_clean_record(verdict)


def find_suspect_sentences(texts: Sequence[str]) -> list[list[str]] | None:
    """Return the sentences of each passage that `check_passages` scores one by one; None if that fails.

    Embedding them together with the passages costs almost nothing. With None `check_passages` finds them itself.
    """
    clean = [normalise(text) for text in texts]
    return _run_in_time(lambda: _check().suspects(clean), len(clean))


def check_passages(texts: Sequence[str], vectors: Vectors, suspects: SuspectSentences | None = None) -> list[Verdict]:
    """Return the verdict on each passage, in order, given their embeddings and optionally the suspect sentences.

    For threads that may use the database.
    """
    versions.load_fresh_policy()
    clean = [normalise(text) for text in texts]
    verdicts = _run_for_passages(lambda: _check().passages(clean, vectors, suspects), len(clean))
    for verdict in verdicts:
        _queue_verdict(verdict, Strictness.SITE, Surface.DOCUMENTS)
    shadow.write_verdicts()
    return [_drop_clean_record(verdict) for verdict in verdicts]


async def check_sentence(text: str, since: int = 0, *, level: Strictness = Strictness.SITE) -> Verdict:
    """Return the verdict on `text[since:]` in the context of `text[:since]`; both are normalised first."""
    head = normalise(text[:since])
    return await _sentence(head + normalise(text[since:]), len(head), level)


def check_outgoing(text: str, surface: Surface = Surface.TOOLS, *, level: Strictness = Strictness.SITE) -> Verdict:
    """Return the verdict of policy and strictness on a text that goes to another machine.

    Only the canary of the system prompt is looked for, so it takes well below a millisecond. A verdict on a text with
    it is queued for the record.
    """
    if not (canary_signals := canary.detect_canary(text)):
        return ALLOWED
    _keep_fresh_anywhere()
    policy, signals = versions.current_policy(), (*canary_signals, Signal("text", "", SignalStatus.SKIPPED, {}))
    result = evaluate_policy(Stage.ANSWER, signals, policy)
    evaluation = EvaluationRecord(Stage.ANSWER, canary.mask_canary(text), result, signals, policy.number)
    message = "" if result.allowed else withheld_message(Stage.ANSWER, result, signals, policy, UNAVAILABLE_MESSAGE)
    verdict = strictness.apply_strictness(Verdict(result.allowed, result.code, message, evaluation), level, policy)
    _queue_verdict(verdict, level, surface)
    return verdict


async def moderate_stream(
    deltas: AsyncIterator[str],
    on_verdict: Callable[[Verdict], None] | None = None,
    *,
    level: Strictness = Strictness.SITE,
) -> AsyncGenerator[str, None]:
    """Yield the normalised answer in approved pieces. Raise Withheld if a piece is refused.

    `on_verdict` gets the verdict on each approved piece. Closes `deltas` when it ends, is closed or refuses, so that
    the model stops generating.
    """
    window: TextWindow
    async with aclosing(split_stream(deltas)) as pieces:  # type: ignore[type-var]
        async for window in pieces:
            verdict = await _sentence(window.text, window.since, level)
            if not verdict.allowed:
                raise Withheld(verdict)
            if on_verdict is not None:
                on_verdict(verdict)
            yield span_redaction.redact_answer(window.text, window.since, verdict)


async def check_text(text: str) -> Verdict:
    """Return the verdict on a normalised, complete text, checked like an answer.

    Records nothing; that is the caller's part.
    """
    if not has_visible_characters(text):
        return ALLOWED
    await ensure_fresh_policy()
    try:
        return await _within(_check().sentence(text, 0))
    except CheckUnavailable:
        return _UNCHECKED


async def _within(verdict: Awaitable[Verdict]) -> Verdict:
    """Return the verdict within DEADLINE_S and count outages. Raise CheckUnavailable."""
    began = time.monotonic()
    status = ""
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await verdict
    except TimeoutError as error:
        status = "timeout"
        raise CheckUnavailable from error
    except CheckUnavailable:
        status = "error"
        raise
    except Exception as error:
        status = "error"
        log.exception("A text could not be judged")
        raise CheckUnavailable from error
    finally:
        if not status and time.monotonic() - began > detector_outages.SLOW_S:
            status = "slow"
        if status and detector_outages.record_outage("text", status):
            _run_beside(detector_outages.write_outages)


def _run_for_passages(check: Callable[[], list[Verdict]], count: int) -> list[Verdict]:
    """Return a verdict per passage; "unchecked" for all if the check fails or is late."""
    return _run_in_time(check, count) or [Verdict(False, "unchecked", _UNCHECKED.message)] * count


def _run_in_time(work: Callable[[], list[T]], count: int) -> list[T] | None:
    """Return the results for that many passages; None, with an outage counted, if the work fails or is late."""
    status = "error"
    try:
        results = timeouts.run_with_timeout(DEADLINE_S + timeouts.PASSAGE_S * count, work)
        if len(results) == count:
            return results
    except TimeoutError:
        status = "timeout"
    except CheckUnavailable:
        pass
    except Exception:
        log.exception("Passages could not be judged")
    finally:
        blocklists.write_hits()
    if detector_outages.record_outage("text", status):
        detector_outages.write_outages()
    return None


def _flush_hits() -> None:
    if blocklists.has_pending_hits():
        _run_beside(blocklists.write_hits)


def _refresh_policy() -> None:
    """Refresh the policy and store the counted blocklist hits."""
    blocklists.write_hits()
    versions.refresh_policy()


def _drop_clean_record(verdict: Verdict) -> Verdict:
    """Return `ALLOWED` without its record if nothing was found, so that callers store nothing about the text."""
    return ALLOWED if verdict == ALLOWED else verdict


def _queue_verdict(
    verdict: Verdict, level: Strictness, surface: Surface, since: int = 0, *, allowlisted: bool = False
) -> None:
    policy_number = (
        verdict.evaluation.policy_number if verdict.evaluation is not None else 0
    ) or versions.current_policy().number
    recorder.queue_verdict(verdict.evaluation, level, policy_number, surface, since, allowlisted=allowlisted)


def _record(verdict: Verdict, level: Strictness, since: int = 0, *, allowlisted: bool = False) -> None:
    """Queue the verdict; a background task stores it together with others."""
    if verdict.evaluation is None:
        return
    _queue_verdict(verdict, level, Surface.CHAT, since, allowlisted=allowlisted)
    if recorder.is_write_due():
        asyncio.get_running_loop().call_later(recorder.WAIT_S, _run_beside, shadow.write_verdicts)


def _keep_fresh_anywhere() -> None:
    """Refresh a stale policy: at once in a thread, in the background on the event loop."""
    if not versions.is_stale():
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        _refresh_policy()
    else:
        _run_beside(_refresh_policy)


def _run_beside(work: Callable[[], None]) -> None:
    task = asyncio.get_running_loop().create_task(in_db(work))
    _refreshing.add(task)
    task.add_done_callback(_refreshing.discard)


async def _sentence(text: str, since: int, level: Strictness) -> Verdict:
    if not text[since:].strip():
        return ALLOWED
    await ensure_fresh_policy()
    try:
        verdict = await _within(_check().sentence(text, since))
        if level != Strictness.SITE:
            verdict = strictness.apply_strictness(verdict, level, versions.current_policy())
    except CheckUnavailable:
        return _UNCHECKED
    finally:
        _flush_hits()
    _record(verdict, level, since)
    return _drop_clean_record(verdict)


def _check() -> SafetyCheck:
    path = settings.SAFETY_CHECK
    check = _built.get(path)
    if check is None:
        with _lock:
            check = _built.setdefault(path, cast(SafetyCheck, import_string(path)()))
    return check
