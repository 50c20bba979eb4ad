"""Actions of a user on a chat page."""

from __future__ import annotations

import re
import time
from typing import Any

from playwright.sync_api import expect

LEAVE = "How long does parental leave last?"
WHO = "Which employee may take parental leave?"  # the fake model's answer is verified, so it has a citation
BOILER = "What does error E4 of the boiler mean?"
LONG = "Tell me about parental leave in detail."
SLOW = "Tell me about parental leave in detail, slowly."  # its answer takes minutes unless it is stopped
ASKED = f"{LEAVE[:-1]}, and which weeks are paid in full"
DOUBTS = f"{ASKED}, with doubts?"
OFF_TOPIC = "Which composer wrote the opera Wozzeck?"
PATIENCE_MS = 120_000
ENDED = re.compile("^(?!writing$)")
# How the focus is not seen: without an outline on the control or the frame around it, off the screen, or covered.
UNSEEN = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect();
    if (![one, one.closest(".writing")].some((part) => part && getComputedStyle(part).outlineStyle !== "none"))
        return "no outline";
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20));
    return !top ? "off the screen" : one.contains(top) || top.contains(one) ? "" : `covered by ${top.className}`;
}"""


def ask(page: Any, text: str) -> Any:
    """Ask a question and return its turn, which may still be running."""
    page.locator("[data-chat][data-ready]").wait_for()
    before = page.locator("[data-turn]").count()
    page.fill("textarea[name=text]", text)
    page.press("textarea[name=text]", "Enter")
    turn = page.locator("[data-turn]").nth(before)
    turn.wait_for()
    return turn


def ended(turn: Any, status: str = "complete") -> Any:
    """Wait until the turn has ended with that status, and return it."""
    expect(turn).to_have_attribute("data-status", ENDED, timeout=PATIENCE_MS)
    assert turn.get_attribute("data-status") == status
    return turn


def more(turn: Any) -> Any:
    """Open the menu of an answer's rarer tools and return it."""
    turn.locator(".more-tools > summary").click()
    return turn.locator(".more-tools .sheet")


def show_controls(page: Any) -> None:
    """Open the menu behind "+" in the composer: files, pictures, tools, assistants, creativity."""
    menu = page.locator("[data-add]")
    if menu.get_attribute("open") is None:
        menu.locator("> summary").click()


def writing(turn: Any, characters: int = 150) -> str:
    """Wait until the answer has more than so many characters, and return its text."""
    text = turn.locator("[data-part=text]")
    enough = re.compile(f".{{{characters + 1},}}", re.DOTALL)
    # `expect` also works if another turn replaces this one.
    expect(text).to_have_text(enough, use_inner_text=True, timeout=PATIENCE_MS)
    return str(text.inner_text())


def tab_to(wanted: Any, keys: str = "Tab") -> None:
    """Press the key until one of the elements has the focus, which must be seen.

    At most 200 times, since a list of chats can be long.
    """
    for _ in range(200):
        if wanted.evaluate_all("elements => elements.includes(document.activeElement)"):
            unseen = wanted.page.evaluate(UNSEEN)
            assert not unseen, f"{wanted}: {unseen}"
            return
        wanted.page.keyboard.press(keys)
    raise AssertionError(f"not reached by {keys}: {wanted}")


def open_sources(turn: Any) -> Any:
    """Open the sources of an ended answer and return them."""
    turn.locator("[data-steps] > summary").click()
    return turn.locator("[data-part=sources]")


def answer(turn: Any) -> str:
    """Return the text of the answer."""
    return str(turn.locator("[data-answer]").inner_text())


def quickest(page: Any, address: str) -> float:
    """Return the seconds until a chat page is ready, the minimum of three: other processes use the machine too."""
    took = []
    for _ in range(3):
        started = time.monotonic()
        page.goto(address)
        page.locator("[data-chat][data-ready]").wait_for()
        took.append(time.monotonic() - started)
    return min(took)


def attach_picture(page: Any, content: bytes, name: str = "screen.png") -> None:
    """Attach a picture to the question."""
    files = [{"name": name, "mimeType": "image/png", "buffer": content}]
    page.locator("[data-attach-file]").set_input_files(files)


def find_attached(page: Any) -> Any:
    """Return the pictures that are attached to the question."""
    return page.locator("[data-attached-chips] [data-attached]")
