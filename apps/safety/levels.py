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

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from apps.safety.check import Verdict
from apps.safety.folding import SUPPORT, UNCHECKED, Outcome, Signal, fold
from apps.safety.policy import Action, Clause, Policy, Stage, Step
from apps.safety.withheld import CARE

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Level(TextChoices):
    SITE = "site", gettext_lazy("As the site has it")
    STRICT = "strict", gettext_lazy("Strict")
    STRICTEST = "strictest", gettext_lazy("Strictest")


WORDS: dict[Level, StrOrPromise] = {
    Level.SITE: gettext_lazy("what the policy of the site lets through passes."),
    Level.STRICT: gettext_lazy(
        "what the site shows with a mark, looks at afterwards or nearly withholds is withheld too."
    ),
    Level.STRICTEST: gettext_lazy("whatever a check finds anything in is withheld, harmless texts among it."),
}
QUESTION = (
    "This assistant is stricter than the site, so this question is not answered here. "
    "Put it in other words, or ask another assistant."
)
ANSWER = "The rest of this answer was held back: this assistant is stricter than the site."
PICTURE = "This picture is held back: what it was asked under is stricter than the site."

# That somebody's data stands in a text is no harm that the text does: it can be hidden, and is never a reason here.
_KEPT = frozenset({"personal_data"})


def read(value: str) -> Level:
    """What a row holds; the strictest where it is none of them."""
    return Level(value) if value in Level.values else Level.STRICTEST


def stricter_of(*levels: Level) -> Level:
    """What is made of something is judged at least as strictly as that was."""
    return max(levels, key=list(Level).index)


def judged(stage: Stage, signals: Sequence[Signal], policy: Policy, level: Level) -> Outcome:
    """What the signals mean at that level. Pure: the same input, the same outcome."""
    plain = fold(stage, signals, policy)
    if level == Level.SITE or not plain.allowed:
        return plain
    outcome = fold(stage, signals, stricter(policy, level))
    action = outcome.action
    if action is not None and not _stays(outcome, level):
        action = _harder(action, level)  # of what no step of the policy says, such as a guard model's doubt
    return replace(outcome, action=action, level=str(level))


def applied(verdict: Verdict, level: Level, policy: Policy) -> Verdict:
    """The verdict at that level. What is withheld at the site's own stays as it is, with its words."""
    found = verdict.judged
    if level == Level.SITE or not verdict.allowed or found is None or found.outcome.action is None:
        return verdict  # a level makes what was found harder, and finds nothing more
    stage = Stage(found.stage)
    outcome = judged(stage, found.signals, policy, level)
    if outcome.allowed:
        return verdict
    words = {Stage.QUESTION: QUESTION, Stage.PICTURE: PICTURE}.get(stage, ANSWER)
    words = CARE if outcome.code == SUPPORT else words
    return Verdict(False, outcome.code, words, replace(found, outcome=outcome))


def stricter(policy: Policy, level: Level) -> Policy:
    """The policy with its steps as that level has them."""
    if level == Level.SITE:
        return policy
    return replace(
        policy,
        clauses={code: _clause(clause, level) for code, clause in policy.clauses.items()},
        lists={key: replace(own, action=_harder(own.action, level)) for key, own in policy.lists.items()},
    )


def _clause(clause: Clause, level: Level) -> Clause:
    if clause.code in _KEPT:
        return clause
    steps = {stage: _steps(steps, level) for stage, steps in clause.steps.items()}
    return replace(clause, rule=_harder(clause.rule, level), steps=steps)


def _steps(steps: Sequence[Step], level: Level) -> tuple[Step, ...]:
    """Each step harder; at STRICT what is only noted is withheld from half the way to where the site withholds."""
    nearer = [
        Step((low.least + high.least) / 2, Action.WITHHOLD)
        for low, high in pairwise(steps)
        if level == Level.STRICT and low.action is Action.NOTE and high.action in (Action.WITHHOLD, Action.SEND)
    ]
    harder = [Step(step.least, _harder(step.action, level)) for step in steps]
    return tuple(sorted([*harder, *nearer], key=lambda step: step.least))


def _harder(action: Action, level: Level) -> Action:
    """People look at what they would look at anyway, and at nothing more: strictness is the assistant's own choice."""
    if action is Action.REVIEW:
        return Action.SEND
    if action in (Action.LABEL, Action.BLUR) or (action is Action.NOTE and level == Level.STRICTEST):
        return Action.WITHHOLD
    return action


def _stays(outcome: Outcome, level: Level) -> bool:
    return outcome.code in _KEPT or (outcome.code == UNCHECKED and level == Level.STRICT)
