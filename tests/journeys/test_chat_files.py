"""Files attached to a chat: asked about at once, quoted with their page, found nowhere else, moved, and deleted."""

from __future__ import annotations

from typing import Any

from fpdf import FPDF
from playwright.sync_api import expect

from tests.journeys.axe import find_violations
from tests.journeys.chat import ask, ended
from tests.journeys.collections import create_collection
from tests.journeys.conftest import Visit

QUESTION = "When does the lease of the boathouse at Eastness end?"


def lease() -> bytes:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    for text in (
        "Lease of the boathouse at Eastness, between the harbour board and the rowing club.",
        "The lease of the boathouse at Eastness ends on 30 June 2031. The rowing club may renew it once.",
    ):
        pdf.add_page()
        pdf.multi_cell(0, 8, text)
    return bytes(pdf.output())


def choose(page: Any, name: str = "lease.pdf", content: bytes = b"") -> None:
    files = [{"name": name, "mimeType": "application/pdf", "buffer": content or lease()}]
    page.locator("[data-attach-file]").set_input_files(files)


def chips(page: Any) -> Any:
    return page.locator("[data-files-here] [data-file]")


def test_a_file_is_asked_about_at_once_and_only_here(visit: Visit) -> None:
    page = visit("/", width=1440)
    expect(page.locator("[data-scope-words]")).to_have_text("All collections")
    choose(page)
    expect(page.locator("[data-scope-words]")).to_have_text("Files first")
    turn = ask(page, QUESTION)
    ended(turn)
    expect(turn).to_contain_text("30 June 2031")
    expect(turn.locator("[data-part=sources]")).to_contain_text("lease.pdf")
    expect(turn.locator("a.passage", has_text="page 2").first).to_be_attached()
    expect(chips(page)).to_have_count(1)
    page.wait_for_url("**/c/**")
    url = page.url
    other = visit("/", width=1440)
    elsewhere = ended(ask(other, QUESTION))
    expect(elsewhere).not_to_contain_text("30 June 2031")
    other.goto(page.url.split("/c/")[0] + "/collections/")
    expect(other.locator("main")).not_to_contain_text("lease.pdf")
    expect(other.locator("main")).not_to_contain_text("Files of")
    page.goto(url)
    expect(chips(page)).to_contain_text("lease.pdf")
    link = chips(page).locator("a").get_attribute("href")
    assert page.request.get(page.url.split("/c/")[0] + str(link)).status == 200
    assert find_violations(page) == []


def test_a_draft_stays_over_a_reload_and_is_removed(visit: Visit) -> None:
    page = visit("/", width=360)
    choose(page)
    expect(chips(page)).to_have_count(1)
    expect(chips(page).locator("a.title")).to_have_text("lease.pdf")  # it was read
    assert find_violations(page) == []
    page.reload()
    expect(chips(page)).to_have_count(1)
    page.get_by_role("button", name="Remove “lease.pdf”").click()
    expect(chips(page)).to_have_count(0)
    page.reload()
    page.locator("[data-chat][data-ready]").wait_for()
    expect(chips(page)).to_have_count(0)


def test_unreadable_chat_file_is_refused_in_the_words_of_collections(visit: Visit) -> None:
    page = visit("/", tolerate="400 (Bad Request)")
    page.fill("textarea[name=text]", "What is this?")
    choose(page, "run.exe", b"MZ")
    expect(page.locator("[data-refusal]")).to_contain_text("run.exe")
    expect(page.locator("textarea[name=text]")).to_have_value("What is this?")
    expect(page.locator("[data-file-holder] li")).to_have_count(0)


def test_a_broken_file_says_why_and_what_to_do(visit: Visit) -> None:
    page = visit("/", width=360)
    choose(page, "broken.pdf", b"%PDF-1.4 and no more")
    expect(chips(page)).to_contain_text("This PDF is damaged or was cut off")
    expect(chips(page)).to_contain_text("save it again and upload that")
    page.get_by_role("button", name="Remove “broken.pdf”").click()
    expect(chips(page)).to_have_count(0)


def test_a_file_is_moved_to_a_collection_by_keyboard(visit: Visit) -> None:
    page = visit("/collections/")
    create_collection(page, "Boathouses")
    page.goto(page.url.split("/collections/")[0] + "/")
    choose(page)
    button = page.get_by_role("button", name="Move “lease.pdf” to a collection")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("[data-move-file]")
    expect(dialog).to_be_visible()
    assert find_violations(page) == []
    collections, name = dialog.get_by_label("Collection", exact=True), dialog.get_by_label("Name", exact=True)
    collections.select_option(label="New collection")
    expect(name).to_have_value("lease.pdf")
    collections.select_option(label="Boathouses")
    expect(name).to_be_hidden()
    dialog.get_by_role("button", name="Move").click()
    expect(page.locator("[data-files-here]")).to_contain_text("is now in Boathouses")
    page.get_by_role("link", name="Boathouses").last.click()
    expect(page.locator("main")).to_contain_text("lease.pdf")
