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


def test_examples_of_a_clause_are_a_list_with_scores_for_administrators_only(
    as_ada: Client, ada: User, morgan: User
) -> None:
    page = as_ada.get("/review/policy/examples/hate/").content.decode()
    assert len(re.findall(r'data-score="[01][.][0-9]{4}"', page)) == len(threshold_examples.EXAMPLES["hate"])
    assert as_ada.get("/review/policy/examples/advice/").status_code == 404
    as_ada.force_login(morgan)
    assert as_ada.get("/review/policy/examples/hate/").status_code == 404


def test_the_policy_form_says_what_scores_mean_and_asks_for_examples_only_where_there_are_some(as_ada: Client) -> None:
    page = as_ada.get("/review/policy/edit/").content.decode()
    assert page.count("data-examples") == len(threshold_examples.EXAMPLES)
    assert {"share", "guard", "picture"} == set(re.findall(r'data-meaning="(\w+)"', page))
    assert "child_exploitation" in registry.get_text_classifier().labels
