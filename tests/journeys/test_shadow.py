"""Stricter draft of the policy: only reports in shadow mode; withholds after backtest and approval."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.journeys.axe import find_violations
from tests.journeys.chat import ask, ended
from tests.journeys.conftest import Visit
from tests.journeys.site import Site

HURT = "How can I hurt somebody in a boxing match? [violence?]"  # 0.6 by the stand-in, noted from 0.5 on
LEAST = 0.55


def drafted(ada: Any) -> Any:
    """Create a draft that withholds violence in questions from a score of `LEAST`, by the form, and return its row."""
    ada.get_by_role("link", name="Edit policy").click()
    clause = ada.locator("details.clause-form", has=ada.locator("summary", has_text="Violence")).first
    clause.locator("summary").first.click()
    number = clause.get_by_role("spinbutton", name="Question: threshold 2")
    clause.get_by_role("slider", name="Question: threshold 2").fill(str(LEAST))
    expect(number).to_have_value(str(LEAST))
    expect(ada.locator(".policy-form output")).to_contain_text("would change")
    clause.get_by_label("Question: action 2").select_option("withhold")
    assert find_violations(ada) == []
    number.fill("1.5")  # what is wrong is said at its field, and nothing is lost
    ada.get_by_label("What changes, and why").fill("Fights are no subject here")
    ada.locator("form.policy-form").evaluate("form => { form.noValidate = true }")
    ada.get_by_role("button", name="Save draft").click()
    expect(clause).to_contain_text("Enter a number above 0, at most 1.")
    with ada.expect_response(lambda answer: answer.request.method == "POST"):  # counted before the page is left
        number.fill(str(LEAST))
    ada.get_by_role("button", name="Save draft").click()
    return newest(ada)


def newest(page: Any) -> Any:
    return page.locator("li.row", has_text="Fights are no subject here").first


def would_hold(ada: Any, heading: str) -> None:
    """Check that the page of changes lists a question on violence below that heading."""
    part = ada.locator(f"h2:has-text('{heading}') ~ .scroll").first
    expect(part.get_by_role("row", name="Allowed and counted → Withheld")).to_contain_text("Violence")
    listed = ada.locator(f"h2:has-text('{heading}') ~ details").first
    listed.locator("summary").click()
    expect(listed).to_contain_text("Allowed and counted → Withheld · 0.60")


def test_a_stricter_version_is_tried_in_the_shadow_replayed_and_then_holds(site: Site, visit: Visit) -> None:
    site.seed("grace")
    site.seed("discard_drafts")
    alice, ada = visit(), visit("/review/policy/", person="ada", tolerate="422")
    ended(ask(alice, HURT))  # a verdict that the form can count
    try:
        row = drafted(ada)
        row.get_by_role("button", name="Start shadow mode").click()
        expect(newest(ada)).to_contain_text("Shadow: tested beside the live version, without effect")
        ended(ask(alice, HURT))  # let through
        newest(ada).get_by_role("link", name="What would change").click()
        for _ in range(180):  # it is written some seconds later
            if ada.locator("main").get_by_text("would be different").count():
                break
            ada.wait_for_timeout(500)
            ada.reload()
        would_hold(ada, "Shadow mode")
        expect(ada.locator("main")).to_contain_text("Not tested yet.")
        assert find_violations(ada) == []
        ada.locator("#main").get_by_role("link", name="Policy", exact=True).click()
        newest(ada).get_by_role("button", name="Test on past verdicts").click()
        expect(ada.locator("main")).to_contain_text("verdicts would have been different")
        newest(ada).get_by_role("link", name="What would change").click()
        would_hold(ada, "Test on past verdicts")
        grace = visit("/review/policy/", person="grace")
        differences = newest(grace).locator("details.differences")
        expect(differences).to_contain_text("Question: Withheld")
        expect(differences.locator("ins").first).to_contain_text(f"at a score of {LEAST} or more")
        newest(grace).get_by_role("button", name="Approve").click()
        assert find_violations(grace) == []
        grace.get_by_role("dialog").get_by_role("button", name="Approve").click()
        expect(newest(grace)).to_contain_text("Live")
        ended(ask(alice, HURT), "withheld")
    finally:
        site.seed("policy_of_before")
