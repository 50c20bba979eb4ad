"""Evaluate signals under a policy: `evaluate_policy` is pure and versioned, so every verdict can be recomputed
exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from apps.safety.policy.schema import ACTION_ORDER, EXPORT_STAGES, Action, Clause, FailureMode, Policy, Stage, Threshold

GUARD_DETECTOR = "guard"  # a language model; gives a signal like other detectors, never the verdict
PICTURE_DETECTOR = "pictures"  # the picture classifier
BLOCKLIST_DETECTOR = "lists"  # blocklists of the site; the signal names the list, the policy its action
SELF_HARM = "self_harm"
UNCHECKED = "unchecked"  # a detector was missing
SECRETS = "secrets"
REPORTED = "reported"  # reported by a reader, not found by a detector; no clause of the policy
ACCOUNT = "account"  # an administrator suspended the account
_NUMBERS = (int, float, np.floating)  # a tuple: a union made at each check takes nearly four times as long


class SignalStatus(TextChoices):
    """Status of a signal. A missing signal is reported as such, never as a score of zero."""

    OK = "ok", gettext_lazy("answered")
    TIMEOUT = "timeout", gettext_lazy("too late")
    ERROR = "error", gettext_lazy("failed")
    MISSING = "missing", gettext_lazy("not set up")
    SKIPPED = "skipped", gettext_lazy("not asked")  # another detector had decided


@dataclass(frozen=True, slots=True)
class Signal:
    """Result of one detector on a text. Rules name a clause code; classifiers score every label they know."""

    detector: str
    version: str
    status: SignalStatus
    scores: Mapping[str, float]
    match_key: str = ""  # clause code of the rule, or key of the blocklist, that matched; "": none
    ms: float = 0.0
    spans: tuple[tuple[int, int], ...] = ()  # (start, end) of findings, for reviewers; not used by verdicts

    def validated(self) -> Signal:
        """Return the signal, or one with status ERROR and no scores if any score is not a number from 0 to 1."""
        return (
            self if all(map(_is_score, self.scores.values())) else replace(self, status=SignalStatus.ERROR, scores={})
        )

    def rounded(self) -> Signal:
        """Return the signal with scores rounded as stored, so that a recomputed verdict equals the first."""
        validated = self.validated()
        return replace(validated, scores=_rounded(validated.scores)) if validated.scores else validated

    def to_json(self) -> dict[str, Any]:
        """Return the signal as JSON for storage, with scores rounded to six digits."""
        spans = {"spans": [list(span) for span in self.spans]} if self.spans else {}
        return {
            "detector": self.detector,
            "version": self.version,
            "status": str(self.status),
            "scores": _rounded(self.scores),
            "rule": self.match_key,
            "ms": round(self.ms, 2),
            **spans,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Signal:
        """Return the signal that `row` stored."""
        spans = tuple((int(start), int(end)) for start, end in row.get("spans", ()))
        return cls(
            row["detector"], row["version"], SignalStatus(row["status"]), row["scores"], row["rule"], row["ms"], spans
        )


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """Result of an evaluation.

    `code` is the clause that decided; "" if none did. `action` is None if nothing was found. `unchecked` is True if a
    detector was missing.
    """

    action: Action | None
    code: str = ""
    severity: int = 0
    score: float = 0.0  # of the label, 0 to 1; 1 for a rule
    unchecked: bool = False
    strictness: str = "site"  # a `Strictness` value

    @property
    def allowed(self) -> bool:
        return self.action not in (Action.WITHHOLD, Action.SEND)

    @property
    def reviewed(self) -> bool:
        return self.action in (Action.REVIEW, Action.SEND)


def evaluate_policy(stage: Stage, signals: Sequence[Signal], policy: Policy) -> PolicyResult:
    """Return the strictest action that any clause requires. Pure; scores are 0 to 1.

    Ties go to the more severe clause, then to the higher score; a withheld self-harm text comes before all. A
    fail-closed clause with thresholds at this stage gives at least WITHHOLD if a detector was missing. So it does if no
    valid signal scored it and no detector was skipped.
    """
    signals = [signal.rounded() for signal in signals]
    if stage in EXPORT_STAGES:
        clauses = {code: resolve_clause(stage, clause, signals) for code, clause in policy.clauses.items()}
        policy = replace(policy, clauses=clauses)
    results = [result for signal in signals for result in _results_of_signal(stage, signal, policy)]
    missing = any(
        signal.status in (SignalStatus.TIMEOUT, SignalStatus.ERROR, SignalStatus.MISSING) for signal in signals
    )
    fail_closed = [
        clause
        for clause in policy.clauses.values()
        if clause.thresholds.get(stage) and clause.failure_mode is FailureMode.CLOSED
    ]
    withheld = PolicyResult(
        Action.WITHHOLD, UNCHECKED, max((clause.severity for clause in fail_closed), default=0), 0.0, True
    )
    if missing and fail_closed:
        results.append(withheld)
    elif missing and stage is Stage.PICTURE:
        results.append(PolicyResult(Action.LABEL, UNCHECKED, 0, 0.0, True))
    strictest = max(results, key=_precedence, default=PolicyResult(None))
    if strictest.allowed and _is_unscored(fail_closed, signals):
        strictest = withheld
    return replace(strictest, unchecked=True) if missing and not strictest.unchecked else strictest


def resolve_clause(stage: Stage, clause: Clause, signals: Sequence[Signal]) -> Clause:
    """Return the clause with its thresholds for an export stage.

    Without its own thresholds, or for a picture that no classifier scored, those of answers or pictures apply.
    """
    is_picture = any(signal.detector == PICTURE_DETECTOR for signal in signals)
    has_score = any(clause.code in signal.scores for signal in signals)
    own_thresholds: tuple[Threshold, ...] = clause.thresholds.get(stage, ()) if has_score or not is_picture else ()
    fallback = clause.thresholds.get(Stage.PICTURE if is_picture else Stage.ANSWER, ())
    return replace(clause, thresholds={stage: own_thresholds or fallback})


def _is_unscored(fail_closed: Sequence[Clause], signals: Sequence[Signal]) -> bool:
    """Return whether a fail-closed clause has no score and no signal says that none was needed."""
    if any(signal.status is SignalStatus.SKIPPED for signal in signals):
        return False
    scored = {label for signal in signals if signal.status is SignalStatus.OK for label in signal.scores}
    return any(clause.code not in scored for clause in fail_closed)


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {label: round(float(score), 6) for label, score in sorted(scores.items())}


def _is_score(score: object) -> bool:
    return isinstance(score, _NUMBERS) and bool(0 <= score <= 1)


def _results_of_signal(stage: Stage, signal: Signal, policy: Policy) -> list[PolicyResult]:
    if signal.status is not SignalStatus.OK:
        return []
    results = []
    if (
        (blocklist := policy.blocklists.get(signal.match_key))
        and signal.detector == BLOCKLIST_DETECTOR
        and (clause := policy.clause(blocklist.code))
    ):
        results.append(PolicyResult(_soften(stage, blocklist.action), clause.code, clause.severity, 1.0))
    if signal.match_key and (clause := policy.clause(signal.match_key)):
        results.append(PolicyResult(_rule_action(stage, clause), clause.code, clause.severity, 1.0))
    for label, score in signal.scores.items():
        clause = policy.clause(label)
        reached = (
            [threshold.action for threshold in clause.thresholds.get(stage, ()) if score >= threshold.min_score]
            if clause
            else []
        )
        if clause and reached:
            results.append(PolicyResult(reached[-1], label, clause.severity, score))
        elif clause and signal.detector == GUARD_DETECTOR and score >= 1 and clause.rule_action is not Action.NOTE:
            # No threshold of its own: reviewed.
            results.append(PolicyResult(Action.REVIEW, label, clause.severity, score))
    return results


def _rule_action(stage: Stage, clause: Clause) -> Action:
    """Return the action of a matching rule at the stage, milder where the text is the user's own.

    A passage is its owner's text: a rule finding is reviewed, never withheld. A secret is labelled, since reviewers
    need not see passwords.
    """
    if clause.rule_action is Action.REDACT and stage is not Stage.ANSWER:  # the user's own text is not redacted
        return Action.LABEL if clause.code == SECRETS else Action.NOTE
    mild = clause.rule_action is Action.NOTE or (clause.code == SECRETS and clause.rule_action is Action.LABEL)
    return clause.rule_action if stage is not Stage.PASSAGE or mild else Action.REVIEW


def _soften(stage: Stage, action: Action) -> Action:
    withholds = action in (Action.WITHHOLD, Action.SEND)
    return Action.REVIEW if stage is Stage.PASSAGE and withholds else action


def _precedence(result: PolicyResult) -> tuple[bool, int, int, float]:
    """Return the sort key of a result. A withheld self-harm text comes first, so that the user gets help."""
    action = -1 if result.action is None else ACTION_ORDER.index(result.action)
    return result.code == SELF_HARM and not result.allowed, action, result.severity, result.score
