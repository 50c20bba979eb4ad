"""What a person does on a chat page, in words."""

from __future__ import annotations

import re
import time
from typing import Any

from playwright.sync_api import expect

LEAVE = "How long does parental leave last?"
WHO = "Which employee may take parental leave?"  # what the fake model says answers it, so that there is a pill
BOILER = "What does error E4 of the boiler mean?"
LONG = "Tell me about parental leave in detail."
SLOW = "Tell me about parental leave in detail, slowly."  # goes on for minutes, until it is stopped
OFF_TOPIC = "Which composer wrote the opera Wozzeck?"
PATIENCE_MS = 120_000
ENDED = re.compile("^(?!writing$)")


def ask(page: Any, text: str) -> Any:
    """The question is on the page, under way; returns its turn."""
    page.locator("[data-chat][data-ready]").wait_for()
    before = page.locator("[data-turn]").count()
    page.fill("textarea[name=text]", text)
    page.press("textarea[name=text]", "Enter")
    turn = page.locator("[data-turn]").nth(before)
    turn.wait_for()
    return turn


def ended(turn: Any, status: str = "complete") -> Any:
    """The turn, after its end."""
    expect(turn).to_have_attribute("data-status", ENDED, timeout=PATIENCE_MS)
    assert turn.get_attribute("data-status") == status
    return turn


def writing(turn: Any, characters: int = 150) -> str:
    """The text so far, once there is that much of it."""
    text = turn.locator("[data-part=text]")
    enough = re.compile(f".{{{characters + 1},}}", re.DOTALL)
    expect(text).to_have_text(enough, use_inner_text=True, timeout=PATIENCE_MS)  # also of a turn that takes its place
    return str(text.inner_text())


def tab_to(wanted: Any, keys: str = "Tab") -> None:
    """The focus is on one of the wanted elements, reached by that key: the list of chats alone can hold a hundred."""
    for _ in range(200):
        if wanted.evaluate_all("elements => elements.includes(document.activeElement)"):
            return
        wanted.page.keyboard.press(keys)
    raise AssertionError(f"not reached by {keys}: {wanted}")


def answer(turn: Any) -> str:
    return str(turn.locator("[data-answer]").inner_text())


def quickest(page: Any, address: str) -> float:
    """Seconds until a page of the chat is there, the best of three: others use the machine too."""
    took = []
    for _ in range(3):
        started = time.monotonic()
        page.goto(address)
        page.locator("[data-chat][data-ready]").wait_for()
        took.append(time.monotonic() - started)
    return min(took)
