"""Apply the strictness of an assistant: as the site's policy, or stricter, never milder.

Signals stay as they are; a level only moves the policy's thresholds. A stricter verdict is therefore computed from the
same signals, and never lets through what the site withholds.

Withheld beside what the site withholds, by level: `site` nothing. `strict` content that the site labels, blurs or
reviews, and the upper half of the range that it notes below a withholding threshold. `strictest` whatever it notes,
labels, blurs or reviews, and pictures that no classifier checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

from apps.safety.models.strictness import Strictness
from apps.safety.policy.evaluation import SELF_HARM, UNCHECKED, PolicyResult, Signal, evaluate_policy
from apps.safety.policy.schema import Action, Clause, Policy, Stage, Threshold
from apps.safety.policy.user_messages import CRISIS_SUPPORT
from apps.safety.policy.verdicts import Verdict

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


DESCRIPTIONS: dict[Strictness, StrOrPromise] = {
    Strictness.SITE: gettext_lazy("everything that the policy of the site allows."),
    Strictness.STRICT: gettext_lazy(
        "content that the site only labels, sends to review or almost withholds is withheld too."
    ),
    Strictness.STRICTEST: gettext_lazy("everything that a check flags is withheld, including some harmless texts."),
}
QUESTION_MESSAGE = (
    "This assistant is stricter than the site, so it does not answer this question. Rephrase it, or "
    "ask another assistant."
)
ANSWER_MESSAGE = "The rest of this answer was withheld, because this assistant is stricter than the site."
PICTURE_MESSAGE = "This picture was withheld, because the assistant used for it is stricter than the site."

# Personal data in a text can be redacted; a level never withholds a text for it.
_KEPT = frozenset({"personal_data"})


def strictest_of(*levels: Strictness) -> Strictness:
    """Return the strictest of the levels."""
    return max(levels, key=list(Strictness).index)


def evaluate_at(stage: Stage, signals: Sequence[Signal], policy: Policy, level: Strictness) -> PolicyResult:
    """Return the result of the signals at the level. Pure."""
    plain = evaluate_policy(stage, signals, policy)
    if level == Strictness.SITE or not plain.allowed:
        return plain
    outcome = evaluate_policy(stage, signals, tighten_policy(policy, level))
    action = outcome.action
    if action is not None and not _stays(outcome, level):
        action = _harder(action, level)  # for results without a threshold, such as a guard model's doubt
    return replace(outcome, action=action, level=str(level))


def apply_strictness(verdict: Verdict, level: Strictness, policy: Policy) -> Verdict:
    """Return the verdict at the level. A verdict that withholds already is returned unchanged."""
    found = verdict.judged
    if level == Strictness.SITE or not verdict.allowed or found is None or found.outcome.action is None:
        return verdict  # a level only makes findings stricter
    stage = Stage(found.stage)
    outcome = evaluate_at(stage, found.signals, policy, level)
    if outcome.allowed:
        return verdict
    words = {Stage.QUESTION: QUESTION_MESSAGE, Stage.PICTURE: PICTURE_MESSAGE}.get(stage, ANSWER_MESSAGE)
    words = CRISIS_SUPPORT if outcome.code == SELF_HARM else words
    return Verdict(False, outcome.code, words, replace(found, outcome=outcome))


def tighten_policy(policy: Policy, level: Strictness) -> Policy:
    """Return the policy with thresholds, rules and blocklists as strict as the level requires."""
    if level == Strictness.SITE:
        return policy
    return replace(
        policy,
        clauses={code: _clause(clause, level) for code, clause in policy.clauses.items()},
        lists={key: replace(own, action=_harder(own.action, level)) for key, own in policy.lists.items()},
    )


def _clause(clause: Clause, level: Strictness) -> Clause:
    if clause.code in _KEPT:
        return clause
    steps = {stage: _steps(steps, level) for stage, steps in clause.steps.items()}
    return replace(clause, rule=_harder(clause.rule, level), steps=steps)


def _steps(steps: Sequence[Threshold], level: Strictness) -> tuple[Threshold, ...]:
    """Return each threshold made stricter.

    At STRICT, the upper half of the range that is only noted below a withholding threshold is withheld.
    """
    nearer = [
        Threshold((low.least + high.least) / 2, Action.WITHHOLD)
        for low, high in pairwise(steps)
        if level == Strictness.STRICT and low.action is Action.NOTE and high.action in (Action.WITHHOLD, Action.SEND)
    ]
    harder = [Threshold(step.least, _harder(step.action, level)) for step in steps]
    return tuple(sorted([*harder, *nearer], key=lambda step: step.least))


def _harder(action: Action, level: Strictness) -> Action:
    """Return the stricter action. Reviews are not added, as strictness is the choice of an assistant's author."""
    if action is Action.REVIEW:
        return Action.SEND
    if action in (Action.LABEL, Action.BLUR) or (action is Action.NOTE and level == Strictness.STRICTEST):
        return Action.WITHHOLD
    return action


def _stays(outcome: PolicyResult, level: Strictness) -> bool:
    return outcome.code in _KEPT or (outcome.code == UNCHECKED and level == Strictness.STRICT)
