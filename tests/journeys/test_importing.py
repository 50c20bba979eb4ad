"""Chats of other products: imported, read and continued."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conversations.transfer.foreign_exports import chatgpt, node, roll_back
from tests.journeys.chat import LEAVE, ask, ended
from tests.journeys.conftest import Visit
from tests.journeys.model import HOSTILE


@pytest.mark.parametrize("width", [1440, 360])
def test_imported_conversation_is_read_and_continued(visit: Visit, tmp_path: Path, width: int) -> None:
    words = f"How do I roll back, at {width}?"
    evil = chatgpt(node("u", "root", "user", words), node("a", "u", "assistant", HOSTILE), title=f"At {width}")
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps([evil, roll_back(), {"title": "Torn"}]))
    page = visit("/conversations/all/", width=width)
    page.get_by_role("link", name="Import").click()
    page.get_by_label("File").set_input_files(str(file))
    page.get_by_role("button", name="Import").click()
    report = page.locator("#import")
    expect(report).to_have_attribute("data-status", "done", timeout=60_000)
    expect(report).to_contain_text("1 not imported")
    expect(report.locator("li").first).to_contain_text("Torn")
    expect(page.locator("#conversation-list [data-conversation]").filter(has_text=f"At {width}")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    report.get_by_role("link", name=f"At {width}").click()
    expect(page.locator("[data-transcript]")).to_contain_text("Imported from ChatGPT")
    assert page.locator(".prose img, .prose a[href^=javascript]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ended(ask(page, LEAVE))
    expect(page.locator("[data-turn]")).to_have_count(2)
