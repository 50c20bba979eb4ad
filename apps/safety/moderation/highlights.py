"""Highlight the parts of a frozen text that its signals point at, and name the check that flagged it, for reviewers.

If no signal names a span, the whole text is highlighted.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.lib.text.spans import merge_spans
from apps.safety.models import Case
from apps.safety.models.strictness import Strictness
from apps.safety.moderation import masking
from apps.safety.policy.evaluation import Signal, SignalStatus, resolve_clause
from apps.safety.policy.schema import Policy, Stage, Threshold
from apps.safety.policy.strictness import tighten_policy

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Trigger:
    """Check that flagged a text: by a score and the threshold it reached, by a blocklist, or by a rule.

    `threshold` None with a score: a check without thresholds of its own. `blocklist` is the name of the list; "": none.
    """

    detector: str
    score: float | None = None
    threshold: Threshold | None = None
    blocklist: str = ""


def find_trigger(case: Case, policy: Policy) -> Trigger | None:
    """Return the check that flagged the case under its clause; None if its signals name none, as for a user report.

    `policy` is the policy that judged the text. Prefers the check whose threshold asked for the stored action, then the
    highest score.
    """
    snapshot, code = case.snapshot, case.clause
    clause = tighten_policy(policy, Strictness(snapshot.strictness)).clause(code)
    signals = [signal for signal in map(Signal.from_json, snapshot.signals) if signal.status is SignalStatus.OK]
    if clause is None or snapshot.stage not in Stage.values:
        return None
    thresholds = resolve_clause(Stage(snapshot.stage), clause, signals).thresholds.get(Stage(snapshot.stage), ())
    triggers = []
    for signal in signals:
        blocklist = policy.blocklists.get(signal.match_key)
        if code == signal.match_key or (blocklist and code == blocklist.code):
            triggers.append(Trigger(signal.detector, blocklist=blocklist.name if blocklist else ""))
        if (score := signal.scores.get(code, 0.0)) > 0:
            reached = [threshold for threshold in thresholds if score >= threshold.min_score]
            triggers.append(Trigger(signal.detector, score, reached[-1] if reached else None))

    def precedence(trigger: Trigger) -> tuple[bool, float]:
        asked = trigger.threshold is not None and trigger.threshold.action == snapshot.action
        return asked, 1.0 if trigger.score is None else trigger.score

    return max(triggers, key=precedence, default=None)


def split_highlights(case: Case, policy: Policy) -> list[tuple[str, bool]]:
    """Return the text in order, secrets masked, as pieces with whether each is highlighted.

    `policy` is the policy that judged the text.
    """
    text = case.snapshot.text
    spans = merge_spans(find_signal_spans(case, policy))
    return masking.split_masked(text, spans or [(0, len(text))])


def find_signal_spans(case: Case, policy: Policy) -> list[Span]:
    """Return the spans (start, end) of the signals that concern the clause of the case, unsorted."""
    spans: list[Span] = []
    for signal in map(Signal.from_json, case.snapshot.signals):
        blocklist = policy.blocklists.get(signal.match_key)
        if case.clause in (signal.match_key, blocklist.code if blocklist else "") or case.clause in signal.scores:
            spans += [(max(0, start), min(end, len(case.snapshot.text))) for start, end in signal.spans]
    return [(start, end) for start, end in spans if end > start]
