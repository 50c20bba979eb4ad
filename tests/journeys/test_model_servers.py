"""Two model servers are added, tested, kept for a group, made the default, and one is removed while it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_violations
from tests.journeys.conftest import Visit, keep_cookies, visiting
from tests.journeys.site import Site
from tests.journeys.test_administration import let_in
from tests.support.stub_model_server import StubServer, serving_models

KEY = "sk-Zephyrine-42"
LONG_ANSWER = " ".join(f"Word{number}" for number in range(60)) + " and the end."
Servers = tuple[StubServer, StubServer]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with serving_models(key=KEY, answer=LONG_ANSWER) as rack, serving_models(models=("a/x", "a/y")) as cloud:
        yield rack, cloud


@pytest.fixture(scope="module")
def own_site(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site whose operator lists both servers."""
    hosts = ",".join(f"{host}:{port}" for host, port in (one.endpoint for one in servers))
    site = Site(tmp_path_factory.mktemp("models"), settings={"LLM_HOSTS": hosts})
    site.prepare()
    site.seed("people")
    with site.serving():
        yield site


@pytest.fixture
def open_page(own_site: Site, chromium: Any) -> Iterator[Visit]:
    with visiting(own_site, chromium, keep_cookies(own_site, chromium)) as opened:
        yield opened


def connect(ada: Any, site: Site, name: str, server: StubServer, key: str = "") -> None:
    ada.goto(f"{site.url}/administration/models/")
    let_in(ada)
    ada.get_by_role("link", name="Add a model server").click()
    let_in(ada)
    ada.get_by_label("Name").fill(name)
    ada.get_by_label("Address").fill(server.url)
    ada.get_by_label("Key", exact=True).fill(key)
    ada.get_by_role("button", name="Test and add").click()


def offered_models(page: Any) -> list[str]:
    """Return the names in the model menu of a new chat."""
    page.reload()
    page.locator("[data-chat][data-ready]").wait_for()
    return [one.get_attribute("data-label") for one in page.locator("[data-models] input").all()]


def wait_until(found: Callable[[], bool], page: Any) -> None:
    for _ in range(40):
        if found():
            return
        page.wait_for_timeout(250)
    raise AssertionError("the change does not hold everywhere after ten seconds")


def ask_without_documents(page: Any, question: str) -> None:
    page.get_by_role("textbox").first.fill(question)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Answer without documents").click()


def test_a_server_is_added_tested_and_removed_while_it_answers(
    own_site: Site, servers: Servers, open_page: Visit
) -> None:
    rack, _ = servers
    ada = open_page("/administration/models/", person="ada", width=360, tolerate="status of 400")  # of the wrong key
    alice = open_page("/", person="alice")
    let_in(ada)
    connect(ada, own_site, "Rack", rack, "wrong")
    expect(ada.locator("main")).to_contain_text("does not accept the key")
    ada.get_by_label("Key", exact=True).fill(KEY)
    ada.get_by_role("button", name="Test and add").click()
    expect(ada.locator("h1")).to_have_text("stub-7B")
    expect(ada.locator("main")).to_contain_text("questions answered correctly")
    assert find_violations(ada) == [] and KEY not in ada.content()
    wait_until(lambda: "stub-7B" in offered_models(alice), alice)

    rack.gap_s = 0.1  # it answers for six seconds
    alice.locator("[data-models] summary").click()
    alice.locator("[data-models]").get_by_label("stub-7B").check()
    alice.keyboard.press("Escape")
    ask_without_documents(alice, "How do the tides work here, in your own words?")
    expect(alice.locator("main")).to_contain_text("Word5 ")
    ada.goto(f"{own_site.url}/administration/models/servers/1/")
    ada.get_by_role("button", name="Remove this server…").click()
    ada.get_by_role("button", name="Remove the server").click()
    expect(ada.locator("main")).to_contain_text("Server removed.")
    expect(alice.locator("main")).to_contain_text("and the end.")
    alice.goto(f"{own_site.url}/")
    wait_until(lambda: "stub-7B" not in offered_models(alice), alice)


def test_a_model_is_kept_for_a_group_and_becomes_the_default(
    own_site: Site, servers: Servers, open_page: Visit
) -> None:
    _, cloud = servers
    ada, alice = open_page("/people/groups/", person="ada", width=360), open_page("/", person="alice")
    ada.get_by_label("Name").fill("Finance")
    ada.get_by_label("Name").press("Enter")
    expect(ada.locator("h1")).to_contain_text("Finance")
    connect(ada, own_site, "Cloud", cloud)
    expect(ada.locator("h1")).to_have_text("Cloud")
    ada.get_by_role("button", name="Add a/y").click()
    expect(ada.locator("h1")).to_have_text("y")
    ada.get_by_label("Everyone may use it").uncheck()
    ada.get_by_label("Finance").check()
    ada.get_by_role("button", name="Save", exact=True).click()
    expect(ada.locator("main")).to_contain_text("Saved.")
    assert find_violations(ada) == [] and ada.evaluate("document.documentElement.scrollWidth <= innerWidth")
    alice.wait_for_timeout(3000)
    assert "y" not in offered_models(alice)
    ada.get_by_label("Everyone may use it").check()
    ada.get_by_label(re.compile("^Default")).check()
    ada.get_by_role("button", name="Save", exact=True).click()
    expect(ada.locator("main")).to_contain_text("Saved.")
    alice.wait_for_timeout(3000)
    alice.goto(f"{own_site.url}/")
    alice.locator("[data-chat][data-ready]").wait_for()
    ask_without_documents(alice, "What do you know about the moon?")
    expect(alice.locator("main")).to_contain_text("The stub answers.")
    assert cloud.asked[-1]["model"] == "a/y"
