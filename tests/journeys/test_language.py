"""Language chosen by keyboard: pages use it, and none is wider than the window."""

from __future__ import annotations

from tests.journeys.conftest import Visit
from tests.journeys.site import Site

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PAGES = ("/", "/collections/", "/conversations/all/", "/privacy/", "/tokens/")


def test_a_language_is_chosen_with_the_keyboard(visit: Visit, site: Site) -> None:
    page = visit("/language/", width=1440, person="bob")
    page.locator("main input[type=radio][value=de]").focus()
    page.keyboard.press("Space")
    page.locator("main button.primary").focus()
    page.keyboard.press("Enter")
    page.locator("html[lang=de]").wait_for()
    assert page.locator("h1", has_text="Sprache").count() == 1
    wide = {}
    for path in PAGES:
        page.goto(site.url + path)
        wide[path] = page.evaluate(WIDER)
    assert [path for path, beyond in wide.items() if beyond > 0] == []
    page.goto(site.url + "/language/")
    page.locator("main input[type=radio][value='']").check()
    page.locator("main button.primary").click()
    page.locator("html[lang=en]").wait_for()
