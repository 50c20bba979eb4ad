"""Shared collection: a reader asks it until the share is removed."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.journeys.chat import ask, ended, open_sources
from tests.journeys.collections import create_collection, make_file, upload
from tests.journeys.conftest import Visit

OATH = "# Oath\n\nThe night watch swears to count the lamps of the quay at every full hour.\n"
QUESTION = "What does the night watch swear?"


def test_a_reader_gets_answers_until_sharing_ends(visit: Visit) -> None:
    alice = visit("/collections/")
    create_collection(alice, "Night watch")
    upload(alice, make_file("oath.md", OATH))
    alice.get_by_role("link", name="Sharing", exact=True).last.click()
    alice.get_by_label("E-mail address").fill("bob@example.org")
    alice.get_by_role("button", name="Share", exact=True).click()
    expect(alice.get_by_text("Shared with bob@example.org. If no account has this e-mail address yet")).to_be_visible()
    expect(alice.get_by_text("the one user listed above")).to_be_visible()

    bob: Any = visit("/collections/", person="bob", tolerate="404")
    bob.get_by_role("link", name="Night watch").click()
    expect(bob.get_by_role("link", name="Oath")).to_be_visible()
    assert bob.locator("#files").count() == 0 and bob.get_by_role("link", name="Settings").count() == 0
    document = bob.get_by_role("link", name="Oath").get_attribute("href")
    bob.get_by_role("link", name="Ask this collection").click()
    turn = ended(ask(bob, QUESTION))
    expect(turn).to_contain_text("count the lamps")

    alice.get_by_role("button", name="Stop sharing with bob@example.org").click()
    expect(alice.get_by_role("button", name="Stop sharing with bob@example.org")).to_have_count(0)
    open_sources(turn).locator("a.passage").first.click()  # of the answer that he still sees
    expect(bob.locator("[data-panel]")).to_contain_text("No longer available")
    answer = bob.goto(bob.url.split("/c/")[0].split("?")[0].rstrip("/") + "/collections/")
    assert answer is not None and "Night watch" not in bob.locator("main").inner_text()
    assert bob.request.get(bob.url.removesuffix("/collections/") + document).status == 404


def test_the_people_of_a_group_read_then_edit_then_own(visit: Visit) -> None:
    ada, bob = visit("/people/groups/", person="ada"), visit("/collections/", person="bob")
    ada.get_by_label("Name").fill("Pilots")
    ada.get_by_role("button", name="Create group").click()
    ada.get_by_label("User", exact=True).fill("Bob")
    ada.get_by_role("button", name="Add", exact=True).click()
    ada.goto(bob.url)
    create_collection(ada, "Pilot book")
    ada.get_by_role("link", name="Sharing", exact=True).last.click()
    ada.get_by_label("Group").select_option(label="Pilots")
    ada.get_by_role("button", name="Share with group").click()
    expect(ada.get_by_text("Shared with the group Pilots.")).to_be_visible()
    expect(
        ada.get_by_text("get answers from this collection: ada@example.org, everyone in Pilots (1).")
    ).to_be_visible()

    bob.reload()
    bob.get_by_role("link", name="Pilot book").click()
    expect(bob.get_by_text("Ada has not added a file yet.")).to_be_visible()
    assert bob.locator("#files").count() == 0
    _now(ada, "Editor")
    bob.reload()
    upload(bob, make_file("oath.md", OATH))
    assert bob.get_by_role("link", name="Settings", exact=True).count() == 0
    _now(ada, "Owner")
    bob.reload()
    bob.get_by_role("link", name="Sharing", exact=True).last.click()
    expect(bob.get_by_role("heading", name="Who can see answers from this collection")).to_be_visible()
    bob.get_by_role("button", name="Stop sharing with Pilots").click()  # it was their own right
    expect(bob.get_by_text("You are no longer an owner of “Pilot book”.")).to_be_visible()
    assert bob.get_by_role("link", name="Pilot book").count() == 0


def _now(ada: Any, role: str) -> None:
    ada.get_by_label("Role of Pilots").select_option(label=role)
    ada.get_by_role("button", name="Change the role of Pilots").click()
    expect(ada.get_by_text("Shared with the group Pilots.")).to_be_visible()
