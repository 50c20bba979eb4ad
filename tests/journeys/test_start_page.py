"""The start page invites: few requests, one left edge, names that are heard as seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.journeys.axe import find_visible_violations
from tests.journeys.conftest import Visit
from tests.journeys.site import Site


def test_heading_field_and_questions_have_one_left_edge(visit: Visit) -> None:
    page = visit("/")
    page.locator(".starter").first.wait_for()
    edges = page.evaluate(
        """() => [...document.querySelectorAll(".welcome h2, .writing, .starter, .welcome-notes > p")].map(
            (part) => Math.round(part.getBoundingClientRect().left))"""
    )
    assert len(edges) >= 4 and len(set(edges)) == 1


def test_names_of_controls_hold_the_words_that_are_seen_and_the_page_has_a_heading(visit: Visit) -> None:
    page = visit("/")
    rules = {"runOnly": ["label-content-name-mismatch", "page-has-heading-one"], "resultTypes": ["violations"]}
    assert find_visible_violations(page, rules=rules) == []


def test_a_first_visit_of_the_start_page_makes_at_most_25_requests(
    site: Site, chromium: Any, signed_in: Callable[[str], Any]
) -> None:
    context = chromium.new_context(storage_state=signed_in("alice"), service_workers="block")
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(site.url)
    page.locator("[data-chat][data-ready]").wait_for()
    page.wait_for_load_state("networkidle")
    context.close()
    assert 10 < len(asked) <= 25, asked
