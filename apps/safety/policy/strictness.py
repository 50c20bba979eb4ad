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
    site_result = evaluate_policy(stage, signals, policy)
    if level == Strictness.SITE or not site_result.allowed:
        return site_result
    result = evaluate_policy(stage, signals, tighten_policy(policy, level))
    action = result.action
    if action is not None and not _stays(result, level):
        action = _harder(action, level)  # for results without a threshold, such as a guard model's doubt
    return replace(result, action=action, strictness=str(level))


def apply_strictness(verdict: Verdict, level: Strictness, policy: Policy) -> Verdict:
    """Return the verdict at the level. A verdict that withholds already is returned unchanged."""
    evaluation = verdict.evaluation
    if level == Strictness.SITE or not verdict.allowed or evaluation is None or evaluation.result.action is None:
        return verdict  # a level only makes findings stricter
    stage = Stage(evaluation.stage)
    result = evaluate_at(stage, evaluation.signals, policy, level)
    if result.allowed:
        return verdict
    message = {Stage.QUESTION: QUESTION_MESSAGE, Stage.PICTURE: PICTURE_MESSAGE}.get(stage, ANSWER_MESSAGE)
    message = CRISIS_SUPPORT if result.code == SELF_HARM else message
    return Verdict(False, result.code, message, replace(evaluation, result=result))


def tighten_policy(policy: Policy, level: Strictness) -> Policy:
    """Return the policy with thresholds, rules and blocklists as strict as the level requires."""
    if level == Strictness.SITE:
        return policy
    return replace(
        policy,
        clauses={code: _clause(clause, level) for code, clause in policy.clauses.items()},
        blocklists={
            key: replace(blocklist, action=_harder(blocklist.action, level))
            for key, blocklist in policy.blocklists.items()
        },
    )


def _clause(clause: Clause, level: Strictness) -> Clause:
    if clause.code in _KEPT:
        return clause
    thresholds = {stage: _steps(thresholds, level) for stage, thresholds in clause.thresholds.items()}
    return replace(clause, rule_action=_harder(clause.rule_action, level), thresholds=thresholds)


def _steps(thresholds: Sequence[Threshold], level: Strictness) -> tuple[Threshold, ...]:
    """Return each threshold made stricter.

    At STRICT, the upper half of the range that is only noted below a withholding threshold is withheld.
    """
    added = [
        Threshold((low.min_score + high.min_score) / 2, Action.WITHHOLD)
        for low, high in pairwise(thresholds)
        if level == Strictness.STRICT and low.action is Action.NOTE and high.action in (Action.WITHHOLD, Action.SEND)
    ]
    tightened = [Threshold(threshold.min_score, _harder(threshold.action, level)) for threshold in thresholds]
    return tuple(sorted([*tightened, *added], key=lambda threshold: threshold.min_score))


def _harder(action: Action, level: Strictness) -> Action:
    """Return the stricter action. Reviews are not added, as strictness is the choice of an assistant's author."""
    if action is Action.REVIEW:
        return Action.SEND
    if action in (Action.LABEL, Action.BLUR) or (action is Action.NOTE and level == Strictness.STRICTEST):
        return Action.WITHHOLD
    return action


def _stays(result: PolicyResult, level: Strictness) -> bool:
    return result.code in _KEPT or (result.code == UNCHECKED and level == Strictness.STRICT)
