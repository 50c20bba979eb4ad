"""Account in the browser, from the invitation to a forgotten password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit, sign_in, visitor_page
from tests.journeys.site import Site, until

FIRST, SECOND, THIRD = "seven green kettles", "eight brown kettles", "nine yellow kettles"


@pytest.fixture
def stranger(site: Site, chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a page of an anonymous visitor."""
    with visitor_page(site, chromium, request.param) as page:
        yield page


def sign_out(page: Any) -> None:
    page.goto(re.match(r"https?://[^/]+", page.url)[0] + "/accounts/logout/")  # type: ignore[index]
    page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def mailed(site: Site, email: str) -> str:
    """Return the link of the last mail to that address, from the log of the web process."""
    found: list[str] = []

    def there() -> bool:
        mail = (site.directory / "web.log").read_text(errors="replace").rpartition(f"To: {email}")[2]
        found[:] = re.findall(r"https?://\S+/password/reset/key/\S+", mail)
        return bool(found)

    until(there)
    return found[0]


def forgotten(stranger: Any, site: Site, email: str) -> None:
    """Reset the password by the link of a mail, which works once."""
    stranger.get_by_role("link", name="Forgot").click()
    stranger.get_by_label("E-mail address").fill(email)
    stranger.get_by_role("button", name="Send link").click()
    link = mailed(site, email)
    stranger.goto(link)
    stranger.get_by_label("Password", exact=True).fill(THIRD)
    stranger.get_by_label("Repeat password").fill(THIRD)
    stranger.get_by_role("button", name="Set password").click()
    stranger.goto(f"{site.url}/accounts/login/")
    sign_in(stranger, email, THIRD)
    stranger.locator("[data-chat][data-ready]").wait_for()
    sign_out(stranger)
    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="This link no longer works")).to_be_visible()


@pytest.mark.parametrize("stranger", [1440, 360], indirect=True)
def test_invited_signed_up_changed_forgotten_and_reset(site: Site, visit: Visit, stranger: Any) -> None:
    width = stranger.viewport_size["width"]
    email = f"kim{width}@example.org"
    admin = visit("/people/", person="ada", width=width)
    admin.get_by_role("button", name="Create invitation").click()
    link = admin.locator("[data-link-field]").input_value()

    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="Sign up")).to_be_visible()
    stranger.get_by_label("E-mail address").fill(email)
    stranger.get_by_label("Password", exact=True).fill("short")
    stranger.get_by_label("Repeat password").fill("short")
    stranger.get_by_role("button", name="Create account").click()
    expect(stranger.locator("main")).to_contain_text("10 characters")
    expect(stranger.get_by_label("E-mail address")).to_have_value(email)
    stranger.get_by_label("Password", exact=True).fill(FIRST)
    stranger.get_by_label("Repeat password").fill(FIRST)
    stranger.get_by_role("button", name="Create account").click()
    stranger.locator("[data-chat][data-ready]").wait_for()

    stranger.goto(f"{site.url}/accounts/password/change/")
    stranger.get_by_label("Current password").fill(FIRST)
    stranger.get_by_label("New password", exact=True).fill(SECOND)
    stranger.get_by_label("Repeat password").fill(SECOND)
    stranger.get_by_role("button", name="Change password").click()
    sign_out(stranger)
    sign_in(stranger, email, FIRST)
    expect(stranger.locator("main")).to_contain_text("Wrong e-mail address or password.")
    sign_in(stranger, email, SECOND)
    stranger.locator("[data-chat][data-ready]").wait_for()
    sign_out(stranger)
    forgotten(stranger, site, email)
