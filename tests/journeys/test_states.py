"""Verification states of sentences on the page; folded sentences live and after a reload; no documents; copying."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_visible_violations
from tests.journeys.chat import ASKED, DOUBTS, LEAVE, ask, ended, tab_to
from tests.journeys.conftest import Visit
from tests.journeys.site import Site

INVENTED = f"Nothing but inventions: {LEAVE}"
NUMBERED = f"{ASKED}, in numbered lines?"
ITALIAN = f"{LEAVE[:-1]}, in italiano?"
TRUE, FALSE = "Parental leave", re.compile("Pirates|moon|Dragons")
PASTED = {"permissions": ["clipboard-read", "clipboard-write"]}


@pytest.fixture(scope="module")
def cautious(site: Site) -> str:
    """Return the URL of a new chat with an assistant that shows verified sentences only."""
    return f"/?assistant={site.seed('cautious')}"


def watched(page: Any) -> list[str]:
    """Return a list that gets the visible words of the last answer whenever something changes on the page."""
    seen: list[str] = []
    page.expose_function("seen", lambda text: seen.append(text))
    page.evaluate(
        """() => new MutationObserver(() => {
          const text = [...document.querySelectorAll('[data-part="text"]')].at(-1);
          if (text) seen(text.innerText);
        }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })"""
    )
    return seen


def words(turn: Any) -> str:
    return str(turn.locator("[data-part=text]").inner_text())


@pytest.mark.parametrize("width", [1440, 360])
def test_a_pill_says_its_state_and_the_line_below_names_those_that_occur(visit: Visit, width: int) -> None:
    page = visit(width=width)
    turn = ended(ask(page, DOUBTS))
    pill = turn.locator(".prose a.pill").first
    assert pill.get_attribute("data-state") in {"quoted", "supported"}
    expect(pill).to_have_attribute("aria-label", re.compile("^(Quoted|Supported): Source"))
    expect(turn.locator(".legend .not-verified")).to_be_visible()
    expect(turn.locator(".sentence.unverified").first).to_have_attribute("title", re.compile("^Not verified"))
    expect(turn.locator("details.folded")).to_have_count(0)
    assert find_visible_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    pill.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(page.locator(".hover-card")).to_contain_text(re.compile("Quoted|Supported"))


@pytest.mark.parametrize("width", [1440, 360])
def test_unverified_sentences_wait_under_one_line(visit: Visit, cautious: str, width: int) -> None:
    page = visit(cautious, width=width)
    seen = watched(page)
    turn = ask(page, DOUBTS)
    expect(turn.locator("[data-checking]")).to_be_visible()
    ended(turn)
    expect(turn.locator("[data-checking]")).to_be_hidden()
    assert len(set(seen)) > 1 and not any(FALSE.search(text) for text in seen)
    for _ in ("live", "after a reload"):
        summary = turn.locator("details.folded > summary")
        expect(summary).to_have_text(re.compile("3 sentences could not be verified"))
        text = words(turn)
        assert TRUE in text and not FALSE.search(text)
        assert "What the rules say" in text and "What nobody wrote" not in text and "Here is a list:" in text
        expect(turn.locator(".prose [data-shows=verified] li:visible")).to_have_count(1)
        expect(turn.locator(".prose [data-shows=verified] a.pill:visible")).to_have_count(2)
        assert find_visible_violations(page) == []
        page.reload()
        page.locator("[data-chat][data-ready]").wait_for()
        turn = page.locator("[data-turn]").last

    page.locator("textarea[name=text]").focus()
    tab_to(summary, "Shift+Tab")
    top = summary.bounding_box()["y"]
    page.keyboard.press("Enter")
    expect(turn.locator("[data-shows=rest]")).to_be_visible()
    assert abs(summary.bounding_box()["y"] - top) < 2, "what is above does not move"
    rest = turn.locator("[data-shows=rest]").inner_text()
    assert len(FALSE.findall(rest)) >= 3 and "every" in rest and "What nobody wrote" in rest and TRUE not in rest
    page.evaluate("scrollTo(0, document.body.scrollHeight)")  # else the composer covers what is find_visible_violations
    assert find_visible_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1440, 360])
def test_shown_items_keep_their_numbers_and_lines_without_a_state_stay_folded(
    visit: Visit, cautious: str, width: int
) -> None:
    page = visit(cautious, width=width)
    turn = ended(ask(page, NUMBERED))
    for _ in ("live", "after a reload"):
        items = turn.locator(".prose [data-shows=verified] li:visible")
        assert items.evaluate_all("items => items.map(item => item.value)") == [2, 4]
        assert TRUE in words(turn) and "By the form" not in words(turn)
        expect(turn.locator("details.folded > summary")).to_have_text(re.compile("3 sentences could not be verified"))
        page.reload()
        page.locator("[data-chat][data-ready]").wait_for()
        turn = page.locator("[data-turn]").last


@pytest.mark.parametrize("width", [1440, 360])
def test_an_answer_in_a_language_that_the_check_does_not_know_says_so(visit: Visit, cautious: str, width: int) -> None:
    page = visit(cautious, width=width)
    turn = ended(ask(page, ITALIAN))
    for _ in ("live", "after a reload"):
        expect(turn.locator(".prose .unread")).to_have_text(re.compile("^This check does not support Italian: only"))
        assert find_visible_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.reload()
        page.locator("[data-chat][data-ready]").wait_for()
        turn = page.locator("[data-turn]").last
    address = page.url.split("?")[0]
    page.goto(f"{address}print/")
    expect(page.locator(".paper .prose .unread")).to_be_visible()


def test_quotes_stand_alone_when_no_sentence_is_verified(visit: Visit, cautious: str) -> None:
    page = visit(cautious)
    turn = ended(ask(page, INVENTED))
    expect(turn.locator(".quotes blockquote").first).to_be_visible()
    expect(turn.locator("details.folded > summary")).to_have_text(re.compile("own words could not be verified"))
    assert not FALSE.search(words(turn))


def test_a_temporary_chat_folds_too_and_paper_marks_each_sentence(visit: Visit, cautious: str) -> None:
    page = visit(f"/temporary/{cautious[1:]}")
    turn = ended(ask(page, DOUBTS))
    assert not FALSE.search(words(turn))
    expect(turn.locator("details.folded > summary")).to_be_visible()

    page = visit(cautious)
    ended(ask(page, DOUBTS))
    address = page.url.split("?")[0]
    page.emulate_media(media="print")
    page.goto(f"{address}print/")
    paper = page.locator(".paper .prose")
    assert not FALSE.search(paper.inner_text()) and "could not be verified" not in paper.inner_text()
    page.goto(f"{address}print/?unverified=1")
    expect(paper.locator(".sentence").filter(has_text=FALSE)).to_have_count(3)
    assert paper.inner_text().count("[not verified]") == 3


@pytest.mark.parametrize("width", [1440, 360])
def test_an_answer_without_documents_says_so_live_and_after_a_reload(visit: Visit, width: int) -> None:
    page = visit(width=width)
    turn = ended(ask(page, "Which composer wrote the opera Wozzeck?"))
    turn.get_by_role("button", name="Answer without documents").click()
    turn = page.locator("[data-turn]").last
    expect(turn.locator("[data-ungrounded]")).to_be_visible()
    ended(turn)
    expect(turn.locator(".prose .unverified")).to_have_count(0)
    page.reload()
    turn = page.locator("[data-turn]").last
    expect(turn.locator("[data-ungrounded]")).to_have_text("Written without documents; nothing here was checked.")
    expect(turn.locator("[data-weak]")).to_be_hidden()


def test_a_copy_has_numbers_sources_and_marks(visit: Visit, cautious: str) -> None:
    def pasted(page: Any) -> str:
        page.locator("[data-turn] [data-copy]").last.click()
        page.get_by_text("Copied").wait_for()
        return str(page.evaluate("navigator.clipboard.readText()"))

    page = visit("/", **PASTED)
    ended(ask(page, DOUBTS))
    text = pasted(page)
    assert re.search(r"lasts up to 26 weeks\. \[\d+\]", text)
    assert "1720. [not verified]" in text
    assert re.search(r"^Sources:\n\[\d+\] .*arental", text, re.MULTILINE)

    page = visit(cautious, **PASTED)
    ended(ask(page, DOUBTS))
    text = pasted(page)
    assert not FALSE.search(text) and "3 sentences could not be verified" in text and "show" not in text
