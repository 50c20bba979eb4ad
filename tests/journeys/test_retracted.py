"""Retracted answer: its text leaves two tabs and a shared link at once, and returns when the decision is reversed."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.journeys.chat import ask, ended, more
from tests.journeys.conftest import Visit
from tests.journeys.reviewing import decide, decide_appeal, open_case, open_covered

QUESTION = "How much may a hotel cost a night?"
REASON = "User report"
AT_ONCE_MS = 30_000  # of a busy machine; nothing but a word of the server brings it


def shared(alice: Any) -> str:
    """Return the URL of a shared link to the conversation."""
    alice.locator("[data-conversation-menu] summary").click()
    alice.get_by_role("button", name="Share").click()
    alice.get_by_role("button", name="Turn on link").click()
    address = str(alice.locator("[data-link]").input_value())
    alice.keyboard.press("Escape")
    return "/shared/" + address.partition("/shared/")[2]


def reported(alice: Any, turn: Any) -> None:
    turn.locator("[data-thumb=poor]").click()
    panel = alice.locator("[data-panel]")
    panel.locator("[name=report]").check()
    panel.locator(".primary").click()
    expect(panel).to_contain_text("A reviewer will look at")
    alice.keyboard.press("Escape")


def gone(turn: Any, sentence: str) -> None:
    """Check that no part of the page shows anything of the answer."""
    expect(turn).to_have_attribute("data-status", "withheld", timeout=AT_ONCE_MS)
    expect(turn.locator("[data-part=end]")).to_contain_text("A reviewer withheld this.")
    for part in ("text", "quotes", "sources"):
        assert turn.locator(f"[data-part={part}]").inner_text() == ""
    assert sentence not in turn.page.content() and turn.page.locator("[data-panel]").is_hidden()
    assert turn.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def appealed(alice: Any) -> None:
    article = alice.locator("article", has_text="An answer that you reported is withheld").first
    article.locator("summary", has_text="Appeal").click()
    article.get_by_label("Why do you disagree?").fill("It is only what our handbook says.")
    article.get_by_role("button", name="Send appeal").click()


def test_withheld_in_every_tab_and_by_the_link_and_back_on_appeal(visit: Visit) -> None:
    alice = visit()
    turn = ended(ask(alice, QUESTION))
    sentence = turn.locator("[data-part=text] [data-sentence]").first.inner_text().strip().removesuffix(".")
    alice.wait_for_url("**/c/**")
    path = alice.url.partition("/c/")[2]
    link = shared(alice)
    reported(alice, turn)
    second = visit(f"/c/{path}", width=360)
    other = second.locator("[data-turn]").first
    bob = visit(link, person="bob")
    expect(bob.locator("main")).to_contain_text(sentence)
    more(turn).locator("[data-behind]").click()
    expect(alice.locator("[data-panel]")).to_contain_text("Timeline")
    before = turn.locator("[data-part=text]").inner_html(), other.locator("[data-part=text]").inner_html()
    there = bob.locator("[data-shown] .prose").inner_html()
    morgan = visit("/review/", person="morgan")
    open_case(morgan, REASON, sentence)
    decide(morgan, "1", "b")
    gone(turn, sentence)
    gone(other, sentence)
    expect(bob.locator("main")).not_to_contain_text(sentence, timeout=AT_ONCE_MS)
    expect(bob.locator("[data-shown]")).to_contain_text("A reviewer withheld this.")
    assert sentence not in bob.content()
    for page in (alice, second):
        page.reload()
        assert sentence not in page.content()

    appealed(visit("/notices/"))
    robin = visit("/review/?show=appeals", person="robin")
    open_case(robin, REASON, sentence)
    open_covered(robin)
    decide_appeal(robin, "3", "o")
    robin.wait_for_url("**/review/?show=*")
    for page, text in ((turn, before[0]), (other, before[1])):
        expect(page).to_have_attribute("data-status", "complete", timeout=AT_ONCE_MS)
        assert page.locator("[data-part=text]").inner_html() == text
    expect(bob.locator("main")).to_contain_text(sentence, timeout=AT_ONCE_MS)
    assert bob.locator("[data-shown] .prose").inner_html() == there


def test_open_pages_to_print_and_to_compare_lose_it_too(visit: Visit) -> None:
    alice = visit()
    turn = ended(ask(alice, QUESTION))
    turn.locator('[data-do="retry"]').click()
    turn = ended(alice.locator("[data-turn]").last)
    sentence = turn.locator("[data-part=text] [data-sentence]").first.inner_text().strip().removesuffix(".")
    alice.wait_for_url("**/c/**")
    printed = visit(f"/c/{alice.url.partition('/c/')[2].partition('?')[0].rstrip('/')}/print/")
    compared = visit(f"/answers/{turn.get_attribute('data-turn')}/compare/")
    for page in (printed, compared):
        expect(page.locator("[data-watched]")).to_contain_text(sentence)
    reported(alice, turn)
    morgan = visit("/review/", person="morgan")
    open_case(morgan, REASON, sentence)
    decide(morgan, "1", "b")
    for page in (printed, compared):
        expect(page.locator("[data-watched]")).to_contain_text("A reviewer withheld this.", timeout=AT_ONCE_MS)
    assert sentence not in printed.locator("[data-watched]").inner_text()
    assert compared.locator("[data-watched]").inner_text().count(sentence) == 1  # the other answer says the same
