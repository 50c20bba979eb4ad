"""Steps of a policy that nothing here can reach.

A clause that fails closed and is scored by nobody lets nothing through at that stage (`folding.fold`). That may be
meant; whoever drafts or approves it is told before, not after.
"""

from __future__ import annotations

from django.utils.translation import gettext

from apps.engines import registry
from apps.safety.code_labels import clause_label, stage_label
from apps.safety.detectors.indirect_injection import INJECTION_LABEL
from apps.safety.policy.schema import FailureMode, Policy, Stage
from apps.users.i18n import lower_label


def find_unreachable(policy: Policy) -> list[tuple[str, Stage]]:
    """Clause and stage, in the order of the policy."""
    return [
        (found.code, at)
        for found in policy.clauses.values()
        if found.fail is FailureMode.CLOSED
        for at, steps in found.steps.items()
        if steps and found.code not in _scored_labels(at)
    ]


def describe_unreachable(policy: Policy) -> list[str]:
    """A sentence each, for people."""
    said = gettext(
        "“%(clause)s” fails closed and has a step at the stage %(stage)s, where nothing here scores it: "
        "nothing at all would be let through there."
    )
    return [
        said % {"clause": clause_label(code), "stage": lower_label(stage_label(at))}
        for code, at in find_unreachable(policy)
    ]


def _scored_labels(at: Stage) -> frozenset[str]:
    """The labels that some detector gives a number at this stage; what a rule finds is no number."""
    if at is Stage.PICTURE:
        looks = registry.get_image_classifier()
        return looks.codes if looks is not None else frozenset()
    labels = frozenset(registry.get_text_classifier().labels)
    return labels | {INJECTION_LABEL} if at is Stage.PASSAGE else labels
