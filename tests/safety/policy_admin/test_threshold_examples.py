"""Example sentences beside the thresholds of the policy."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.engines import registry
from apps.engines.classify.linear_classifier import LinearClassifier
from apps.engines.types import EngineBroken
from apps.safety.gate import default_check
from apps.safety.policy_admin import threshold_examples
from apps.users.models import User


def test_examples_are_scored_as_the_gate_scores_them_the_lowest_first(db: None) -> None:
    found = threshold_examples.score_examples("hate")
    assert [one.score for one in found] == sorted(one.score for one in found)
    assert {one.text for one in found} == set(threshold_examples.EXAMPLES["hate"])
    assert found[0].score == default_check.score_text(found[0].text)["hate"]


def test_examples_are_of_clauses_that_the_packaged_classifier_scores_and_none_is_about_children() -> None:
    assert set(threshold_examples.EXAMPLES) <= set(LinearClassifier().labels) - {"child_exploitation"}


def test_examples_are_left_out_if_they_cannot_be_scored(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    def fail(text: str) -> dict[str, float]:
        raise EngineBroken("No weights.")

    monkeypatch.setattr(default_check, "score_text", fail)
    assert threshold_examples.score_examples("hate") == []
    assert threshold_examples.score_examples("advice") == []


def test_fields_of_a_clause_come_with_examples_and_their_scores_for_administrators_only(
    as_ada: Client, ada: User, morgan: User
) -> None:
    page = as_ada.get("/review/policy/clauses/hate/").content.decode()
    assert len(re.findall(r'data-score="[01][.][0-9]{4}"', page)) == len(threshold_examples.EXAMPLES["hate"])
    assert "data-score" not in as_ada.get("/review/policy/clauses/advice/").content.decode()
    assert as_ada.get("/review/policy/clauses/nothing/").status_code == 404
    as_ada.force_login(morgan)
    assert as_ada.get("/review/policy/clauses/hate/").status_code == 404


def test_fields_of_a_clause_say_what_scores_mean(as_ada: Client) -> None:
    pages = [as_ada.get(f"/review/policy/clauses/{code}/").content.decode() for code in ("hate", "advice")]
    assert [set(re.findall(r'data-meaning="(\w+)"', page)) for page in pages] == [
        {"share", "picture"}, {"guard", "picture"},
    ]  # fmt: skip
    assert "child_exploitation" in registry.get_text_classifier().labels
