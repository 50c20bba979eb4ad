"""What leaves a conversation, as an export or by a link, is judged under the clauses of that stage before it does.

A verdict is kept for stage, content (by the hash that only this site can make) and what judged it (version of the
policy, weights), so that a page that is read again costs one query. A text that a person has allowed passes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils import timezone

from apps.engines import registry
from apps.safety import gate, hits, levels, pictures, policies, recorded, shadowing
from apps.safety.check import Judged
from apps.safety.folding import LISTS, UNCHECKED, Outcome, Signal, Status
from apps.safety.intake import fingerprint, normalise
from apps.safety.levels import Level
from apps.safety.policy import Action, Policy, Stage
from apps.safety.recorded import Leaving, Surface

_AT_ONCE = 24  # texts that wait for the classifiers together: each has its deadline
_KEPT_DAYS = 90  # that a verdict is kept after it was last made anew


@dataclass(frozen=True, slots=True)
class Left:
    """Whether it may leave. `fresh` is there where it was judged just now, for whoever opens a case."""

    outcome: Outcome
    fresh: Judged | None = None

    @property
    def allowed(self) -> bool:
        return self.outcome.allowed

    @property
    def code(self) -> str:
        return self.outcome.code


_PASSES = Left(Outcome(None))
_UNKNOWN = Left(Outcome(Action.WITHHOLD, UNCHECKED, unchecked=True))  # nobody could judge: it is not kept


def texts(stage: Stage, said: Sequence[str]) -> list[Left]:
    """Of each, in their order. Only for threads that may use the database and have no running loop, and outside of a
    transaction: what is new is read by the classifiers."""
    policy = policies.fresh()
    by = _by(policy, registry.classify().fingerprint)
    clean = [normalise(text) for text in said]
    marks = [recorded.mark(fingerprint(text)) for text in clean]
    known = _known(stage, by, marks)
    new = {mark: text for mark, text in zip(marks, clean, strict=True) if mark not in known and text.strip()}
    made = dict(zip(new, asyncio.run(_judged(stage, list(new.values()), policy)), strict=True)) if new else {}
    _keep(stage, by, made)
    found = known | made
    return [
        _PASSES if policies.allowed(text) else found.get(mark, _PASSES)
        for mark, text in zip(marks, clean, strict=True)
    ]  # fmt: skip


def picture(
    stage: Stage, sha256: str, words: str, content: Callable[[], bytes], pictogram: bool = False, anew: bool = False
) -> Left:
    """Likewise of one picture with that hash, drawn from, or holding, those words. Words that a person has allowed are
    no hit of a list; what the picture shows is judged all the same. `anew`: also where its verdict is known."""
    policy, classify = policies.fresh(), registry.classify_pictures()
    by = _by(policy, classify.fingerprint if classify is not None else "none")
    text = normalise(words)
    passed = not text or policies.allowed(text) or policies.allowed(pictures.DRAWN + text)
    mark = recorded.mark(fingerprint(f"picture {sha256}\n{'' if passed else text}"))
    if not anew and (row := _known(stage, by, [mark]).get(mark)) is not None:
        return row
    signals = (pictures.look(content, pictogram), *([] if passed else hits.signals(policy, stage, text)))
    found = _at(stage, Judged(stage, pictures.DRAWN + text, Outcome(None), signals), policy)
    _keep(stage, by, {mark: found})
    return found


def sweep() -> int:
    """Verdicts that nobody has needed anew for long are gone; how many. For the worker."""
    old = Leaving.objects.filter(judged__lt=timezone.now() - timedelta(days=_KEPT_DAYS))
    return old.delete()[0]


def _in_part(one: Left) -> bool:
    """Whether something that judges failed or was late: the next time may say otherwise."""
    return one.fresh is not None and any(said.status in (Status.TIMEOUT, Status.ERROR) for said in one.fresh.signals)


def _by(policy: Policy, weights: str) -> str:
    return f"{policy.sha256[:40]} {weights[-39:]}"


def _known(stage: Stage, by: str, marks: Sequence[str]) -> dict[str, Left]:
    rows = Leaving.objects.filter(stage=stage, by=by, mark__in=set(marks))
    return {row.mark: Left(Outcome(Action(row.action) if row.action else None, row.code)) for row in rows}


def _keep(stage: Stage, by: str, made: dict[str, Left]) -> None:
    rows = [
        Leaving(stage=stage, mark=mark, by=by, action=one.outcome.action or "", code=one.code)
        for mark, one in made.items()
        if one is not _UNKNOWN and not _in_part(one)
    ]
    fields = ["by", "action", "code", "judged"]
    Leaving.objects.bulk_create(rows, update_conflicts=True, unique_fields=["stage", "mark"], update_fields=fields)
    if made:
        shadowing.write()


async def _judged(stage: Stage, said: Sequence[str], policy: Policy) -> list[Left]:
    found: list[Left] = []
    for start in range(0, len(said), _AT_ONCE):
        verdicts = await asyncio.gather(*map(gate.looked_at, said[start : start + _AT_ONCE]))
        for text, verdict in zip(said[start:], verdicts, strict=False):
            if verdict.judged is None:
                found.append(_PASSES if verdict.allowed else _UNKNOWN)
                continue
            others = tuple(signal for signal in verdict.judged.signals if signal.detector != LISTS)
            listed: list[Signal] = hits.signals(policy, stage, text)
            found.append(_at(stage, replace(verdict.judged, signals=(*others, *listed)), policy))
    return found


def _at(stage: Stage, judged: Judged, policy: Policy) -> Left:
    outcome = levels.judged(stage, judged.signals, policy, Level.SITE)
    found = replace(judged, stage=stage, outcome=outcome, policy=policy.number)
    recorded.note(found, Level.SITE, policy.number, Surface.CHAT)
    return Left(outcome, found)
