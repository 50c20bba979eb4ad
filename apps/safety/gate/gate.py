"""The gate: every question, every passage and every sentence of an answer passes here, and nowhere else.

check_question(text)   before anything is done with it
check_passages(texts)  when a document is read; a match marks the passage
check_sent(text)       before it goes to another machine: an address, the arguments of a tool
gated(deltas)          the answer: nothing is yielded before the window that holds it has a verdict

`level` makes it stricter than the site's policy, where an assistant asks for that (`levels.py`).
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
from apps.lib.concurrency.timeouts import TimeLimit, await_within
from apps.safety.detectors import blocklists, canary, timeouts
from apps.safety.gate import redaction
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
    "This question holds control characters that cannot be read. Remove them and ask again.",
)
_UNCHECKED = Verdict(False, "check_unavailable", UNAVAILABLE_MESSAGE)

T = TypeVar("T")
DEADLINE_S = timeouts.CHECK_S  # later is as if it were away

log = logging.getLogger(__name__)
_lock = threading.Lock()
_built: dict[str, SafetyCheck] = {}
_refreshing: set[asyncio.Task[None]] = set()


class Withheld(Exception):
    """The rest of the answer is not shown; nothing of the refused piece was yielded."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.words)
        self.verdict = verdict


async def ensure_fresh_policy() -> None:
    """Read the policy anew where the copy is old: before a text is judged if there is none yet, else beside it. Await
    it before sync checks that run where the database may not be asked."""
    if not versions.is_stale():
        return
    if versions.is_loaded():
        _run_beside(_refresh_policy)
    else:
        await in_db(_refresh_policy)


async def check_question(
    text: str, vector: Awaitable[Vectors] | None = None, *, level: Strictness = Strictness.SITE
) -> Verdict:
    """Whether the question may be asked. What goes on from here is `normalise(text)`, the text that was checked.

    `vector` is what the embedder makes of `normalise(text)`, where the search has it made already. A text that a person
    has looked at and allowed passes at every level.
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
            await _within(_check().question(clean, vector), _limit()), level, versions.current_policy()
        )
    except CheckUnavailable:
        return _UNCHECKED
    _count_hits()
    allowed = versions.is_allowed_text(clean)  # a person has looked at it: nobody need look again
    _record(verdict, level, allowance=allowed)
    return ALLOWED if allowed else _drop_clean_record(verdict)


def check_passage(text: str, *, level: Strictness = Strictness.SITE) -> Verdict:
    """Not allowed means that the passage is marked with the rule. It stays readable; it is never obeyed."""
    _keep_fresh_anywhere()
    clean = normalise(text)
    verdict = strictness.apply_strictness(
        _run_for_passages(lambda: [_check().passage(clean)], 1)[0], level, versions.current_policy()
    )
    _note(verdict, level, Surface.TOOLS)
    return _drop_clean_record(verdict)


def find_suspect_sentences(texts: Sequence[str]) -> list[list[str]] | None:
    """The pieces of each passage that `check_passages` wants to read by themselves: along with the passages that
    costs almost nothing. None where that cannot be told; then it looks for them itself."""
    clean = [normalise(text) for text in texts]
    return _run_in_time(lambda: _check().suspects(clean), len(clean))


def check_passages(texts: Sequence[str], vectors: Vectors, suspects: SuspectSentences | None = None) -> list[Verdict]:
    """The same for many, in their order, where each one's vector is known, and maybe what is `suspected`."""
    versions.load_fresh_policy()
    clean = [normalise(text) for text in texts]
    verdicts = _run_for_passages(lambda: _check().passages(clean, vectors, suspects), len(clean))
    for verdict in verdicts:
        _note(verdict, Strictness.SITE, Surface.DOCUMENTS)
    shadow.write_verdicts()
    return [_drop_clean_record(verdict) for verdict in verdicts]


async def check_sentence(text: str, since: int = 0, *, level: Strictness = Strictness.SITE) -> Verdict:
    """Whether `text[since:]`, read after `text[:since]`, may be shown. `text` is normalised here."""
    head = normalise(text[:since])
    return await _sentence(head + normalise(text[since:]), len(head), level, _limit())


def check_outgoing(text: str, where: Surface = Surface.TOOLS, *, level: Strictness = Strictness.SITE) -> Verdict:
    """Whether what goes to another machine carries the mark of the system text along. Well below a millisecond; no
    classifier is asked."""
    if not (found := canary.detect_canary(text)):
        return ALLOWED
    _keep_fresh_anywhere()
    policy, signals = versions.current_policy(), (*found, Signal("text", "", SignalStatus.SKIPPED, {}))
    outcome = evaluate_policy(Stage.ANSWER, signals, policy)
    judged = EvaluationRecord(Stage.ANSWER, canary.mask_canary(text), outcome, signals, policy.number)
    said = "" if outcome.allowed else withheld_message(Stage.ANSWER, outcome, signals, policy, UNAVAILABLE_MESSAGE)
    verdict = strictness.apply_strictness(Verdict(outcome.allowed, outcome.code, said, judged), level, policy)
    _note(verdict, level, where)
    return verdict


async def moderate_stream(
    deltas: AsyncIterator[str], noticed: Callable[[Verdict], None] | None = None, *, level: Strictness = Strictness.SITE
) -> AsyncGenerator[str, None]:
    """Yields the normalised text in approved pieces. Raises Withheld where a piece is refused. `noticed` hears the
    verdict on each piece that was approved.

    Closes `deltas` when it ends, is closed, or refuses: the model then stops writing.
    """
    window: TextWindow
    limit = _limit()
    async with aclosing(split_stream(deltas)) as pieces:  # type: ignore[type-var]
        async for window in pieces:
            verdict = await _sentence(window.text, window.since, level, limit)
            if not verdict.allowed:
                raise Withheld(verdict)
            if noticed is not None:
                noticed(verdict)
            yield redaction.redact_answer(window.text, window.since, verdict)


async def check_text(text: str) -> Verdict:
    """What the checks say of a text that is normalised and was written before, whole, as of an answer. Nothing of it is
    recorded here: that is for whoever asks."""
    if not has_visible_characters(text):
        return ALLOWED
    await ensure_fresh_policy()
    try:
        return await _within(_check().sentence(text, 0), _limit())
    except CheckUnavailable:
        return _UNCHECKED


def _limit() -> TimeLimit:
    return TimeLimit(DEADLINE_S)


async def _within(verdict: Awaitable[Verdict], limit: TimeLimit) -> Verdict:
    """The verdict, in time; a minute without one is counted. Raises CheckUnavailable."""
    began = time.monotonic()
    status = ""
    try:
        return await await_within(limit, verdict)
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


def _run_for_passages(judged: Callable[[], list[Verdict]], count: int) -> list[Verdict]:
    """A verdict each, in time; "unchecked" for all where there is none."""
    return _run_in_time(judged, count) or [Verdict(False, "unchecked", _UNCHECKED.words)] * count


def _run_in_time(work: Callable[[], list[T]], count: int) -> list[T] | None:
    """What it says of so many passages; None where it does not in time, and the minute is counted."""
    status = "error"
    try:
        found = timeouts.run_with_timeout(DEADLINE_S + timeouts.PASSAGE_S * count, work)
        if len(found) == count:
            return found
    except TimeoutError:
        status = "timeout"
    except CheckUnavailable:
        pass
    except Exception:
        log.exception("Passages could not be judged")
    finally:
        _write_hits()
    if detector_outages.record_outage("text", status):
        detector_outages.write_outages()
    return None


def _count_hits() -> None:
    if blocklists.has_pending_hits():
        _run_beside(blocklists.write_hits)


def _refresh_policy() -> None:
    """Read the policy anew, and store what was counted of its lists."""
    _write_hits()
    versions.refresh_policy()


def _write_hits() -> None:
    if blocklists.has_pending_hits():
        blocklists.write_hits()


def _drop_clean_record(verdict: Verdict) -> Verdict:
    """Nobody keeps what was said of a text in which nothing was found."""
    return ALLOWED if verdict is ALLOWED or verdict == ALLOWED else verdict


def _note(verdict: Verdict, level: Strictness, where: Surface, since: int = 0, *, allowance: bool = False) -> None:
    by = (verdict.judged.policy if verdict.judged is not None else 0) or versions.current_policy().number
    recorder.queue_verdict(verdict.judged, level, by, where, since, allowance=allowance)


def _record(verdict: Verdict, level: Strictness, since: int = 0, *, allowance: bool = False) -> None:
    """What was said of the text is written down later, beside the loop and with what else was judged meanwhile."""
    if verdict.judged is None:
        return
    _note(verdict, level, Surface.CHAT, since, allowance=allowance)
    if recorder.is_write_due():
        asyncio.get_running_loop().call_later(recorder.WAIT_S, _run_beside, shadow.write_verdicts)


def _keep_fresh_anywhere() -> None:
    """Read the policy anew where the copy is old: at once in a thread, beside the text on the event loop."""
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


async def _sentence(text: str, since: int, level: Strictness, limit: TimeLimit) -> Verdict:
    if not text[since:].strip():
        return ALLOWED
    await ensure_fresh_policy()
    try:
        verdict = await _within(_check().sentence(text, since), limit)
        if level != Strictness.SITE:
            verdict = strictness.apply_strictness(verdict, level, versions.current_policy())
    except CheckUnavailable:
        return _UNCHECKED
    finally:
        _count_hits()
    _record(verdict, level, since)
    return _drop_clean_record(verdict)


def _check() -> SafetyCheck:
    path = settings.SAFETY_CHECK
    check = _built.get(path)
    if check is None:
        with _lock:
            check = _built.setdefault(path, cast(SafetyCheck, import_string(path)()))
    return check
