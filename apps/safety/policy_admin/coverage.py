"""Find thresholds of a policy that no detector can reach.

A fail-closed clause that no detector scores withholds everything at that stage (`policy.evaluation.evaluate_policy`).
The author and the approver of a draft are warned.
"""

from __future__ import annotations

from django.utils.translation import gettext

from apps.engines import registry
from apps.safety.code_labels import clause_label, stage_label
from apps.safety.detectors.indirect_injection import INJECTION_LABEL
from apps.safety.policy.schema import FailureMode, Policy, Stage
from apps.users.i18n import lower_label


def find_unreachable(policy: Policy) -> list[tuple[str, Stage]]:
    """Return clause code and stage of each fail-closed clause with thresholds that no detector scores, in policy
    order."""
    return [
        (found.code, at)
        for found in policy.clauses.values()
        if found.failure_mode is FailureMode.CLOSED
        for at, steps in found.thresholds.items()
        if steps and found.code not in _scored_labels(at)
    ]


def describe_unreachable(policy: Policy) -> list[str]:
    """Return one translated sentence for each result of `find_unreachable`."""
    message = gettext(
        "“%(clause)s” has a threshold for %(stage)s but no check scores it there. Because it blocks when "
        "a check is missing, everything there would be withheld."
    )
    return [
        message % {"clause": clause_label(code), "stage": lower_label(stage_label(at))}
        for code, at in find_unreachable(policy)
    ]


def _scored_labels(at: Stage) -> frozenset[str]:
    """Return the labels that some detector scores at the stage. Rules give no score."""
    if at is Stage.PICTURE:
        looks = registry.get_image_classifier()
        return looks.codes if looks is not None else frozenset()
    labels = frozenset(registry.get_text_classifier().labels)
    return labels | {INJECTION_LABEL} if at is Stage.PASSAGE else labels
