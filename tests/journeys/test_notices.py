"""Notices: somebody else shares a collection, and the user hears of it on another page."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.journeys.conftest import Visit

AUDIT = Path(__file__).with_name("audit.js").read_text()


def test_a_shared_collection_is_told_on_an_open_page_and_listed_by_name(visit: Visit) -> None:
    reader = visit(person="bob")  # a new chat, which has a socket
    reader.locator("[data-chat][data-ready]").wait_for()
    owner = visit("/collections/", person="alice")
    owner.evaluate(
        """async () => {
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const made = await fetch("/collections/", { method: "POST", headers, body: new URLSearchParams({ name: "Bees" }) });
  const body = new URLSearchParams({ email: "bob@example.org", role: "reader" });
  await fetch(`${new URL(made.url).pathname}people/`, { method: "POST", headers, body });
}"""
    )
    toast = reader.locator(".messages .notice a", has_text="shared the collection “Bees” with you.")
    expect(toast).to_be_visible()
    expect(reader.locator("[data-notices] .badge")).to_be_visible()
    reader.locator("[data-notices] a").click()
    expect(reader.get_by_role("heading", name="Shared with you")).to_be_visible()
    assert reader.evaluate(AUDIT) == {"contrast": [], "size": [], "name": []}
    reader.get_by_role("link", name="shared the collection “Bees” with you.").click()
    reader.locator("h1", has_text="Bees").wait_for()
    expect(reader.locator("[data-notices] a")).to_be_visible()
    expect(reader.locator("[data-notices] .badge")).to_be_hidden()
