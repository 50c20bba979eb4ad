"""A user leaves: an administrator hands everything over and deletes the account; the open page of the user ends."""

from __future__ import annotations

import time

from playwright.sync_api import expect

from tests.journeys.axe import find_violations
from tests.journeys.conftest import Visit
from tests.journeys.site import Site
from tests.journeys.test_administration import let_in

SIGNED_OUT_S = 5.0  # seconds from the click until nothing of the user is connected any more


def test_a_leaver_is_handed_over_and_deleted(visit: Visit, site: Site) -> None:
    link = site.seed("leaver")
    lee = visit("/", person="lee", tolerate="WebSocket")
    closed: list[float] = []
    lee.on("websocket", lambda socket: socket.on("close", lambda _: closed.append(time.monotonic())))
    lee.reload()
    lee.locator("[data-chat][data-ready]").wait_for()
    ada = visit("/people/?q=lee", person="ada", width=360)
    ada.get_by_role("link", name="Lee").click()
    ada.get_by_role("link", name="Hand over and close…").click()
    let_in(ada)
    expect(ada.locator("main")).to_contain_text("1 collection")
    ada.get_by_role("combobox", name="Hand over to").fill("bob@example.org")
    ada.get_by_label("Delete, with everything that is not handed over").check()
    assert find_violations(ada) == []
    ada.get_by_role("button", name="Show what will happen").click()
    main = ada.locator("main")
    expect(main).to_contain_text("Bob gets: 1 collection, 1 shared link.")
    expect(main).to_contain_text("Deleted for good: the account, 2 chats")
    assert ada.evaluate("document.documentElement.scrollWidth <= innerWidth") and find_violations(ada) == []
    ada.get_by_role("button", name="Delete the account").click()
    clicked = time.monotonic()
    ada.wait_for_url("**/privacy/receipts/**")
    while not closed and time.monotonic() < clicked + SIGNED_OUT_S:
        lee.wait_for_timeout(50)
    assert closed and closed[0] - clicked <= SIGNED_OUT_S
    expect(ada.locator("h1")).to_have_text("Receipt", timeout=60_000)
    bob = visit("/collections/", person="bob")
    expect(bob.locator("main")).to_contain_text("Harbour rules")
    bob.goto(site.url + link)
    expect(bob.locator("main")).to_contain_text("The tower is 100 metres high.")
    assert site.rows("SELECT COUNT(*) FROM conversations_message WHERE text LIKE '%private%'") == [(0,)]
    lee.goto(f"{site.url}/collections/")
    lee.wait_for_url("**/accounts/login/**")
