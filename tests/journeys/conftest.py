"""Fixtures of browser tests: a running site, Chromium, and pages whose errors fail the test.

site                    running processes with users and three ingested documents
signed_in               cookies of a user by name: signed_in("ada")
visit                   opens a page: visit("/", width=1440, person="ada"); its errors fail the test at the end
page_wide, page_narrow  a page of Alice's at 1,440 and at 360 px, on a new chat
studio, picture_chat    the page of pictures, and a new chat that can create pictures
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.site import Site, until
from tests.support.password import PASSWORD

playwright = pytest.importorskip("playwright.sync_api")
playwright.expect.set_options(timeout=60_000)  # milliseconds; a long limit costs nothing if the page is quick

# The first one has no window and no spare processes: a third of the processor time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_WORKER = "Service Worker registration blocked by Playwright"  # expected message, ignored
HEIGHT = {1440: 900, 360: 740}

Visit = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.process)


@pytest.fixture(scope="package")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site without any user."""
    yield from _running(Site(tmp_path_factory.mktemp("empty")))


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site with users and a library."""
    yield from _running(Site(tmp_path_factory.mktemp("site")), "people", "library")


def _running(site: Site, *seeds: str) -> Iterator[Site]:
    """Prepare, seed and run a site; wait until its documents are ready."""
    site.prepare()
    for seed in seeds:
        site.seed(seed)
    with site.serving():
        if seeds:
            until(lambda: site.states() == {"ready"})
        yield site


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """Run Chromium. Skips the tests if it is not installed."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def signed_in(site: Site, chromium: Any) -> Callable[[str], Any]:
    """Return a function that returns the cookies of a user; see `keep_cookies`."""
    return keep_cookies(site, chromium)


def keep_cookies(site: Site, chromium: Any) -> Callable[[str], Any]:
    """Return a function that returns the cookies of a user by name, signing in once."""

    @cache
    def get_cookies(name: str) -> Any:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{site.url}/accounts/login/")
        sign_in(page, f"{name}@example.org")
        page.wait_for_selector("[data-composer]")
        cookies = context.storage_state()
        context.close()
        return cookies

    return get_cookies


def sign_in(page: Any, email: str, password: str = PASSWORD) -> None:
    """Fill in the sign-in page, which is open, and send it."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


@contextmanager
def visitor_page(site: Site, chromium: Any, width: int = 1440, **options: Any) -> Iterator[Any]:
    """Yield a page without cookies. Any error in it fails the test at the end."""
    errors: list[str] = []
    context = chromium.new_context(viewport={"width": width, "height": HEIGHT[width]}, **options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    watch(page, site.url, errors)
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def visit(site: Site, chromium: Any, signed_in: Callable[[str], Any]) -> Iterator[Visit]:
    """Return a function that opens pages of the site; see `visiting`."""
    with visiting(site, chromium, signed_in) as opened:
        yield opened


@contextmanager
def visiting(site: Site, chromium: Any, signed_in: Callable[[str], Any]) -> Iterator[Visit]:
    """Yield a function that opens pages of a site's web process. Any error in them fails the test at the end."""
    contexts: list[Any] = []
    errors: list[str] = []

    def _visit(path: str = "/", *, width: int = 1440, person: str = "alice", tolerate: str = "", **options: Any) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": HEIGHT[width]},
            storage_state=signed_in(person),
            has_touch=width < 500,
            # Animations at sixty frames a second would take a core.
            **{"service_workers": "block", "reduced_motion": "reduce", **options},
        )
        contexts.append(context)
        context.set_default_timeout(60_000)
        page = context.new_page()
        watch(page, site.url, errors, tolerate)
        page.goto(site.url + path)
        if page.locator("[data-chat]").count():
            page.locator("[data-chat][data-ready]").wait_for()
        return page

    yield _visit
    for context in contexts:
        context.close()
    assert errors == []


def watch(page: Any, url: str, errors: list[str], tolerate: str = "") -> None:
    """Append console errors, script errors, policy violations and requests to other sites to `errors`.

    Messages that contain `tolerate` are expected by the test and ignored.
    """

    def check_message(message: Any) -> None:
        if message.text == NO_WORKER:
            return
        if message.type in {"error", "warning"} and not (tolerate and tolerate in message.text):
            errors.append(f"{message.text} {message.location.get('url', '')}")

    page.on("console", check_message)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith((url, "data:")) else errors.append(request.url))


@pytest.fixture
def page_wide(visit: Visit) -> Any:
    return visit("/", width=1440)


@pytest.fixture
def page_narrow(visit: Visit) -> Any:
    return visit("/", width=360)


@pytest.fixture
def studio(visit: Visit) -> Any:
    """Return the page of pictures once the worker has described its model."""
    return open_studio(visit)


@pytest.fixture
def picture_chat(visit: Visit) -> Visit:
    """Return a function that opens a new chat in which pictures can be created."""

    def _picture_chat(**options: Any) -> Any:
        page = open_studio(visit, **options)
        page.goto(page.url.replace("/pictures/", "/"))
        page.locator("[data-chat][data-ready]").wait_for()
        return page

    return _picture_chat


def open_studio(visit: Visit, **options: Any) -> Any:
    """Open the page of pictures and wait until the worker has described its model."""
    page = visit("/pictures/", **options)
    for _ in range(180):
        if page.get_by_role("button", name="Create", exact=True).count():
            return page
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError("the worker has described no picture model")
