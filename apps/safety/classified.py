"""The check that comes with the product: rules for what is said openly, trained classifiers for what is said otherwise.

What each signal means is said by the policy (`policies.current`), clause by clause and stage by stage. A classifier
that is away is no verdict: the check says so, it never counts as zero.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from apps.engines import registry
from apps.engines.base import EngineError
from apps.lib.threads import in_pool
from apps.safety import canary, deadlines, policies, withheld
from apps.safety import hits as lists
from apps.safety.batches import Batches
from apps.safety.check import AWAY, CheckUnavailable, Judged, Verdict
from apps.safety.folding import SECRETS, Outcome, Signal, Status, fold
from apps.safety.guarding import asked, unsure
from apps.safety.locating import located
from apps.safety.parts import CHARACTERS, parts
from apps.safety.planted import planted
from apps.safety.policy import Action, Policy, Stage
from apps.safety.rules import FINGERPRINT as RULES
from apps.safety.rules import RuleCheck, where
from apps.safety.secrets import personal

if TYPE_CHECKING:
    from apps.engines.base import TextClassifier, Vectors
    from apps.safety.check import Suspects

T = TypeVar("T")
Took = Mapping[str, float]  # milliseconds, by detector

ATTACK = "This passage speaks to an assistant instead of to its reader."
GUARDED = "This passage seems to hold a password or a key."
_SHORTEST = 12  # characters of an answer that say anything by themselves; less waits for the words around it
_CONTEXT = 100  # characters of what was let through that the classifiers read before what is new


def judge(
    stage: Stage,
    text: str,
    ruled: Verdict,
    scores: Mapping[str, float] | None,
    policy: Policy,
    guard: Signal | None = None,
    further: Sequence[Signal] = (),
    took: Took | None = None,
) -> Verdict:
    """What rules and scores mean under the policy. Pure: the same input, the same verdict. `scores` may be None where
    the classifiers were not asked; `further` is what other detectors said."""
    took = took or {}
    signals = [_rules(ruled, took, text), personal(text), *further]
    if scores is not None:
        ms = took.get("text", 0.0)
        signals.append(Signal("text", registry.classify().fingerprint, Status.OK, scores, ms=ms))
    else:
        signals.append(Signal("text", "", Status.SKIPPED, {}))
    if guard is not None:
        signals.append(guard)
    outcome = fold(stage, signals, policy)
    judged = Judged(stage, canary.kept(text, signals), outcome, tuple(signals), policy.number)
    if not ruled.rule and outcome.action is None:
        return Verdict(True, judged=judged)
    if stage is Stage.PASSAGE:
        marked = outcome.action not in (None, Action.NOTE)
        words = (GUARDED if outcome.code == SECRETS else ATTACK) if marked else ""
        return Verdict(not marked, outcome.code or ruled.rule, words, judged)
    if outcome.allowed:
        return Verdict(True, outcome.code or ruled.rule, "", judged)
    return Verdict(False, outcome.code, withheld.words(stage, outcome, signals, policy, AWAY), judged)


def _rules(ruled: Verdict, took: Took, text: str) -> Signal:
    ms = took.get("rules", 0.0)
    if deadlines.late("rules", ms):
        return Signal("rules", RULES, Status.TIMEOUT, {}, ms=ms)
    spans = tuple(where(ruled.rule, text)) if ruled.rule else ()
    return Signal("rules", RULES, Status.OK, {}, ruled.rule, ms, spans)


class ClassifiedCheck:
    """Rules first, which cost nothing; then one vector a part of the text, in the pool of the engines."""

    def __init__(self) -> None:
        self._rules = RuleCheck()
        self._sentences = Batches(scored_together)

    async def question(self, text: str, vector: Awaitable[Vectors] | None = None) -> Verdict:
        (ruled, ms), policy = deadlines.timed(lambda: self._rules.asked(text)), policies.current()
        listed, took = lists.signals(policy, Stage.QUESTION, text), {"rules": ms}
        if listed or not ruled.allowed:
            decided = judge(Stage.QUESTION, text, ruled, None, policy, further=listed, took=took)
            if not decided.allowed:
                return decided
        async with _text(took):
            known = await vector if vector is not None else None
            # With a vector at hand it is a third of a millisecond, less than a hop to another thread and back.
            scores = (
                scored(text, known) if known is not None and len(text) <= CHARACTERS else await in_pool(scored, text)
            )
        return await _guarded(Stage.QUESTION, text, ruled, scores, policy, listed, took)

    async def sentence(self, text: str, since: int) -> Verdict:
        (ruled, ms), policy = deadlines.timed(lambda: self._rules.said(text, since)), policies.current()
        listed, took = [*canary.signals(text, since), *lists.signals(policy, Stage.ANSWER, text, since)], {"rules": ms}
        if listed or not ruled.allowed or len(text) < _SHORTEST:
            decided = judge(Stage.ANSWER, text, ruled, None, policy, further=listed, took=took)
            if not decided.allowed or len(text) < _SHORTEST:
                return decided
        async with _text(took):
            scores = await self._sentences.scores(_recent(text, since))
        return await _guarded(Stage.ANSWER, text, ruled, scores, policy, listed, took)

    def passage(self, text: str) -> Verdict:
        (ruled, ms), policy = deadlines.timed(lambda: self._rules.passage(text)), policies.current()
        listed, took = lists.signals(policy, Stage.PASSAGE, text), {"rules": ms}
        if not ruled.allowed or not text.strip():
            decided = judge(Stage.PASSAGE, text, ruled, None, policy, further=listed, took=took)
            if not text.strip() or (decided.judged is not None and decided.judged.outcome.reviewed):
                return decided
        with _verdicts_only():
            scores, took["text"] = _in_time("text", 1, lambda: scored(text))
            signals, _ = _in_time("planted", 1, lambda: planted([text]))
        return judge(Stage.PASSAGE, text, ruled, scores, policy, further=[*signals, *listed], took=took)

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        with _verdicts_only():
            return _in_time("planted", len(texts), lambda: registry.planted().suspects(texts))[0]

    def passages(self, texts: Sequence[str], vectors: Vectors, suspects: Suspects | None = None) -> list[Verdict]:
        """The same for many at once, whose vectors are there anyway: of the texts as they are, whatever the classifiers
        read. What is judged of passages is whom they speak to, which no name of a group changes."""
        rules = [deadlines.timed(partial(self._rules.passage, text)) for text in texts]
        with _verdicts_only():
            classify, policy = registry.classify(), policies.current()
            rows, ms = _in_time("text", len(texts), lambda: _read(classify, texts, vectors))
            signals, _ = _in_time("planted", len(texts), lambda: planted(texts, suspects))
        return [
            judge(
                Stage.PASSAGE,
                text,
                ruled,
                dict(zip(classify.labels, map(float, row), strict=True)),
                policy,
                further=(signal, *lists.signals(policy, Stage.PASSAGE, text)),
                took={"rules": took, "text": ms / len(texts)},
            )
            for text, (ruled, took), row, signal in zip(texts, rules, rows, signals, strict=True)
        ]


def _recent(text: str, since: int) -> str:
    """What is new, and the words just before it: the rules look for phrases in all of `text`, but a classifier that
    reads too much of what was let through hardly hears what is new."""
    start = since - _CONTEXT
    if start <= 0:
        return text
    border = text.find(" ", start, since)
    return text[border + 1 if border >= 0 else start :]


async def _guarded(stage: Stage, text: str, ruled: Verdict, scores: Mapping[str, float], policy: Policy,
                   listed: Sequence[Signal], took: Took) -> Verdict:  # fmt: skip
    """The verdict; where the classifiers are unsure, with what the guard model says, if there is one."""
    verdict = judge(stage, text, ruled, scores, policy, further=listed, took=took)
    outcome = verdict.judged.outcome if verdict.judged else Outcome(None)
    if unsure(stage, scores, outcome, policy) and (said := await asked(stage, text, policy)) is not None:
        verdict = judge(stage, text, ruled, scores, policy, said, listed, took)
    if verdict.judged is None or not verdict.judged.outcome.reviewed:
        return verdict
    return await in_pool(located, verdict, policy, scored_together)


@asynccontextmanager
async def _text(took: dict[str, float]) -> AsyncIterator[None]:
    """The classifiers of texts have their time, which is written down. Raises TimeoutError, CheckUnavailable."""
    began = time.perf_counter()
    with _verdicts_only():
        async with asyncio.timeout(deadlines.SECONDS["text"]):
            yield
    took["text"] = (time.perf_counter() - began) * 1000


def _in_time(detector: str, texts: int, work: Callable[[], T]) -> tuple[T, float]:
    """What it says of so many passages, and the milliseconds. Raises TimeoutError."""
    seconds = deadlines.SECONDS[detector] + deadlines.PASSAGE_S * texts
    return deadlines.timed(lambda: deadlines.within(seconds, work))


@contextmanager
def _verdicts_only() -> Iterator[None]:
    """An engine that fails is no verdict."""
    try:
        yield
    except EngineError as error:
        raise CheckUnavailable from error


def _read(classify: TextClassifier, texts: Sequence[str], vectors: Vectors) -> Vectors:
    """A row a text, by vectors that the classifiers can read."""
    reads = registry.classify_embed()
    return _rows(classify, texts, vectors if reads is registry.embed() else reads.embed_passages(texts))


def _rows(classify: TextClassifier, texts: Sequence[str], vectors: Vectors) -> Vectors:
    """A row a text, a probability a label. Raises CheckUnavailable where they say anything else."""
    rows = np.asarray(classify.scores(texts, vectors))
    if rows.shape != (len(texts), len(classify.labels)) or not np.all((rows >= 0) & (rows <= 1)):
        raise CheckUnavailable
    return rows


def scored(text: str, vector: Vectors | None = None) -> dict[str, float]:
    """For each label the highest probability of any part of the text. `vector` is the whole text's, where known."""
    pieces, reads, classify = parts(text), registry.classify_embed(), registry.classify()
    read = [classify.reads(piece) for piece in pieces]
    if len(pieces) > 1:
        vectors = reads.embed_passages(read)
    elif vector is None or reads is not registry.embed() or read[0] != text:
        vectors = reads.embed_query(read[0])[None, :]
    else:
        vectors = vector[None, :]
    highest = np.max(_rows(classify, pieces, vectors), axis=0)
    return dict(zip(classify.labels, map(float, highest), strict=True))


def scored_together(texts: Sequence[str]) -> list[dict[str, float]]:
    """The same for several texts, in one pass of the embedder."""
    pieces, classify = [parts(text) for text in texts], registry.classify()
    every = [piece for of_text in pieces for piece in of_text]
    read = [classify.reads(piece) for piece in every]
    rows = _rows(classify, every, registry.classify_embed().embed_passages(read))
    starts = np.cumsum([0, *(len(of_text) for of_text in pieces[:-1])])
    highest = np.maximum.reduceat(rows, starts, axis=0)
    return [dict(zip(classify.labels, map(float, row), strict=True)) for row in highest]
