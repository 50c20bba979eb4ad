"""Installable app: the browser accepts the manifest, and shows the offline page without a connection."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from tests.journeys.conftest import Visit, sign_in
from tests.journeys.site import Site

KEPT = """async () => {
  const names = await caches.keys();
  const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return requests.flat().map((request) => new URL(request.url).pathname);
}"""


def test_text_shared_by_another_app_stands_in_the_field_of_a_new_chat_once(visit: Visit) -> None:
    page = visit("/?title=A+page&text=Read+this+https%3A%2F%2Fexample.org&url=https%3A%2F%2Fexample.org")
    page.locator("[data-chat][data-ready]").wait_for()
    field = page.locator("textarea[name=text]")
    assert field.input_value() == "A page\nRead this https://example.org"
    page.reload()
    page.locator("[data-chat][data-ready]").wait_for()
    assert field.input_value() == "A page\nRead this https://example.org"


SHARE = """(pixels) => {
  const create = (tag, values) => Object.assign(document.createElement(tag), values);
  const form = create("form", { method: "post", action: "/share/", enctype: "multipart/form-data" });
  const files = create("input", { type: "file", name: "files", multiple: true });
  const held = new DataTransfer();
  held.items.add(new File(["The lease of the boathouse ends in 2031."], "lease.md", { type: "text/markdown" }));
  held.items.add(new File([Uint8Array.from(pixels)], "boat.png", { type: "image/png" }));
  files.files = held.files;
  form.append(files, create("input", { name: "title", value: "Read this" }));
  document.body.append(form);
  form.submit();
}"""  # as the operating system posts it


def share(page: Any) -> None:
    pixels = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(pixels, "PNG")
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    page.evaluate(SHARE, list(pixels.getvalue()))


def expect_attached(page: Any) -> None:
    expect(page.locator("[data-files-here] [data-file]")).to_contain_text("lease.md")
    expect(page.locator("[data-attached-chips] [data-attached] img")).to_have_count(1)
    expect(page.locator("textarea[name=text]")).to_have_value("Read this")


def test_files_that_another_app_shares_are_attached_to_a_new_chat_once(visit: Visit) -> None:
    page = visit(service_workers="allow")
    share(page)
    expect_attached(page)
    page.reload()
    expect_attached(page)  # as drafts, not shared twice


def test_shared_files_wait_until_the_user_has_signed_in(visit: Visit) -> None:
    page = visit(service_workers="allow")
    page.context.clear_cookies()
    page.goto(page.url + "accounts/login/")
    share(page)
    sign_in(page, "bob@example.org")
    expect_attached(page)


def test_app_can_be_installed_and_says_when_it_is_offline(visit: Visit, site: Site) -> None:
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
