"""Installable app: the browser accepts the manifest, and shows the offline page without a connection."""

from __future__ import annotations

from tests.journeys.conftest import Visit
from tests.journeys.site import Site

KEPT = """async () => {
  const names = await caches.keys();
  const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return requests.flat().map((request) => new URL(request.url).pathname);
}"""


def test_what_another_app_shares_stands_in_the_field_of_a_new_chat_once(visit: Visit) -> None:
    page = visit("/?title=A+page&text=Read+this+https%3A%2F%2Fexample.org&url=https%3A%2F%2Fexample.org")
    page.locator("[data-chat][data-ready]").wait_for()
    field = page.locator("textarea[name=text]")
    assert field.input_value() == "A page\nRead this https://example.org"
    page.reload()
    page.locator("[data-chat][data-ready]").wait_for()
    assert field.input_value() == "A page\nRead this https://example.org"


def test_it_can_be_installed_and_says_when_there_is_no_line(visit: Visit, site: Site) -> None:
    page = visit(service_workers="allow", tolerate="ERR_INTERNET_DISCONNECTED")
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    devtools = page.context.new_cdp_session(page)
    errors = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in errors] in ([], ["in-incognito"])  # such a context is all that a test has
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == [] and manifest["url"] == f"{site.url}/manifest/en.webmanifest"

    page.goto(f"{site.url}/privacy/")  # the worker has seen pages of hers by now
    page.goto(f"{site.url}/")
    kept = page.evaluate(KEPT)
    assert "/offline/en/" in kept and all(path == "/offline/en/" or path.endswith(".css") for path in kept)

    page.context.set_offline(True)
    page.goto(f"{site.url}/collections/")
    assert page.locator("h1").inner_text() == "Openbook cannot be reached"
    family = page.evaluate("getComputedStyle(document.body).fontFamily")
    assert "sans" in family  # with its style sheets
    page.context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    page.locator("h1", has_text="Collections").wait_for()
