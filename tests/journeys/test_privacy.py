"""Privacy page: read, export and erase one's data; the worker does both."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import ask, ended
from tests.journeys.conftest import Visit
from tests.support.password import PASSWORD

READ_MS = 180_000


def test_a_copy_and_then_everything_goes(visit: Visit, tmp_path: Path) -> None:
    page = visit(person="quinn")
    site = page.url.rstrip("/")
    ended(ask(page, "How high was the lighthouse of Alexandria?"), "complete")
    page.goto(f"{site}/privacy/")
    expect(page.locator("main")).to_contain_text("Answers are written by a language model")
    expect(page.locator("main")).to_contain_text("not agreed")
    page.get_by_role("button", name="Prepare a copy").click()
    fetch = page.get_by_role("link", name="Download")
    fetch.wait_for(timeout=READ_MS)  # it appears without a reload
    with page.expect_download() as download:
        fetch.click()
    download.value.save_as(tmp_path / "copy.zip")
    with zipfile.ZipFile(tmp_path / "copy.zip") as copy:
        assert any("lighthouse" in copy.read(name).decode() for name in copy.namelist() if "conversations/" in name)

    page.get_by_role("link", name="Delete account and data").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete account and data").click()
    page.wait_for_url("**/privacy/receipts/**")
    for _ in range(180):
        if "was erased on" in page.locator("main").inner_text():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(page.locator("main")).to_contain_text("was erased on")
    page.goto(f"{site}/collections/")
    expect(page).to_have_url(f"{site}/accounts/login/?next=/collections/")


@pytest.mark.parametrize("path", ["/privacy/", "/privacy/keeping/", "/limits/", "/people/limits/", "/privacy/holds/"])
@pytest.mark.parametrize("width", [360, 1440])
def test_privacy_pages_fit_the_width(visit: Visit, path: str, width: int) -> None:
    page = visit(path, person="ada", width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
