"""Attached picture: kept as a draft over a reload, asked about, and shown with its question afterwards."""

from __future__ import annotations

import base64
from typing import Any

from playwright.sync_api import expect

from tests.conversations.attachments.picture_uploads import drawn
from tests.journeys.axe import find_violations
from tests.journeys.chat import ask, attach_picture, ended, find_attached
from tests.journeys.conftest import Visit

WORDS = "Error E4: water pressure low"
PASTE = """([data, type]) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], "pasted.png", { type: "image/png" }));
    const target = document.querySelector("[data-composer] textarea");
    target.dispatchEvent(type === "paste"
        ? new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true })
        : new DragEvent(type, { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""


def test_a_picture_is_asked_about_and_stays(visit: Visit) -> None:
    page = visit("/", width=360)
    page.fill("textarea[name=text]", "What does the screen say?")
    attach_picture(page, drawn(WORDS))
    expect(find_attached(page)).to_have_count(1)
    page.reload()
    expect(find_attached(page)).to_have_count(1)
    expect(page.locator("textarea[name=text]")).to_have_value("What does the screen say?")
    assert find_violations(page) == []
    page.press("textarea[name=text]", "Enter")
    turn = page.locator("[data-turn]").first
    expect(turn.locator("[data-part=attached] img")).to_have_count(1)
    expect(find_attached(page)).to_have_count(0)
    ended(turn)
    expect(turn.locator("[data-part=seen]")).to_contain_text("This model cannot see pictures. It received the text")
    page.reload()
    turn = page.locator("[data-turn]").first
    expect(turn.locator("[data-part=seen]")).to_contain_text("cannot see pictures")
    image = turn.locator("[data-part=attached] img")
    expect(image).to_have_attribute("alt", "Attached picture: screen.png")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    assert find_violations(page) == []
    edited(page, turn)


def edited(page: Any, turn: Any) -> None:
    """Edit the question, and check that it still has the picture."""
    turn.locator("[data-edit]").click()
    turn.locator(".edit textarea").fill("Which error is it?")
    turn.locator(".edit textarea").press("Enter")
    again = page.locator("[data-turn]").first
    expect(again.locator("[data-question]")).to_contain_text("Which error is it?")
    expect(again.locator("[data-part=attached] img")).to_have_count(1)
    ended(again)
    expect(again.locator("[data-part=seen]")).to_contain_text("It received the text")


def test_pictures_come_by_paste_and_drop_and_can_be_taken_away(visit: Visit) -> None:
    page = visit("/", width=1440)
    data = base64.b64encode(drawn("one")).decode()
    page.evaluate(PASTE, [data, "paste"])
    expect(find_attached(page)).to_have_count(1)
    page.evaluate(PASTE, [data, "dragover"])
    expect(page.locator("[data-attach-here]")).to_be_visible()
    page.evaluate(PASTE, [data, "drop"])
    expect(find_attached(page)).to_have_count(2)
    expect(page.locator("[data-attach-here]")).to_be_hidden()
    page.get_by_role("button", name="Remove “pasted.png”").first.click()
    expect(find_attached(page)).to_have_count(1)
    page.get_by_role("button", name="Remove “pasted.png”").click()
    expect(find_attached(page)).to_have_count(0)
    expect(page.locator("[data-attached-chips]")).to_be_hidden()


def test_refused_attachment_is_reported_at_once_and_the_draft_stays(visit: Visit) -> None:
    page = visit("/", tolerate="400 (Bad Request)")
    page.fill("textarea[name=text]", "What is this?")
    attach_picture(page, b"no picture at all")
    refusal = page.locator("[data-refusal]")
    expect(refusal).to_contain_text("This picture is damaged")
    expect(page.locator("textarea[name=text]")).to_have_value("What is this?")
    expect(find_attached(page)).to_have_count(0)


def test_a_picture_waits_with_its_question_in_line(visit: Visit) -> None:
    page = visit("/")
    turn = ask(page, "Tell me about parental leave in detail.")
    attach_picture(page, drawn(WORDS))
    expect(find_attached(page)).to_have_count(1)
    page.fill("textarea[name=text]", "And what is this?")
    page.press("textarea[name=text]", "Enter")
    second = page.locator("[data-turn]").nth(1)
    expect(find_attached(page)).to_have_count(0)
    ended(turn)
    expect(second.locator("[data-part=attached] img")).to_have_count(1, timeout=60_000)
    ended(second)
