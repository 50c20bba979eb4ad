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
from apps.safety.detectors import blocklists
from apps.safety.gate import gate, pictures
from apps.safety.models.strictness import Strictness
from apps.safety.models.verdict_log import Leaving, Surface
from apps.safety.policy import strictness, versions
from apps.safety.policy.evaluation import BLOCKLIST_DETECTOR, UNCHECKED, PolicyResult, Signal, SignalStatus
from apps.safety.policy.schema import Action, Policy, Stage
from apps.safety.policy.verdicts import EvaluationRecord
from apps.safety.text.normalization import hash_text, normalise
from apps.safety.verdict_log import recorder, shadow

_AT_ONCE = 24  # texts that wait for the classifiers together: each has its deadline
_KEPT_DAYS = 90  # that a verdict is kept after it was last made anew


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """Whether it may leave. `fresh` is there where it was judged just now, for whoever opens a case."""

    outcome: PolicyResult
    fresh: EvaluationRecord | None = None

    @property
    def allowed(self) -> bool:
        return self.outcome.allowed

    @property
    def code(self) -> str:
        return self.outcome.code


_PASSES = ExportVerdict(PolicyResult(None))
_UNKNOWN = ExportVerdict(PolicyResult(Action.WITHHOLD, UNCHECKED, unchecked=True))  # nobody could judge: it is not kept


def check_texts(stage: Stage, said: Sequence[str]) -> list[ExportVerdict]:
    """Of each, in their order. Only for threads that may use the database and have no running loop, and outside of a
    transaction: what is new is read by the classifiers."""
    policy = versions.load_fresh_policy()
    by = _judge_key(policy, registry.get_text_classifier().fingerprint)
    clean = [normalise(text) for text in said]
    marks = [recorder.keyed_hash(hash_text(text)) for text in clean]
    known = _load_verdicts(stage, by, marks)
    new = {mark: text for mark, text in zip(marks, clean, strict=True) if mark not in known and text.strip()}
    made = dict(zip(new, asyncio.run(_judged(stage, list(new.values()), policy)), strict=True)) if new else {}
    _store_verdicts(stage, by, made)
    found = known | made
    return [
        _PASSES if versions.is_allowed_text(text) else found.get(mark, _PASSES)
        for mark, text in zip(marks, clean, strict=True)
    ]  # fmt: skip


def check_picture(
    stage: Stage, sha256: str, words: str, content: Callable[[], bytes], pictogram: bool = False, anew: bool = False
) -> ExportVerdict:
    """Likewise of one picture with that hash, drawn from, or holding, those words. Words that a person has allowed are
    no hit of a list; what the picture shows is judged all the same. `anew`: also where its verdict is known."""
    policy, classify = versions.load_fresh_policy(), registry.get_image_classifier()
    by = _judge_key(policy, classify.fingerprint if classify is not None else "none")
    text = normalise(words)
    passed = not text or versions.is_allowed_text(text) or versions.is_allowed_text(pictures.PROMPT_PREFIX + text)
    mark = recorder.keyed_hash(hash_text(f"picture {sha256}\n{'' if passed else text}"))
    if not anew and (row := _load_verdicts(stage, by, [mark]).get(mark)) is not None:
        return row
    signals = (
        pictures.classify_picture(content, pictogram),
        *([] if passed else blocklists.detect_blocklists(policy, stage, text)),
    )
    found = _at(stage, EvaluationRecord(stage, pictures.PROMPT_PREFIX + text, PolicyResult(None), signals), policy)
    _store_verdicts(stage, by, {mark: found})
    return found


def delete_old_verdicts() -> int:
    """Verdicts that nobody has needed anew for long are gone; how many. For the worker."""
    old = Leaving.objects.filter(judged__lt=timezone.now() - timedelta(days=_KEPT_DAYS))
    return old.delete()[0]


def _is_incomplete(one: ExportVerdict) -> bool:
    """Whether something that judges failed or was late: the next time may say otherwise."""
    return one.fresh is not None and any(
        said.status in (SignalStatus.TIMEOUT, SignalStatus.ERROR) for said in one.fresh.signals
    )


def _judge_key(policy: Policy, weights: str) -> str:
    return f"{policy.sha256[:40]} {weights[-39:]}"


def _load_verdicts(stage: Stage, by: str, marks: Sequence[str]) -> dict[str, ExportVerdict]:
    rows = Leaving.objects.filter(stage=stage, by=by, mark__in=set(marks))
    return {row.mark: ExportVerdict(PolicyResult(Action(row.action) if row.action else None, row.code)) for row in rows}


def _store_verdicts(stage: Stage, by: str, made: dict[str, ExportVerdict]) -> None:
    rows = [
        Leaving(stage=stage, mark=mark, by=by, action=one.outcome.action or "", code=one.code)
        for mark, one in made.items()
        if one is not _UNKNOWN and not _is_incomplete(one)
    ]
    fields = ["by", "action", "code", "judged"]
    Leaving.objects.bulk_create(rows, update_conflicts=True, unique_fields=["stage", "mark"], update_fields=fields)
    if made:
        shadow.write_verdicts()


async def _judged(stage: Stage, said: Sequence[str], policy: Policy) -> list[ExportVerdict]:
    found: list[ExportVerdict] = []
    for start in range(0, len(said), _AT_ONCE):
        verdicts = await asyncio.gather(*map(gate.check_text, said[start : start + _AT_ONCE]))
        for text, verdict in zip(said[start:], verdicts, strict=False):
            if verdict.judged is None:
                found.append(_PASSES if verdict.allowed else _UNKNOWN)
                continue
            others = tuple(signal for signal in verdict.judged.signals if signal.detector != BLOCKLIST_DETECTOR)
            listed: list[Signal] = blocklists.detect_blocklists(policy, stage, text)
            found.append(_at(stage, replace(verdict.judged, signals=(*others, *listed)), policy))
    return found


def _at(stage: Stage, judged: EvaluationRecord, policy: Policy) -> ExportVerdict:
    outcome = strictness.evaluate_at(stage, judged.signals, policy, Strictness.SITE)
    found = replace(judged, stage=stage, outcome=outcome, policy=policy.number)
    recorder.queue_verdict(found, Strictness.SITE, policy.number, Surface.CHAT)
    return ExportVerdict(outcome, found)
