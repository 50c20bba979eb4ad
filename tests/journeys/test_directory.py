"""A directory is connected on the page, and closes an account: the open page of the user ends within seconds."""

from __future__ import annotations

import time

import httpx2
from playwright.sync_api import expect

from tests.journeys.axe import find_violations
from tests.journeys.conftest import Visit
from tests.journeys.site import Site
from tests.journeys.test_administration import let_in

SIGNED_OUT_S = 5.0  # seconds from the request until nothing of the user is connected any more
PATCH = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
}


def test_a_leaver_is_signed_out_by_the_directory(visit: Visit, site: Site) -> None:
    user = site.seed("directory_user")
    ada = visit("/settings/", person="ada", width=360)
    ada.get_by_role("link", name="Have your organisation’s directory").click()
    let_in(ada)
    expect(ada.locator("main")).to_contain_text("No directory is connected.")
    assert find_violations(ada) == []
    ada.get_by_role("button", name="Connect a directory").click()
    secret = ada.get_by_label("The token of the directory").input_value()
    assert ada.evaluate("document.documentElement.scrollWidth <= innerWidth") and find_violations(ada) == []
    api = httpx2.Client(base_url=f"{site.url}/scim/v2/", headers={"Authorization": f"Bearer {secret}"}, timeout=60)
    assert api.get(f"Users/{user}").json()["active"] is True
    noor = visit("/", person="noor", tolerate="WebSocket")
    closed: list[float] = []
    noor.on("websocket", lambda socket: socket.on("close", lambda _: closed.append(time.monotonic())))
    noor.reload()
    noor.locator("[data-chat][data-ready]").wait_for()
    begun = time.monotonic()
    assert api.patch(f"Users/{user}", json=PATCH).status_code == 204
    while not closed and time.monotonic() < begun + SIGNED_OUT_S:
        noor.wait_for_timeout(50)
    assert closed and closed[0] - begun <= SIGNED_OUT_S
    noor.goto(f"{site.url}/collections/")
    noor.wait_for_url("**/accounts/login/**")
    ada.reload()
    expect(ada.locator("main")).to_contain_text("1 user")
    ada.get_by_role("button", name="Disconnect…").click()
    ada.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(ada.locator("main")).to_contain_text("No directory is connected.")
    assert api.get("Users").status_code == 404
    api.close()
