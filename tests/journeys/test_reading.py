"""Document reader: from an answer to its scan, row and slide; and through a document by keyboard alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import xlsxwriter
from playwright.sync_api import expect

from tests.documents.sample_files import scan_pdf, slides, text_picture
from tests.journeys.chat import ask, ended, open_sources
from tests.journeys.collections import create_collection, make_file, upload
from tests.journeys.conftest import Visit

FAR = 400  # tab stops: the other journeys leave conversations in the sidebar
MANY_PAGES = """() => {
  const small = document.querySelector("[data-small-pages]");
  for (let page = 0; page < 60; page++) small.append(small.firstElementChild.cloneNode(true));
}"""


def _workbook() -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Cranes")
        rows = [("Crane", "Lifts in tons"), ("Berta", 8), ("Gustav", 14), ("Olga", 3)]
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return stream.getvalue()


FILES = [
    make_file(
        "notice.pdf",
        scan_pdf(
            text_picture("Notice of the harbour master", "Ships moor at the north quay"),
            text_picture("Fishing boats moor at the", "south quay before sunrise"),
        ),
    ),
    make_file("cranes.xlsx", _workbook()),
    make_file(
        "plan.pptx", slides(("Dredging", "The basin is dredged in October", "Say that the ferry stops for a week."))
    ),
]
BOATS, CRANE, FERRY = (
    "Where do fishing boats moor?",
    "How many tons does the crane Gustav lift?",
    "When does the ferry stop?",
)


@pytest.fixture(scope="module")
def harbour(site: Any, chromium: Any, signed_in: Any) -> Iterator[str]:
    """Create a collection of Alice's with a scan, a workbook and a presentation, all ingested. Return its URL."""
    context = chromium.new_context(storage_state=signed_in("alice"))
    page = context.new_page()
    page.goto(f"{site.url}/collections/")
    create_collection(page, "Harbour")
    upload(page, *FILES)
    yield page.url.removeprefix(site.url)
    context.close()


def opened(page: Any, harbour: str, question: str, name: str) -> Any:
    """Return the panel with the passage of that document that the answer cites."""
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + harbour)
    page.get_by_role("link", name="Ask this collection").click()
    turn = ended(ask(page, question))
    open_sources(turn).locator("a.passage", has_text=name).first.click()
    panel = page.locator("[data-panel]")
    panel.locator("[data-passage]").wait_for()
    return panel


@pytest.mark.parametrize("width", [1440, 360])
def test_a_citation_opens_the_scan_with_the_words_lit_where_they_were_drawn(
    visit: Visit, harbour: str, width: int
) -> None:
    page = visit("/", width=width)
    panel = opened(page, harbour, BOATS, "notice")
    expect(panel.locator(".paper img")).to_have_js_property("complete", True)
    assert panel.locator(".paper img").evaluate("image => image.naturalWidth") > 600
    assert panel.locator(".boxes rect").count() > 0
    box = panel.locator(".boxes rect").first.bounding_box()
    word = panel.locator(".text-layer tspan", has_text="Fishing").first.bounding_box()
    assert box["y"] - 4 <= word["y"] + word["height"] / 2 <= box["y"] + box["height"] + 4
    panel.get_by_role("link", name="Open in the document").click()
    page.locator(".reader .boxes rect").first.wait_for()
    assert page.locator("[data-small-pages] img").count() == 2
    page.evaluate(MANY_PAGES)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "thumbnails scroll in themselves"
    page.get_by_label("Recognised text").check()
    assert page.locator(".word-boxes rect").count() > 6 and page.locator(".word-boxes").is_visible()
    assert page.evaluate("window.find('south quay')")


def test_a_citation_opens_the_sheet_with_the_row_marked(visit: Visit, harbour: str) -> None:
    panel = opened(visit("/"), harbour, CRANE, "cranes")
    expect(panel.locator("thead th").first).to_have_text("Crane")
    cited = " ".join(panel.locator("tr.cited").all_inner_texts())
    assert "Gustav" in cited and "14" in cited


def test_a_citation_opens_the_slide_with_its_notes(visit: Visit, harbour: str) -> None:
    panel = opened(visit("/"), harbour, FERRY, "Dredging")
    expect(panel.locator(".slide h2")).to_have_text("Dredging")
    expect(panel.locator(".speaker-notes mark").first).to_contain_text("ferry stops")


def test_a_document_is_read_by_keyboard_alone(visit: Visit, harbour: str) -> None:
    page = visit(harbour)
    for _ in range(FAR):
        page.keyboard.press("Tab")
        if "notice" in page.evaluate("document.activeElement.textContent") and page.evaluate(
            "document.activeElement.matches('a.title')"
        ):
            break
    page.keyboard.press("Enter")
    page.locator("[data-small-pages]").wait_for()
    for _ in range(FAR):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "passage-down":
            break
    where = page.locator(".walk .where")
    page.keyboard.press("Enter")
    expect(where).to_have_text("Passage 1 of 2")
    page.keyboard.press("ArrowDown")
    expect(where).to_have_text("Passage 2 of 2")
    expect(page.locator("[data-small-pages] [aria-current]")).to_contain_text("2")
    page.keyboard.press("ArrowUp")
    expect(where).to_have_text("Passage 1 of 2")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".turn .where")).to_have_text("Page 2 of 2")
    assert page.evaluate("document.activeElement !== document.body")


def test_words_of_a_page_are_selected_and_copied(visit: Visit, harbour: str) -> None:
    page = visit(harbour)
    page.locator("#tray").get_by_role("link", name="notice").first.click()  # not the notices of the sidebar
    page.locator("[data-text-layer] text").first.wait_for()
    page.wait_for_load_state()  # before, what stands above it may still move it
    page.wait_for_function("document.querySelector('.paper img').complete")
    for _ in range(3):  # a slow machine may still move what is on the page while the mouse is on its way
        first = page.locator("[data-text-layer] tspan", has_text="Ships").first.bounding_box()
        last = page.locator("[data-text-layer] tspan", has_text="quay").first.bounding_box()
        page.mouse.move(first["x"] + 1, first["y"] + first["height"] / 2)
        page.mouse.down()
        page.mouse.move(last["x"] + last["width"] - 1, last["y"] + last["height"] / 2, steps=6)
        page.mouse.up()
        selected = page.evaluate("getSelection().toString()").strip()
        if selected == "Ships moor at the north quay":
            break
        page.wait_for_timeout(1_000)
    assert selected == "Ships moor at the north quay"


def test_the_names_of_the_columns_stay_in_sight_however_long_the_sheet(visit: Visit) -> None:
    rows = "\n".join(f"Ship {n},Port {n % 9},{n * 3} tons,bound for the harbour of the north {n}" for n in range(240))
    page = visit("/collections/")
    create_collection(page, "Ships")
    file = make_file("ships.csv", f"Ship,Home,Load,Way\n{rows}".encode())
    upload(page, file)
    page.locator("#tray a.title").click()
    expect(page.locator(".text-of table")).to_have_count(1)
    expect(page.locator(".text-of tbody tr")).to_have_count(240)
    sheet = page.locator(".text-of .scroll")
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 740})
        page.get_by_text("Ship 239", exact=True).scroll_into_view_if_needed()
        expect(page.get_by_text("Ship 239", exact=True)).to_be_in_viewport()
        assert sheet.evaluate(
            "box => Math.abs(box.querySelector('th').getBoundingClientRect().top - box.getBoundingClientRect().top) < 3"
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
