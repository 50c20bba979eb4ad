"""Small talk on the page: fixed answers, the calculator's card, and no title before the first real question."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.journeys.chat import LEAVE, ask, ended


def test_a_greeting_a_sum_and_then_a_question(page_wide: Any) -> None:
    turn = ended(ask(page_wide, "Hello!"))
    expect(turn.locator("[data-part=text]")).to_contain_text("Ask me something about your documents")
    expect(turn.locator("[data-summary]")).to_have_text("Not from your documents: nothing was searched")
    assert not turn.locator("[data-part=nothing] *").count() and not turn.locator("[data-weak]").is_visible()
    assert not turn.locator('[data-do="answer_now"]').is_visible()
    assert not turn.locator(".unsupported:visible").count()

    turn = ended(ask(page_wide, "What is 17 * 23?"))
    expect(turn.locator("[data-part=tools] .call-text")).to_have_text("17 * 23 = 391")

    ended(ask(page_wide, "What can you do?"))
    page_wide.reload()
    last = page_wide.locator("[data-turn]").last
    expect(last.locator("[data-part=text] li").first).to_contain_text("Answer questions from")
    assert page_wide.title().startswith("New conversation")

    ended(ask(page_wide, LEAVE))
    page_wide.reload()
    assert page_wide.title().startswith(LEAVE[:20])
