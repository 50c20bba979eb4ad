"""Ask, read, stop, reload, and ask a follow-up."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import LEAVE, OFF_TOPIC, SLOW, answer, ask, ended, open_sources, writing
from tests.journeys.conftest import Visit
from tests.journeys.site import Site, until


@pytest.mark.main_journey
@pytest.mark.parametrize("width", [1440, 360])
def test_an_answer_streams_in_with_quotes_and_citations_and_reads_the_same_after_a_reload(
    visit: Visit, width: int
) -> None:
    page = visit(width=width)
    turn = ended(ask(page, "Which employee may take parental leave?"))
    assert "six months" in turn.locator("blockquote").first.inner_text()
    assert turn.locator("[data-part=text] a.pill").count() > 0
    expect(turn.locator("[data-summary]")).to_have_text(re.compile(r"^\d sources?$"))
    assert "/c/" in page.url
    before = answer(turn)
    page.reload()
    turn = page.locator("[data-turn]")
    assert answer(turn) == before
    expect(open_sources(turn).get_by_text("Used in this answer")).to_be_visible()
    expect(turn.locator("[data-step=search]")).to_contain_text(re.compile(r"Searched \d+ collections"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.main_journey
def test_stop_ends_the_answer_keeps_what_was_written_and_offers_another(page_wide: Any) -> None:
    turn = ask(page_wide, SLOW)
    written = writing(turn)
    page_wide.get_by_role("button", name="Stop").click()
    ended(turn, "stopped")
    assert written in turn.locator("[data-part=text]").inner_text()
    assert turn.locator(".badge").inner_text() == "Stopped"
    assert turn.locator("[data-weak]").is_visible()
    page_wide.fill("textarea[name=text]", "And afterwards?")  # while the field is empty, a microphone stands there
    assert page_wide.locator("[data-send]").is_visible()
    page_wide.fill("textarea[name=text]", "")
    turn.get_by_role("button", name="Regenerate").click()
    again = page_wide.locator("[data-turn]")
    writing(again)
    assert again.count() == 1
    page_wide.get_by_role("button", name="Stop").click()
    ended(again, "stopped")
    page_wide.reload()
    assert "2 of 2" in page_wide.locator(".siblings").inner_text()
    page_wide.get_by_role("link", name="Previous answer").click()
    page_wide.get_by_text("1 of 2").wait_for()
    assert "1 of 2" in page_wide.locator(".siblings").inner_text()


DROPPED_STEP = """async () => {
  const { removeStep, showStep } = await import("/static/js/chat/steps.js");
  const steps = document.querySelector("[data-steps]").cloneNode(true);
  steps.querySelector("[data-list]").replaceChildren();
  for (const text of ["Searched", "Writing", "Verified"]) showStep(steps, { name: text, text, ms: null });
  removeStep(steps, "Writing");
  removeStep(steps, "unknown");
  return steps.querySelector("[data-summary]").textContent;
}"""


def test_a_reload_in_the_middle_shows_what_is_there_and_the_answer_goes_on(page_wide: Any) -> None:
    before = writing(ask(page_wide, SLOW), 300)
    page_wide.reload()
    turn = page_wide.locator("[data-turn]")
    after = writing(turn, len(before) + 100)
    assert after.startswith(before[:250])
    page_wide.get_by_role("button", name="Stop").click()
    ended(turn, "stopped")


def test_a_second_window_follows_the_same_answer_and_may_stop_it(page_wide: Any, visit: Visit) -> None:
    turn = ask(page_wide, SLOW)
    writing(turn)
    page_wide.wait_for_url("**/c/**")
    other = visit(page_wide.url.removeprefix(page_wide.url.split("/c/")[0]), width=360)
    writing(other.locator("[data-turn]"), 300)
    other.get_by_role("button", name="Stop").click()
    ended(turn, "stopped")
    ended(other.locator("[data-turn]"), "stopped")


def test_a_follow_up_typed_meanwhile_waits_in_line_and_is_sent_when_the_answer_ends(page_wide: Any) -> None:
    first = ask(page_wide, SLOW)
    page_wide.fill("textarea[name=text]", "And how many weeks are paid in full?")
    page_wide.press("textarea[name=text]", "Enter")
    expect(page_wide.locator("[data-queue]")).to_contain_text("And how many weeks")
    page_wide.get_by_role("button", name="Stop").click()
    ended(first, "stopped")
    second = page_wide.locator("[data-turn]").nth(1)
    second.wait_for()
    ended(second)
    expect(page_wide.locator("[data-queue]")).to_be_hidden()
    assert "16 weeks" in answer(second)


def test_vain_search_says_what_was_searched_and_can_be_answered_without_documents(page_wide: Any) -> None:
    turn = ended(ask(page_wide, OFF_TOPIC))
    words = turn.locator("[data-part=nothing]").inner_text()
    assert "House rules" in words
    assert "Manuals" in words
    assert page_wide.evaluate(DROPPED_STEP) == "Searched · Verified", "what a model wrote in vain leaves no step"
    turn.get_by_role("button", name="Answer without documents").click()
    again = page_wide.locator("[data-turn]")
    writing(again, 5)
    ended(again)
    assert again.locator("a.pill").count() == 0


@pytest.mark.parametrize("words", [20_000, 60_000, 250_000])  # too many to ask, for a message, for the line
def test_a_question_that_is_refused_and_a_draft_are_not_lost(page_wide: Any, words: int) -> None:
    page_wide.fill("textarea[name=text]", "word " * words)
    page_wide.press("textarea[name=text]", "Enter")
    page_wide.locator("[data-refusal]").wait_for()
    assert len(page_wide.input_value("textarea[name=text]")) > 4 * words
    assert page_wide.locator("[data-turn]").count() == 0
    page_wide.fill("textarea[name=text]", "half a thought")
    page_wide.reload()
    assert page_wide.input_value("textarea[name=text]") == "half a thought"


def test_question_sent_while_the_server_is_away_is_answered_when_it_is_back(site: Site, visit: Visit) -> None:
    page = visit(tolerate="WebSocket")
    site.stop("web")
    page.locator("[data-connection]").wait_for()
    assert "Reconnecting" in page.locator("[data-connection]").inner_text()
    turn = ask(page, LEAVE)
    site.start_web()
    ended(turn)
    assert "26 weeks" in answer(turn)
    assert not page.locator("[data-connection]").is_visible()


def test_a_block_is_cut_where_the_server_counted_also_after_an_emoji(page_wide: Any) -> None:
    html = page_wide.evaluate(
        """async () => {
            const { Blocks } = await import("/static/js/chat/blocks.js");
            const blocks = new Blocks();
            blocks.write({ block: 0, keep: 0, html: "<p>\U0001f600 a</p>" });
            blocks.write({ block: 0, keep: 5, html: "b</p>" });
            return blocks.list[0].html;
        }"""
    )
    assert html == "<p>\U0001f600 b</p>"


def test_a_draft_waits_for_the_person_who_typed_it(page_wide: Any, signed_in: Callable[[str], Any]) -> None:
    field = "textarea[name=text]"
    page_wide.fill(field, "half a thought")
    for name, found in [("ada", ""), ("alice", "half a thought")]:
        page_wide.context.clear_cookies()
        page_wide.context.add_cookies(signed_in(name)["cookies"])
        page_wide.reload()
        page_wide.locator("[data-chat][data-ready]").wait_for()
        assert page_wide.input_value(field) == found


# Without a pause between two keys, however busy the machine is.
KEYS = """(field, [text, enter]) => {
    for (const key of text) {
        field.value += key;
        field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    }
    if (enter) field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
}"""


def test_a_pause_while_typing_tells_the_server_and_a_change_takes_it_back(visit: Visit) -> None:
    page = visit()
    frames: list[dict[str, Any]] = []
    page.on("websocket", lambda line: line.on("framesent", lambda sent: frames.append(json.loads(sent))))
    page.reload()
    page.locator("[data-chat][data-ready]").wait_for()

    def typed() -> list[str]:
        return [frame["text"] for frame in frames if frame["do"] == "typing"]

    field = page.locator("textarea[name=text]")
    field.evaluate(KEYS, [LEAVE, False])
    assert typed() == [], "not at every key"
    until(lambda: page.wait_for_timeout(50) or typed())
    assert typed() == [LEAVE]
    field.evaluate(KEYS, [" Tell me", True])
    turn = page.locator("[data-turn]")
    turn.wait_for()
    ended(turn)
    assert typed() == [LEAVE, ""], "what was asked is not typed any more"
