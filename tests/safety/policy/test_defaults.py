"""The policy that ships: what it withholds if a detector is missing."""

from __future__ import annotations

from apps.engines import registry
from apps.safety.detectors.indirect_injection import INJECTION_LABEL
from apps.safety.policy.defaults import make_default_policy
from apps.safety.policy.schema import FailureMode, Policy, Stage, parse_policy


def list_unscored(policy: Policy) -> list[tuple[str, Stage]]:
    """Return clause and stage of fail-closed thresholds that no detector scores: everything there would be withheld."""
    pictures, texts = registry.get_image_classifier(), frozenset(registry.get_text_classifier().labels)
    scored = dict.fromkeys(Stage, texts) | {
        Stage.PICTURE: pictures.codes if pictures is not None else frozenset(),
        Stage.PASSAGE: texts | {INJECTION_LABEL},
    }
    return [
        (clause.code, at)
        for clause in policy.clauses.values()
        if clause.failure_mode is FailureMode.CLOSED
        for at, steps in clause.thresholds.items()
        if steps and clause.code not in scored[at]
    ]


def test_default_policy_has_no_fail_closed_threshold_that_no_detector_scores() -> None:
    body = make_default_policy(registry.get_text_classifier().thresholds)
    assert list_unscored(parse_policy(body)) == []
    row = next(row for row in body["clauses"] if row["code"] == "sexual")
    row["fail"], row["steps"] = "closed", {"picture": [{"least": 0.5, "action": "withhold"}]}
    assert list_unscored(parse_policy(body)) == [("sexual", Stage.PICTURE)], "the test finds one where there is one"
