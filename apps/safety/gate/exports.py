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
    """Verdict on content that leaves. `new_evaluation` is set only if it was just computed, for the
    caller that opens a case."""

    result: PolicyResult
    new_evaluation: EvaluationRecord | None = None

    @property
    def allowed(self) -> bool:
        return self.result.allowed

    @property
    def code(self) -> str:
        return self.result.code


_PASSES = ExportVerdict(PolicyResult(None))
_UNKNOWN = ExportVerdict(PolicyResult(Action.WITHHOLD, UNCHECKED, unchecked=True))  # no check could judge; not stored


def check_texts(stage: Stage, texts: Sequence[str]) -> list[ExportVerdict]:
    """Return the verdict on each text, in order.

    For threads that may use the database and run no event loop, outside of a transaction: new texts are read by the
    classifiers.
    """
    policy = versions.load_fresh_policy()
    judge = _judge_key(policy, registry.get_text_classifier().fingerprint)
    normalised = [normalise(text) for text in texts]
    hashes = [recorder.keyed_hash(hash_text(text)) for text in normalised]
    stored = _load_verdicts(stage, judge, hashes)
    new = {
        content_hash: text
        for content_hash, text in zip(hashes, normalised, strict=True)
        if content_hash not in stored and text.strip()
    }
    computed = dict(zip(new, asyncio.run(_judge_new(stage, list(new.values()), policy)), strict=True)) if new else {}
    _store_verdicts(stage, judge, computed)
    verdicts = stored | computed
    return [
        _PASSES if versions.is_allowed_text(text) else verdicts.get(content_hash, _PASSES)
        for content_hash, text in zip(hashes, normalised, strict=True)
    ]  # fmt: skip


def check_picture(
    stage: Stage, sha256: str, words: str, content: Callable[[], bytes], pictogram: bool = False, anew: bool = False
) -> ExportVerdict:
    """Return the verdict on a picture, given its hash and the words in it or of its prompt.

    Words that a reviewer allowed match no blocklist; the picture itself is still checked. `content` returns its bytes.
    `anew` checks again even if the verdict is stored. For threads that may use the database.
    """
    policy, classifier = versions.load_fresh_policy(), registry.get_image_classifier()
    judge = _judge_key(policy, classifier.fingerprint if classifier is not None else "none")
    text = normalise(words)
    is_allowed = not text or versions.is_allowed_text(text) or versions.is_allowed_text(pictures.PROMPT_PREFIX + text)
    content_hash = recorder.keyed_hash(hash_text(f"picture {sha256}\n{'' if is_allowed else text}"))
    if not anew and (row := _load_verdicts(stage, judge, [content_hash]).get(content_hash)) is not None:
        return row
    signals = (
        pictures.classify_picture(content, pictogram),
        *([] if is_allowed else blocklists.detect_blocklists(policy, stage, text)),
    )
    verdict = _evaluate(
        stage, EvaluationRecord(stage, pictures.PROMPT_PREFIX + text, PolicyResult(None), signals), policy
    )
    _store_verdicts(stage, judge, {content_hash: verdict})
    return verdict


def delete_old_verdicts() -> int:
    """Delete verdicts that were last computed over 90 days ago, and return how many. A periodic job of the worker."""
    old = OutboundVerdict.objects.filter(checked__lt=timezone.now() - timedelta(days=_KEPT_DAYS))
    return old.delete()[0]


def _is_incomplete(verdict: ExportVerdict) -> bool:
    """Return whether a detector failed or timed out, so that the next verdict may differ."""
    return verdict.new_evaluation is not None and any(
        signal.status in (SignalStatus.TIMEOUT, SignalStatus.ERROR) for signal in verdict.new_evaluation.signals
    )


def _judge_key(policy: Policy, weights: str) -> str:
    return f"{policy.sha256[:40]} {weights[-39:]}"


def _load_verdicts(stage: Stage, judge: str, hashes: Sequence[str]) -> dict[str, ExportVerdict]:
    rows = OutboundVerdict.objects.filter(stage=stage, judge=judge, content_hmac__in=set(hashes))
    return {
        row.content_hmac: ExportVerdict(PolicyResult(Action(row.action) if row.action else None, row.code))
        for row in rows
    }


def _store_verdicts(stage: Stage, judge: str, verdicts: dict[str, ExportVerdict]) -> None:
    rows = [
        OutboundVerdict(
            stage=stage, content_hmac=content_hash, judge=judge, action=verdict.result.action or "", code=verdict.code
        )
        for content_hash, verdict in verdicts.items()
        if verdict is not _UNKNOWN and not _is_incomplete(verdict)
    ]
    fields = ["judge", "action", "code", "checked"]
    OutboundVerdict.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["stage", "content_hmac"], update_fields=fields
    )
    if verdicts:
        shadow.write_verdicts()


async def _judge_new(stage: Stage, texts: Sequence[str], policy: Policy) -> list[ExportVerdict]:
    results: list[ExportVerdict] = []
    for start in range(0, len(texts), _AT_ONCE):
        verdicts = await asyncio.gather(*map(gate.check_text, texts[start : start + _AT_ONCE]))
        for text, verdict in zip(texts[start:], verdicts, strict=False):
            if verdict.evaluation is None:
                results.append(_PASSES if verdict.allowed else _UNKNOWN)
                continue
            others = tuple(signal for signal in verdict.evaluation.signals if signal.detector != BLOCKLIST_DETECTOR)
            list_signals: list[Signal] = blocklists.detect_blocklists(policy, stage, text)
            results.append(_evaluate(stage, replace(verdict.evaluation, signals=(*others, *list_signals)), policy))
    return results


def _evaluate(stage: Stage, evaluation: EvaluationRecord, policy: Policy) -> ExportVerdict:
    result = strictness.evaluate_at(stage, evaluation.signals, policy, Strictness.SITE)
    evaluated = replace(evaluation, stage=stage, result=result, policy_number=policy.number)
    recorder.queue_verdict(evaluated, Strictness.SITE, policy.number, Surface.CHAT)
    return ExportVerdict(result, evaluated)
