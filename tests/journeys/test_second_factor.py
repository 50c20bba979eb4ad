"""Second factor in the browser: a passkey added and used, and one that is lost and removed by an administrator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import HEIGHT, sign_in
from tests.journeys.site import Site
from tests.support.password import PASSWORD

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
WIDER = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def named_site(site: Site) -> Iterator[str]:
    """Run another web process on the data of the site, at a host that browsers allow passkeys at. Yield its address."""
    other = Site(site.directory)
    other.settings["SITE_URL"] = f"http://localhost:{other.port}"
    try:
        other.start_web()
        yield other.settings["SITE_URL"]
    finally:
        other.stop_all()


def open_page(chromium: Any, width: int) -> tuple[Any, list[str]]:
    """Return a page of a new browser with a device that makes passkeys, and the list of its errors."""
    context = chromium.new_context(viewport={"width": width, "height": HEIGHT[width]}, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    protocol = context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    protocol.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return page, errors


def enter_password(page: Any, address: str, user: str) -> None:
    page.goto(f"{address}/accounts/login/")
    sign_in(page, f"{user}@example.org")


@pytest.mark.parametrize(("width", "user"), [(1440, "bob"), (360, "pat")])
def test_a_passkey_is_added_used_lost_and_removed(named_site: str, chromium: Any, width: int, user: str) -> None:
    page, errors = open_page(chromium, width)
    enter_password(page, named_site, user)
    page.locator("[data-chat][data-ready]").wait_for()
    page.goto(f"{named_site}/security/")
    assert not page.evaluate(WIDER)
    page.get_by_role("link", name="Add a second factor").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    assert not page.evaluate(WIDER)
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Create passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert not page.evaluate(WIDER)
    assert page.locator(".codes code").count() == 10
    page.get_by_role("link", name="Done").click()
    expect(page.locator("main")).to_contain_text("Passkey “Laptop”")

    page.goto(f"{named_site}/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    sign_in(page, f"{user}@example.org")
    page.get_by_role("button", name="Use your passkey").click()
    page.locator("[data-chat][data-ready]").wait_for()
    page.goto(f"{named_site}/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()  # and no password
    page.locator("[data-chat][data-ready]").wait_for()
    assert errors == []

    remove_as_administrator(named_site, chromium, width, user)
    page.goto(f"{named_site}/security/")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    sign_in(page, f"{user}@example.org")
    expect(page.locator("main")).to_contain_text("Off. With one, a stolen password is of no use to others.")
    page.goto(f"{named_site}/notices/")
    expect(page.locator("main")).to_contain_text("An administrator removed your second factor")
    # Parts that the open page asked for after its session had ended are refused.
    assert [error for error in errors if "401 (Unauthorized)" not in error] == []
    page.context.close()


def remove_as_administrator(address: str, chromium: Any, width: int, user: str) -> None:
    """Remove the second factor of the user on the page of administrators."""
    page, errors = open_page(chromium, width)
    enter_password(page, address, "ada")
    page.locator("[data-chat][data-ready]").wait_for()
    page.goto(f"{address}/people/?q={user}")
    page.locator("main").get_by_role("link", name=user.title()).first.click()
    page.get_by_role("button", name="Remove the second factor").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("main")).to_contain_text(f"The second factor of {user.title()} was removed.")
    assert not page.evaluate(WIDER)
    assert errors == []
    page.context.close()
