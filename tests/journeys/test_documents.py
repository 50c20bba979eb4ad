"""New collection: several files dropped at once, valid and invalid, without reloading."""

from __future__ import annotations

import io
from typing import Any

import pytest
from docx import Document as Docx
from fpdf import FPDF
from playwright.sync_api import expect

from tests.journeys.collections import READ_MS, create_collection, make_file, upload

SENTENCE = (
    "The lighthouse keeper of Eastness writes down the height of the tide at six in the morning and at six at night. "
)


def _pdf(pages: int = 3, password: str = "") -> bytes:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    for number in range(pages):
        pdf.add_page()
        pdf.multi_cell(0, 8, f"Year {1900 + number}. {SENTENCE * (number + 1)}")
    if password:
        pdf.set_encryption(owner_password=password, user_password=password)
    return bytes(pdf.output())


def _docx() -> bytes:
    document = Docx()
    document.add_heading("Tides", 1)
    document.add_paragraph("The spring tide of March is the highest tide of the year at Eastness.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


GOOD = [
    make_file("log.pdf", _pdf()),
    make_file("tides.docx", _docx()),
    make_file("keepers.md", "# Keepers\n\nThe first keeper of the lighthouse was Ines Halloran.\n"),
    make_file(
        "visit.html",
        "<html><body><h1>Visits</h1>"
        "<p>Visitors may climb the tower on the first Sunday of a month.</p></body></html>",
    ),
    make_file("lamp.txt", "The lamp of the lighthouse burns with four hundred watts.\n"),
    make_file("heights.csv", "date,height in metres\n2024-03-11,7.2\n2024-03-12,7.4\n"),
]  # fmt: skip
BAD = [
    make_file("locked.pdf", _pdf(password="secret")),
    make_file("picture.pdf", b"\x89PNG\r\n\x1a\n" + bytes(400)),
    make_file("<b>bold<b>.txt", ""),
]


@pytest.fixture(params=[1440, 360])
def collection(visit: Any, request: pytest.FixtureRequest) -> Any:
    """Return the empty page of a new collection of Alice's."""
    page = visit("/collections/", width=request.param)
    create_collection(page, f"Eastness {request.node.name}"[:110])
    expect(page.get_by_role("heading", name="No files yet")).to_be_visible()
    return page


@pytest.mark.main_journey
def test_uploaded_files_are_read_and_the_bad_ones_say_why(collection: Any) -> None:
    page = collection
    page.evaluate("window.never_reloaded = true")
    page.set_input_files("#files", [*GOOD, *BAD])
    expect(page.locator("#tray .tick")).to_have_count(len(GOOD), timeout=READ_MS)
    tray = page.locator("#tray")
    expect(tray.locator(".file.bad")).to_have_count(len(BAD), timeout=READ_MS)
    expect(tray).to_contain_text("password")
    expect(tray).to_contain_text("<b>bold<b>.txt")  # shown as text, not taken for markup
    assert page.evaluate("window.never_reloaded") is True

    page.reload()
    expect(page.locator("#tray .tick")).to_have_count(len(GOOD))
    page.get_by_role("link", name="tides.docx").or_(page.get_by_role("link", name="Tides")).first.click()
    expect(page.locator("main")).to_contain_text("spring tide of March")


def test_forty_files_at_once_survive_a_reload_and_two_bad_ones(visit: Any) -> None:
    page = visit("/collections/")
    create_collection(page, "Forty")
    good = [
        make_file(f"day-{n:02}.txt", f"On day {n} of the log the tide stood at {n + 30} decimetres.") for n in range(38)
    ]
    sent: list[Any] = []
    page.on("response", lambda answer: sent.append(answer) if answer.url.endswith("/upload/") else None)
    page.set_input_files("#files", [*good[:20], BAD[0], *good[20:], BAD[1]])
    for _ in range(READ_MS // 100):
        if len(sent) == 40:
            break
        page.wait_for_timeout(100)
    assert len(sent) == 40, "what a reload cuts off is not sent"
    page.reload()  # in the middle of their reading
    summary = page.locator("[data-summary]")
    expect(summary).to_contain_text("of 40 ready")
    expect(summary).to_contain_text("38 of 40 ready · 2 failed", timeout=READ_MS)
    expect(page.locator("#tray .file.bad")).to_have_count(2)
    expect(page.locator("#tray")).to_contain_text("password")
    assert page.locator("#tray .file.bad .state").first.bounding_box()["width"] > 240  # px; reasons are sentences
    page.get_by_role("button", name="Retry failed").click()
    expect(summary).to_contain_text("38 of 40 ready · 2 failed", timeout=READ_MS)
    page.get_by_role("link", name="Ask this collection").click()
    page.locator("[data-composer] textarea[name=text]").fill("How high did the tide stand on day 17?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("blockquote").first).to_contain_text("47 decimetres", timeout=READ_MS)


@pytest.mark.parametrize("width", [1440, 360])
def test_selected_files_are_moved_deleted_and_restored(visit: Any, width: int) -> None:
    page = visit("/collections/", width=width)
    create_collection(page, f"Selected {width}")
    upload(page, *GOOD[2:])
    page.get_by_role("checkbox", name="Select lamp.txt").check()
    page.get_by_role("checkbox", name="Select heights.csv").check()
    bar = page.locator("[data-selection]")
    expect(bar).to_contain_text("2 selected")
    with page.expect_download() as download:
        bar.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == f"Selected {width}.zip"
    bar.get_by_role("button", name="Delete").click()
    expect(page.locator(".messages")).to_contain_text("2 files deleted.")
    expect(page.locator("#tray .tick")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#tray .tick")).to_have_count(4)
    page.get_by_role("link", name="Size").click() if width > 1000 else page.goto(page.url + "?sort=size")
    expect(page.locator("#tray tbody th").first).to_contain_text("heights.csv")
    page.locator("[data-all]").check()
    expect(bar).to_contain_text("4 selected")
    bar.get_by_text("Move", exact=True).first.click()
    bar.get_by_label("Collection").select_option(label="New collection")
    bar.get_by_label("Name").fill(f"Moved {width}")
    bar.get_by_role("button", name="Move").click()
    expect(page.locator(".messages")).to_contain_text(f"4 files moved to “Moved {width}”.")
    expect(page.get_by_role("heading", name="No files yet")).to_be_visible()


def test_uploaded_file_is_cancelled_and_read_after_all(collection: Any) -> None:
    page = collection
    page.set_input_files("#files", [make_file("long.txt", "".join(f"{n}. {SENTENCE}" for n in range(2500)))])
    page.get_by_role("button", name="Cancel long.txt").click(timeout=READ_MS)
    expect(page.locator("#tray")).to_contain_text("Cancelled", timeout=READ_MS)
    page.get_by_role("button", name="Retry long.txt").click()
    expect(page.get_by_role("button", name="Cancel long.txt")).to_be_visible(timeout=READ_MS)
    page.get_by_role("button", name="Cancel long.txt").click()


@pytest.mark.main_journey
def test_an_answer_comes_from_what_was_just_uploaded(collection: Any) -> None:
    page = collection
    page.set_input_files("#files", GOOD)
    expect(page.locator("#tray .tick")).to_have_count(len(GOOD), timeout=READ_MS)
    page.get_by_role("link", name="Ask this collection").click()
    page.locator("[data-composer] textarea[name=text]").fill("Who was the first keeper of the lighthouse?")
    page.get_by_role("button", name="Send").click()  # enabled once the page is ready to send
    expect(page.locator("blockquote").first).to_contain_text("Ines Halloran", timeout=READ_MS)
