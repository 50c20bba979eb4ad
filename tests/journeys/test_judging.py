"""Sentences that a judge supports or contradicts, those that nothing is found for, and a judge that fails.

Model and judge are a server that replays recordings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_visible_violations
from tests.journeys.chat import ask, ended
from tests.journeys.conftest import Visit, visiting
from tests.journeys.site import Site, beside
from tests.support.replay_server import MODEL, Replay, replaying

LEAVE = "How long is parental leave, and what is paid?"
WORK = "What may an employee do during parental leave?"
PASTED = {"permissions": ["clipboard-read", "clipboard-write"]}


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with replaying(Path(__file__).with_name("recorded_answers.json")) as server:
        yield server


@pytest.fixture(scope="module")
def judged_site(site: Site, replay: Replay) -> Iterator[Site]:
    """Run a web process whose model and judge are the replay server."""
    site.seed("replayed")
    client = {"LLM_BACKEND": "apps.engines.chat.openai.OpenAIChat", "LLM_URL": replay.url, "LLM_MODEL": MODEL}
    judge = {"SUPPORT_URL": replay.url, "SUPPORT_MODEL": "judge-70B", "SUPPORT_SECONDS": "3"}
    with beside(site, **client, **judge) as own:
        yield own


@pytest.fixture
def visit(judged_site: Site, chromium: Any, signed_in: Callable[[str], Any]) -> Iterator[Visit]:
    with visiting(judged_site, chromium, signed_in) as opened:
        yield opened


@pytest.fixture(autouse=True)
def judge_answers(replay: Replay) -> None:
    replay.judging = "recorded"
    replay.judged.clear()


def sentence(turn: Any, words: str) -> Any:
    return turn.locator(".prose .sentence").filter(has_text=words)


def marks(turn: Any, words: str) -> Any:
    """Return the links behind the sentence with these words."""
    number = sentence(turn, words).first.get_attribute("data-sentence")
    return turn.locator(f'.prose .pills[data-sentence="{number}"] a')


@pytest.mark.parametrize("width", [1440, 360])
def test_every_state_shows_live_and_after_a_reload(visit: Visit, width: int) -> None:
    page = visit(width=width)
    turn = ended(ask(page, LEAVE))
    for _ in ("live", "after a reload"):
        expect(marks(turn, "26 weeks")).to_have_attribute("data-state", "quoted")
        expect(marks(turn, "as before")).to_have_attribute("data-state", "supported")
        against = marks(turn, "12 weeks")
        expect(against).to_have_attribute("data-state", "contradicted")
        expect(against).to_have_text(re.compile(r"^contradicted by \d$"))
        expect(sentence(turn, "12 weeks")).to_have_attribute("title", re.compile("^Contradicted"))
        expect(sentence(turn, "dragon")).to_have_attribute("title", re.compile("^Not verified"))
        expect(marks(turn, "dragon")).to_have_count(0)
        expect(turn.locator(".legend .says-otherwise")).to_be_visible()
        assert find_visible_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.reload()
        page.locator("[data-chat][data-ready]").wait_for()
        turn = page.locator("[data-turn]").last


def test_the_card_says_who_checked_and_the_link_opens_the_place(visit: Visit) -> None:
    page = visit()
    turn = ended(ask(page, LEAVE))
    for words, state in (("as before", "Supported"), ("12 weeks", "Contradicted")):
        marks(turn, words).focus()
        expect(page.locator(".hover-card")).to_contain_text(f"{state}, checked by judge-70B")
        page.keyboard.press("Escape")
    marks(turn, "12 weeks").click()
    expect(page.locator("[data-panel-state]")).to_have_text("Contradicted, checked by judge-70B")
    expect(page.locator("[data-panel-body], .panel").first).to_contain_text("eight weeks before it begins")


def test_a_verdict_against_the_facts_of_the_passage_is_not_believed(visit: Visit, replay: Replay) -> None:
    page = visit()
    turn = ended(ask(page, WORK))
    expect(marks(turn, "15 hours of work")).to_have_attribute("data-state", "supported")
    assert any("25 hours" in one for one in replay.judged)
    compare = marks(turn, "25 hours of work")
    expect(compare).to_have_attribute("data-state", "unverified")
    expect(compare).to_have_text(re.compile(r"^compare with \d$"))
    assert "accent" not in str(compare.evaluate("link => getComputedStyle(link).backgroundColor"))
    compare.click()
    expect(page.locator("[data-panel-state]")).to_have_text("Not verified")


@pytest.mark.parametrize("judging", ["garbage", "away", "slow"])
def test_an_answer_is_whole_and_unverified_where_the_judge_fails(visit: Visit, replay: Replay, judging: str) -> None:
    replay.judging = judging
    page = visit()
    turn = ask(page, LEAVE)
    expect(sentence(turn, "dragon")).to_be_visible()  # while the judge is still asked
    ended(turn)
    expect(marks(turn, "26 weeks")).to_have_attribute("data-state", "quoted")
    expect(turn.locator(".prose .sentence.unverified")).to_have_count(3)
    expect(turn.locator(".prose .sentence.contradicted")).to_have_count(0)


def test_copies_and_paper_say_the_states(visit: Visit) -> None:
    page = visit(**PASTED)
    turn = ended(ask(page, LEAVE))
    turn.locator("[data-copy]").click()
    page.get_by_text("Copied").wait_for()
    text = str(page.evaluate("navigator.clipboard.readText()"))
    assert re.search(r"before it begins\. \[contradicted by \d\]", text)
    assert re.search(r"16 weeks\. \[\d\]", text) and "office. [not verified]" in text
    page.wait_for_url("**/c/**")
    page.goto(f"{page.url.split('?')[0]}print/")
    page.emulate_media(media="print")
    assert re.search(r"contradicted by \d", page.locator(".paper .prose").inner_text())
