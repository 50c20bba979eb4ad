"""How strictly a text is judged: as the policy of the site says, or more strictly, as an assistant asks; never less.

What the detectors say stays as it is. A level only changes what it means: it moves the steps of the policy. So a
stricter verdict is computed from the same signals, bit for bit, and never lets through what the site withholds.

level      withheld, beside what the site withholds
site       nothing
strict     what the site lets through with a mark or for people to look at, and the upper half of what it notes where
           it withholds more of it
strictest  whatever it notes, marks or has looked at; and pictures that no classifier has looked at
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
    Strictness.SITE: gettext_lazy("what the policy of the site lets through passes."),
    Strictness.STRICT: gettext_lazy(
        "what the site shows with a mark, looks at afterwards or nearly withholds is withheld too."
    ),
    Strictness.STRICTEST: gettext_lazy("whatever a check finds anything in is withheld, harmless texts among it."),
}
QUESTION_MESSAGE = (
    "This assistant is stricter than the site, so this question is not answered here. "
    "Put it in other words, or ask another assistant."
)
ANSWER_MESSAGE = "The rest of this answer was held back: this assistant is stricter than the site."
PICTURE_MESSAGE = "This picture is held back: what it was asked under is stricter than the site."

# That somebody's data stands in a text is no harm that the text does: it can be hidden, and is never a reason here.
_KEPT = frozenset({"personal_data"})


def strictest_of(*levels: Strictness) -> Strictness:
    """What is made of something is judged at least as strictly as that was."""
    return max(levels, key=list(Strictness).index)


def evaluate_at(stage: Stage, signals: Sequence[Signal], policy: Policy, level: Strictness) -> PolicyResult:
    """What the signals mean at that level. Pure: the same input, the same outcome."""
    plain = evaluate_policy(stage, signals, policy)
    if level == Strictness.SITE or not plain.allowed:
        return plain
    outcome = evaluate_policy(stage, signals, tighten_policy(policy, level))
    action = outcome.action
    if action is not None and not _stays(outcome, level):
        action = _harder(action, level)  # of what no step of the policy says, such as a guard model's doubt
    return replace(outcome, action=action, level=str(level))


def apply_strictness(verdict: Verdict, level: Strictness, policy: Policy) -> Verdict:
    """The verdict at that level. What is withheld at the site's own stays as it is, with its words."""
    found = verdict.judged
    if level == Strictness.SITE or not verdict.allowed or found is None or found.outcome.action is None:
        return verdict  # a level makes what was found harder, and finds nothing more
    stage = Stage(found.stage)
    outcome = evaluate_at(stage, found.signals, policy, level)
    if outcome.allowed:
        return verdict
    words = {Stage.QUESTION: QUESTION_MESSAGE, Stage.PICTURE: PICTURE_MESSAGE}.get(stage, ANSWER_MESSAGE)
    words = CRISIS_SUPPORT if outcome.code == SELF_HARM else words
    return Verdict(False, outcome.code, words, replace(found, outcome=outcome))


def tighten_policy(policy: Policy, level: Strictness) -> Policy:
    """The policy with its steps as that level has them."""
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
    """Each step harder; at STRICT what is only noted is withheld from half the way to where the site withholds."""
    nearer = [
        Threshold((low.least + high.least) / 2, Action.WITHHOLD)
        for low, high in pairwise(steps)
        if level == Strictness.STRICT and low.action is Action.NOTE and high.action in (Action.WITHHOLD, Action.SEND)
    ]
    harder = [Threshold(step.least, _harder(step.action, level)) for step in steps]
    return tuple(sorted([*harder, *nearer], key=lambda step: step.least))


def _harder(action: Action, level: Strictness) -> Action:
    """People look at what they would look at anyway, and at nothing more: strictness is the assistant's own choice."""
    if action is Action.REVIEW:
        return Action.SEND
    if action in (Action.LABEL, Action.BLUR) or (action is Action.NOTE and level == Strictness.STRICTEST):
        return Action.WITHHOLD
    return action


def _stays(outcome: PolicyResult, level: Strictness) -> bool:
    return outcome.code in _KEPT or (outcome.code == UNCHECKED and level == Strictness.STRICT)
