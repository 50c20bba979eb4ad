"""Ask the guard model about texts on which the classifiers are unsure, and turn its answer into a signal."""

from __future__ import annotations

import time
from collections.abc import Mapping

from apps.engines import registry
from apps.engines.types import EngineError, EngineUnavailable
from apps.lib.concurrency.threads import in_db
from apps.safety.models import detector_outages
from apps.safety.policy.evaluation import GUARD_DETECTOR, PolicyResult, Signal, SignalStatus
from apps.safety.policy.schema import Policy, Stage

UNSURE_FROM = 0.5  # share of a clause's lowest threshold, from which a score is not clearly harmless


def is_unsure(stage: Stage, scores: Mapping[str, float], outcome: PolicyResult, policy: Policy) -> bool:
    """Return whether the text is allowed although some score is near a threshold of its clause."""
    if not outcome.allowed:
        return False
    for label, score in scores.items():
        clause = policy.clause(label)
        steps = clause.thresholds.get(stage, ()) if clause else ()
        if steps and score >= UNSURE_FROM * steps[0].min_score:
            return True
    return False


async def ask_guard(stage: Stage, text: str, policy: Policy) -> Signal | None:
    """Return the signal of the guard model, a failure as its status; None if no guard model is configured."""
    guard = registry.get_guard_engine()
    if guard is None:
        return None
    clauses = {clause.code: f"{clause.title}. {clause.text}" for clause in policy.clauses.values()}
    began, scores, status = time.perf_counter(), {}, SignalStatus.OK
    try:
        scores = dict(await guard.judge(text, stage is Stage.ANSWER, clauses))
    except EngineUnavailable:
        status = SignalStatus.TIMEOUT
    except EngineError:
        status = SignalStatus.ERROR
    signal = Signal(
        GUARD_DETECTOR, guard.fingerprint, status, scores, ms=(time.perf_counter() - began) * 1000
    ).validated()
    if signal.status is not SignalStatus.OK and detector_outages.record_outage(GUARD_DETECTOR, signal.status):
        await in_db(detector_outages.write_outages)
    return signal
