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

from apps.lib.limits import TimeLimit, within
from apps.lib.threads import in_db
from apps.safety import canary, deadlines, degraded, hits, levels, policies, recorded, redacting, shadowing
from apps.safety.check import ALLOWED, AWAY, Check, CheckUnavailable, Judged, Verdict
from apps.safety.folding import Signal, Status, fold
from apps.safety.intake import QUESTION_CHARACTERS, control_characters, normalise, visible
from apps.safety.levels import Level
from apps.safety.policy import Stage
from apps.safety.recorded import Surface
from apps.safety.window import Window, windows
from apps.safety.withheld import words

if TYPE_CHECKING:
    from apps.engines.base import Vectors
    from apps.safety.check import Suspects

__all__ = [
    "QUESTION_CHARACTERS", "Verdict", "Withheld", "check_passage", "check_passages", "check_question", "check_sent",
    "check_sentence", "gated", "keep_fresh", "normalise", "suspected",
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
_UNCHECKED = Verdict(False, "check_unavailable", AWAY)

T = TypeVar("T")
DEADLINE_S = deadlines.CHECK_S  # later is as if it were away

log = logging.getLogger(__name__)
_lock = threading.Lock()
_built: dict[str, Check] = {}
_refreshing: set[asyncio.Task[None]] = set()


class Withheld(Exception):
    """The rest of the answer is not shown; nothing of the refused piece was yielded."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.words)
        self.verdict = verdict


async def keep_fresh() -> None:
    """Read the policy anew where the copy is old: before a text is judged if there is none yet, else beside it. Await
    it before sync checks that run where the database may not be asked."""
    if not policies.stale():
        return
    if policies.loaded():
        _beside(policies.refresh)
    else:
        await in_db(policies.refresh)


async def check_question(text: str, vector: Awaitable[Vectors] | None = None, *, level: Level = Level.SITE) -> Verdict:
    """Whether the question may be asked. What goes on from here is `normalise(text)`, the text that was checked.

    `vector` is what the embedder makes of `normalise(text)`, where the search has it made already. A text that a person
    has looked at and allowed passes at every level.
    """
    if len(text) > QUESTION_CHARACTERS:
        return _LONG
    if control_characters(text):
        return _CONTROL
    clean = normalise(text)
    if not visible(clean):
        return _EMPTY
    await keep_fresh()
    try:
        verdict = levels.applied(await _within(_check().question(clean, vector), _limit()), level, policies.current())
    except CheckUnavailable:
        return _UNCHECKED
    _count_hits()
    allowed = policies.allowed(clean)  # a person has looked at it: nobody need look again
    _record(verdict, level, allowance=allowed)
    return ALLOWED if allowed else _noteworthy(verdict)


def check_passage(text: str, *, level: Level = Level.SITE) -> Verdict:
    """Not allowed means that the passage is marked with the rule. It stays readable; it is never obeyed."""
    _keep_fresh_anywhere()
    clean = normalise(text)
    verdict = levels.applied(_looked_at(lambda: [_check().passage(clean)], 1)[0], level, policies.current())
    _note(verdict, level, Surface.TOOLS)
    return _noteworthy(verdict)


def suspected(texts: Sequence[str]) -> list[list[str]] | None:
    """The pieces of each passage that `check_passages` wants to read by themselves: along with the passages that
    costs almost nothing. None where that cannot be told; then it looks for them itself."""
    clean = [normalise(text) for text in texts]
    return _in_time(lambda: _check().suspects(clean), len(clean))


def check_passages(texts: Sequence[str], vectors: Vectors, suspects: Suspects | None = None) -> list[Verdict]:
    """The same for many, in their order, where each one's vector is known, and maybe what is `suspected`."""
    policies.fresh()
    clean = [normalise(text) for text in texts]
    verdicts = _looked_at(lambda: _check().passages(clean, vectors, suspects), len(clean))
    for verdict in verdicts:
        _note(verdict, Level.SITE, Surface.DOCUMENTS)
    shadowing.write()
    return [_noteworthy(verdict) for verdict in verdicts]


async def check_sentence(text: str, since: int = 0, *, level: Level = Level.SITE) -> Verdict:
    """Whether `text[since:]`, read after `text[:since]`, may be shown. `text` is normalised here."""
    head = normalise(text[:since])
    return await _sentence(head + normalise(text[since:]), len(head), level, _limit())


def check_sent(text: str, where: Surface = Surface.TOOLS, *, level: Level = Level.SITE) -> Verdict:
    """Whether what goes to another machine carries the mark of the system text along. Well below a millisecond; no
    classifier is asked."""
    if not (found := canary.signals(text)):
        return ALLOWED
    _keep_fresh_anywhere()
    policy, signals = policies.current(), (*found, Signal("text", "", Status.SKIPPED, {}))
    outcome = fold(Stage.ANSWER, signals, policy)
    judged = Judged(Stage.ANSWER, canary.masked(text), outcome, signals, policy.number)
    said = "" if outcome.allowed else words(Stage.ANSWER, outcome, signals, policy, AWAY)
    verdict = levels.applied(Verdict(outcome.allowed, outcome.code, said, judged), level, policy)
    _note(verdict, level, where)
    return verdict


async def gated(
    deltas: AsyncIterator[str], noticed: Callable[[Verdict], None] | None = None, *, level: Level = Level.SITE
) -> AsyncGenerator[str, None]:
    """Yields the normalised text in approved pieces. Raises Withheld where a piece is refused. `noticed` hears the
    verdict on each piece that was approved.

    Closes `deltas` when it ends, is closed, or refuses: the model then stops writing.
    """
    window: Window
    limit = _limit()
    async with aclosing(windows(deltas)) as pieces:  # type: ignore[type-var]
        async for window in pieces:
            verdict = await _sentence(window.text, window.since, level, limit)
            if not verdict.allowed:
                raise Withheld(verdict)
            if noticed is not None:
                noticed(verdict)
            yield redacting.shown(window.text, window.since, verdict)


async def looked_at(text: str) -> Verdict:
    """What the checks say of a text that is normalised and was written before, whole, as of an answer. Nothing of it is
    recorded here: that is for whoever asks."""
    if not visible(text):
        return ALLOWED
    await keep_fresh()
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
        return await within(limit, verdict)
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
        if not status and time.monotonic() - began > degraded.SLOW_S:
            status = "slow"
        if status and degraded.note("text", status):
            _beside(degraded.write)


def _looked_at(judged: Callable[[], list[Verdict]], count: int) -> list[Verdict]:
    """A verdict each, in time; "unchecked" for all where there is none."""
    return _in_time(judged, count) or [Verdict(False, "unchecked", _UNCHECKED.words)] * count


def _in_time(work: Callable[[], list[T]], count: int) -> list[T] | None:
    """What it says of so many passages; None where it does not in time, and the minute is counted."""
    status = "error"
    try:
        found = deadlines.within(DEADLINE_S + deadlines.PASSAGE_S * count, work)
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
    if degraded.note("text", status):
        degraded.write()
    return None


def _count_hits() -> None:
    if hits.pending():
        _beside(hits.write)


def _write_hits() -> None:
    if hits.pending():
        hits.write()


def _noteworthy(verdict: Verdict) -> Verdict:
    """Nobody keeps what was said of a text in which nothing was found."""
    return ALLOWED if verdict is ALLOWED or verdict == ALLOWED else verdict


def _note(verdict: Verdict, level: Level, where: Surface, since: int = 0, *, allowance: bool = False) -> None:
    by = (verdict.judged.policy if verdict.judged is not None else 0) or policies.current().number
    recorded.note(verdict.judged, level, by, where, since, allowance=allowance)


def _record(verdict: Verdict, level: Level, since: int = 0, *, allowance: bool = False) -> None:
    """What was said of the text is written down later, beside the loop and with what else was judged meanwhile."""
    if verdict.judged is None:
        return
    _note(verdict, level, Surface.CHAT, since, allowance=allowance)
    if recorded.due():
        asyncio.get_running_loop().call_later(recorded.WAIT_S, _beside, shadowing.write)


def _keep_fresh_anywhere() -> None:
    """Read the policy anew where the copy is old: at once in a thread, beside the text on the event loop."""
    if not policies.stale():
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        policies.refresh()
    else:
        _beside(policies.refresh)


def _beside(work: Callable[[], None]) -> None:
    task = asyncio.get_running_loop().create_task(in_db(work))
    _refreshing.add(task)
    task.add_done_callback(_refreshing.discard)


async def _sentence(text: str, since: int, level: Level, limit: TimeLimit) -> Verdict:
    if not text[since:].strip():
        return ALLOWED
    await keep_fresh()
    try:
        verdict = await _within(_check().sentence(text, since), limit)
        if level != Level.SITE:
            verdict = levels.applied(verdict, level, policies.current())
    except CheckUnavailable:
        return _UNCHECKED
    finally:
        _count_hits()
    _record(verdict, level, since)
    return _noteworthy(verdict)


def _check() -> Check:
    path = settings.SAFETY_CHECK
    check = _built.get(path)
    if check is None:
        with _lock:
            check = _built.setdefault(path, cast(Check, import_string(path)()))
    return check
