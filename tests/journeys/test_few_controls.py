"""Pages have few controls and few words: a bar for each of the pages that are used most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tests.journeys.chat import LEAVE, ask, ended
from tests.journeys.conftest import Visit
from tests.journeys.site import Site

CONTROLS = """part => [...part.querySelectorAll("a, button, summary, input, select, textarea")].filter(
    (one) => one.checkVisibility({visibilityProperty: true}) && one.getBoundingClientRect().width > 1
).map((one) => one.innerText || one.getAttribute("aria-label") || one.title || one.name)"""
# Without the choices of closed lists and without what a document or a model says.
WORDS = """part => {
    const said = part.querySelectorAll("blockquote, [data-part=text], select, .visually-hidden");
    const all = [...said].reduce((text, one) => text.replace(one.innerText, " "), part.innerText);
    return all.split(/\\s+/).filter((word) => /[\\p{L}\\p{N}]/u.test(word));
}"""


@dataclass(frozen=True)
class Bar:
    """The most that a part of a page may have, and what each of its `rows` adds."""

    controls: int
    words: int
    rows: str = ""
    controls_a_row: int = 0
    words_a_row: int = 0


START, COMPOSER, ANSWER = Bar(15, 60), Bar(4, 4), Bar(12, 40)
DOCUMENTS = Bar(18, 45, "tbody tr", 2, 12)
QUEUE = Bar(16, 70, "[data-case]", 3, 25)
# Notices and the other queues appear where the tests before this one left cases or slow checks.
EMPTY_QUEUE = Bar(0, 30, ".empty, .notice, .queues li", 1, 25)


def check(page: Any, selector: str, bar: Bar) -> None:
    part = page.locator(selector).first
    rows = part.locator(bar.rows).count() if bar.rows else 0
    controls, words = part.evaluate(CONTROLS), part.evaluate(WORDS)
    assert len(controls) <= bar.controls + rows * bar.controls_a_row, controls
    assert len(words) <= bar.words + rows * bar.words_a_row, words
    assert words and (rows or not bar.rows)


@pytest.mark.parametrize("width", [1440, 360])
def test_the_start_page_and_its_field_are_within_their_bars(visit: Visit, width: int) -> None:
    page = visit("/", width=width)
    check(page, "main", START)
    check(page, "[data-composer]", COMPOSER)
    page.fill("textarea[name=text]", LEAVE)
    check(page, "[data-composer]", COMPOSER)


def test_an_answer_is_within_its_bar(page_wide: Any) -> None:
    ended(ask(page_wide, LEAVE))
    check(page_wide, "[data-answer]", ANSWER)


def test_the_documents_of_a_collection_are_within_their_bar(visit: Visit, site: Site) -> None:
    (key,) = site.rows("SELECT id FROM documents_collection WHERE name = 'House rules'")[0]
    page = visit(f"/collections/{UUID(key)}/", person="ada")
    check(page, "main", DOCUMENTS)


def test_the_queue_is_within_its_bar(visit: Visit, site: Site) -> None:
    page = visit("/review/", person="morgan")
    if page.locator("[data-case]").count() == 0:
        check(page, "main", EMPTY_QUEUE)
        site.seed("alike")
        page.reload()
    check(page, "main", QUEUE)


def test_zoom_of_200_percent_leaves_half_of_the_height_to_reading(visit: Visit) -> None:
    page = visit("/")
    ended(ask(page, LEAVE))
    page.set_viewport_size({"width": 640, "height": 360})  # a window of 1280 by 720 at 200 %
    top, field = (page.locator(one).bounding_box() for one in (".topbar", "[data-composer]"))
    assert field["y"] - top["y"] - top["height"] >= 180
