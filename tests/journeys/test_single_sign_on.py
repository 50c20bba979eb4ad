"""Sign-in with an OpenID Connect provider in the browser, out of the site and back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import HEIGHT
from tests.journeys.site import Site, beside
from tests.support.oidc_provider import run_provider, set_claims


@pytest.mark.parametrize("width", [1440, 360])
def test_a_user_signs_in_at_the_provider_and_out_again(site: Site, chromium: Any, width: int) -> None:
    names = {"OIDC_CLIENT_ID": "openbook", "OIDC_CLIENT_SECRET": "secret of the site", "OIDC_NAME": "Acme"}
    with run_provider() as issuer, beside(site, OIDC_ISSUER=issuer, **names) as web:
        subject = f"lee-{width}"
        set_claims(issuer, subject, email=f"{subject}@example.org", name="Lee")
        context = chromium.new_context(viewport={"width": width, "height": HEIGHT[width]})
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if "policy" in message.text.lower() else None)
        page.goto(f"{web.url}/collections/")
        page.get_by_role("button", name="Sign in with Acme").click()
        page.locator("input[name=sub]").fill(subject)
        page.locator("button").filter(has_text="Authorize").first.click()
        expect(page.get_by_role("heading", name="Collections")).to_be_visible()  # the page that was wanted
        page.goto(f"{web.url}/accounts/logout/")
        page.locator("main").get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{issuer}/oauth2/end_session**")
        page.goto(f"{web.url}/collections/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(f"{web.url}/accounts/provider/callback/")
        expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
        context.close()
        assert errors == []
