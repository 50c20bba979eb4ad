"""Set-up: probes of the engines, the sample collection, and a first answer with its sources."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import visitor_page
from tests.journeys.site import Site
from tests.support.password import PASSWORD

WARM_MS = 180_000


@pytest.fixture(params=[1440, 360])
def stranger(empty_site: Site, chromium: Any, request: pytest.FixtureRequest) -> Any:
    """Return a browser without cookies on a site without any user."""
    if empty_site.rows("SELECT 1 FROM users_user"):
        empty_site.stop("web")  # it remembers that somebody administers the site
        empty_site.seed("nobody")
        empty_site.start_web()
    with visitor_page(empty_site, chromium, request.param) as page:
        page.goto(empty_site.url)
        yield page


def test_a_weak_password_is_refused_and_what_was_typed_stays(stranger: Any) -> None:
    page = stranger
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_label("Password").fill("12345")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator(".error, .errorlist").first).to_be_visible()
    assert page.get_by_label("E-mail address").input_value() == "ada@example.org"


@pytest.mark.main_journey
def test_a_newcomer_is_led_from_the_first_page_to_a_cited_answer(stranger: Any) -> None:
    page = stranger
    expect(page).to_have_url(re.compile("/setup/$"))
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()

    expect(page.locator("#setup-model.done")).to_be_visible(timeout=WARM_MS)
    expect(page.locator("#setup-embedding.done")).to_be_visible(timeout=WARM_MS)
    page.get_by_role("button", name="Load the handbook").click()
    expect(page.locator("#setup-sample.done")).to_be_visible(timeout=WARM_MS)
    page.locator("#setup-sample button[name=question]").first.click()

    expect(page).to_have_url(re.compile("/c/[0-9a-f-]{36}/$"))
    expect(page.locator("blockquote .pill").first).to_be_visible(timeout=WARM_MS)
    # The model rests once its reading was measured, which may be after the first question.
    again = page.get_by_role("button", name=re.compile("^(Let the model try|Regenerate)$"))
    expect(again).to_be_visible(timeout=WARM_MS)


def test_the_doctor_repeats_the_checks_at_any_time(stranger: Any) -> None:
    page = stranger
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.locator("#setup-model.done")).to_be_visible(timeout=WARM_MS)
    page.get_by_role("link", name="All checks").click()
    for name in ("database", "embedding", "worker"):
        expect(page.locator(f"#check-{name}.good")).to_be_visible(timeout=WARM_MS)
    # A small machine that runs all tests at once is slow, and that is what it says then.
    model = page.locator("#check-model.good, #check-model.warn")
    expect(model).to_contain_text("wrote a token in", timeout=WARM_MS)
    counts = re.compile(r"\d+ checks OK, \d+ warnings?, \d+ errors?")
    expect(page.locator("[data-summary]")).to_have_text(counts, timeout=WARM_MS)
    order = page.locator(".check").evaluate_all("all => all.map((one) => one.className.match(/good|warn|bad/)[0])")
    assert order == sorted(order, key=["bad", "warn", "good"].index), "problems first"
