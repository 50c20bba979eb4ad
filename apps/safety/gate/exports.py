"""Check content that leaves a conversation, as an export or by a share link, under the clauses of that stage.

A verdict is stored per stage, content (keyed hash) and judge (policy version and weights), so repeated reads cost one
query. Text that a reviewer allowed passes.
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
from apps.safety.models.verdict_log import OutboundVerdict, Surface
from apps.safety.policy import strictness, versions
from apps.safety.policy.evaluation import BLOCKLIST_DETECTOR, UNCHECKED, PolicyResult, Signal, SignalStatus
from apps.safety.policy.schema import Action, Policy, Stage
from apps.safety.policy.verdicts import EvaluationRecord
from apps.safety.text.normalization import hash_text, normalise
from apps.safety.verdict_log import recorder, shadow

_AT_ONCE = 24  # texts that wait for the classifiers at once; each has its own deadline
_KEPT_DAYS = 90  # days that a verdict is stored after it was last computed


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """Verdict on content that leaves. `fresh` is set only if it was just computed, for the caller that opens a case."""

    outcome: PolicyResult
    fresh: EvaluationRecord | None = None

    @property
    def allowed(self) -> bool:
        return self.outcome.allowed

    @property
    def code(self) -> str:
        return self.outcome.code


_PASSES = ExportVerdict(PolicyResult(None))
_UNKNOWN = ExportVerdict(PolicyResult(Action.WITHHOLD, UNCHECKED, unchecked=True))  # no check could judge; not stored


def check_texts(stage: Stage, said: Sequence[str]) -> list[ExportVerdict]:
    """Return the verdict on each text, in order.

    For threads that may use the database and run no event loop, outside of a transaction: new texts are read by the
    classifiers.
    """
    policy = versions.load_fresh_policy()
    by = _judge_key(policy, registry.get_text_classifier().fingerprint)
    clean = [normalise(text) for text in said]
    marks = [recorder.keyed_hash(hash_text(text)) for text in clean]
    known = _load_verdicts(stage, by, marks)
    new = {mark: text for mark, text in zip(marks, clean, strict=True) if mark not in known and text.strip()}
    made = dict(zip(new, asyncio.run(_judge_new(stage, list(new.values()), policy)), strict=True)) if new else {}
    _store_verdicts(stage, by, made)
    found = known | made
    return [
        _PASSES if versions.is_allowed_text(text) else found.get(mark, _PASSES)
        for mark, text in zip(marks, clean, strict=True)
    ]  # fmt: skip


def check_picture(
    stage: Stage, sha256: str, words: str, content: Callable[[], bytes], pictogram: bool = False, anew: bool = False
) -> ExportVerdict:
    """Return the verdict on a picture, given its hash and the words in it or of its prompt.

    Words that a reviewer allowed match no blocklist; the picture itself is still checked. `content` returns its bytes.
    `anew` checks again even if the verdict is stored. For threads that may use the database.
    """
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
    found = _evaluate(
        stage, EvaluationRecord(stage, pictures.PROMPT_PREFIX + text, PolicyResult(None), signals), policy
    )
    _store_verdicts(stage, by, {mark: found})
    return found


def delete_old_verdicts() -> int:
    """Delete verdicts that were last computed over 90 days ago, and return how many. A periodic job of the worker."""
    old = OutboundVerdict.objects.filter(checked__lt=timezone.now() - timedelta(days=_KEPT_DAYS))
    return old.delete()[0]


def _is_incomplete(one: ExportVerdict) -> bool:
    """Return whether a detector failed or timed out, so that the next verdict may differ."""
    return one.fresh is not None and any(
        said.status in (SignalStatus.TIMEOUT, SignalStatus.ERROR) for said in one.fresh.signals
    )


def _judge_key(policy: Policy, weights: str) -> str:
    return f"{policy.sha256[:40]} {weights[-39:]}"


def _load_verdicts(stage: Stage, by: str, marks: Sequence[str]) -> dict[str, ExportVerdict]:
    rows = OutboundVerdict.objects.filter(stage=stage, by=by, content_hmac__in=set(marks))
    return {
        row.content_hmac: ExportVerdict(PolicyResult(Action(row.action) if row.action else None, row.code))
        for row in rows
    }


def _store_verdicts(stage: Stage, by: str, made: dict[str, ExportVerdict]) -> None:
    rows = [
        OutboundVerdict(stage=stage, content_hmac=mark, by=by, action=one.outcome.action or "", code=one.code)
        for mark, one in made.items()
        if one is not _UNKNOWN and not _is_incomplete(one)
    ]
    fields = ["by", "action", "code", "checked"]
    OutboundVerdict.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["stage", "content_hmac"], update_fields=fields
    )
    if made:
        shadow.write_verdicts()


async def _judge_new(stage: Stage, said: Sequence[str], policy: Policy) -> list[ExportVerdict]:
    found: list[ExportVerdict] = []
    for start in range(0, len(said), _AT_ONCE):
        verdicts = await asyncio.gather(*map(gate.check_text, said[start : start + _AT_ONCE]))
        for text, verdict in zip(said[start:], verdicts, strict=False):
            if verdict.judged is None:
                found.append(_PASSES if verdict.allowed else _UNKNOWN)
                continue
            others = tuple(signal for signal in verdict.judged.signals if signal.detector != BLOCKLIST_DETECTOR)
            listed: list[Signal] = blocklists.detect_blocklists(policy, stage, text)
            found.append(_evaluate(stage, replace(verdict.judged, signals=(*others, *listed)), policy))
    return found


def _evaluate(stage: Stage, judged: EvaluationRecord, policy: Policy) -> ExportVerdict:
    outcome = strictness.evaluate_at(stage, judged.signals, policy, Strictness.SITE)
    found = replace(judged, stage=stage, outcome=outcome, policy=policy.number)
    recorder.queue_verdict(found, Strictness.SITE, policy.number, Surface.CHAT)
    return ExportVerdict(outcome, found)
