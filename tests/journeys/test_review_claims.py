"""Case on a phone, by keyboard, and held for longer than a claim lasts."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.journeys.axe import find_violations
from tests.journeys.conftest import Visit
from tests.journeys.reviewing import decide, open_case, open_covered
from tests.journeys.site import Site

WORDS = "wait for the keeper"


def seen(page: Any, selector: str) -> bool:
    """Return whether the whole element lies within the visible part of the page."""
    box, size = page.locator(selector).first.bounding_box(), page.viewport_size
    return bool(box and box["y"] >= 0 and box["y"] + box["height"] <= size["height"])


def test_decisions_are_in_reach_on_a_phone_and_ask_for_what_they_need(site: Site, visit: Visit) -> None:
    site.seed("threats")
    morgan = visit("/review/", person="morgan", width=360)
    open_case(morgan, "Violence", WORDS)
    open_covered(morgan)
    allow = ".outcomes [value=allow]"
    assert seen(morgan, allow)
    morgan.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert seen(morgan, allow) and morgan.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in morgan.locator(".outcomes button").all():
        expect(button).to_be_in_viewport(ratio=1)
    assert morgan.locator("main kbd").evaluate_all("all => all.filter((one) => one.checkVisibility()).length") == 0
    here = morgan.url
    morgan.evaluate("scrollTo(0, 0)")
    morgan.locator(".outcomes [value=block]").click()  # no reason yet
    expect(morgan.get_by_role("alert")).to_have_text("Choose a reason first.")
    expect(morgan.locator("[name=reason]").first).to_be_focused()
    for reason in morgan.locator("[name=reason]").all():
        expect(reason).to_be_in_viewport(ratio=1)
    assert morgan.locator(".outcomes").evaluate("bar => bar.offsetHeight / innerHeight") < 0.15
    morgan.locator("[name=reason]").first.check()
    expect(morgan.get_by_role("alert")).to_be_empty()
    expect(morgan.locator("[name=days]")).to_be_hidden()
    morgan.locator(".outcomes [value=restrict]").click()
    expect(morgan.locator("[data-hint]")).to_contain_text("then choose it again")
    expect(morgan.locator("[name=days]")).to_be_visible()
    assert morgan.url == here and find_violations(morgan) == []
    morgan.locator(".outcomes [value=block]").click()
    morgan.locator("form[data-undo]").wait_for()
    other = morgan.url
    assert other != here
    morgan.locator("[data-undo] button").click()
    expect(morgan.locator("main")).to_contain_text("Decision undone.")
    morgan.goto(f"{site.url}/review/?show=mine")
    expect(morgan.locator(f"[data-case] a[href^='{other.partition(site.url)[2].partition('?')[0]}']")).to_have_count(0)


def test_review_form_does_not_move_under_the_pointer_or_cover_a_field(site: Site, visit: Visit) -> None:
    site.seed("threats")
    morgan = visit("/review/", person="morgan")
    open_case(morgan, "Violence", WORDS)
    morgan.locator(".outcomes [value=block]").click()  # no reason yet
    expect(morgan.get_by_role("alert")).to_have_text("Choose a reason first.")
    assert morgan.evaluate("scrollY") == 0
    morgan.keyboard.press("1")
    morgan.clock.install()
    decide(morgan, "b")
    expect(morgan.locator("form[data-undo]")).to_contain_text("You have claimed the next case.")
    expect(morgan.locator("#note")).to_be_in_viewport(ratio=1)
    note, bar = morgan.locator("#note").bounding_box(), morgan.locator(".outcomes").bounding_box()
    assert note["y"] + note["height"] <= bar["y"], "the bar covers the note"
    morgan.clock.run_for(11_000)
    expect(morgan.locator("form[data-undo]")).to_have_count(0)
    assert morgan.locator("#note").bounding_box() == note
    morgan.keyboard.press("1")
    morgan.keyboard.press("f")
    asked, bar = morgan.locator("[data-hint]").bounding_box(), morgan.locator(".outcomes").bounding_box()
    assert asked["y"] + asked["height"] <= bar["y"], "the bar covers what the decision needs"


def test_folded_fields_open_by_their_keys_and_earlier_decisions_after_the_choice(site: Site, visit: Visit) -> None:
    site.seed("threats")
    morgan = visit("/review/", person="morgan")
    open_case(morgan, "Violence", "keeper at the tower")
    expect(morgan.locator("[name=days]")).to_be_hidden()
    morgan.keyboard.press("l")
    expect(morgan.locator("[name=days]")).to_be_focused()
    morgan.keyboard.press("Escape")
    here = morgan.url
    decide(morgan, "1", "b")
    other = "keeper at the harbour"  # nearly the same words, of somebody else
    open_covered(morgan)
    if other not in (morgan.locator(".flagged").text_content() or ""):  # else it has opened by itself
        morgan.goto(f"{site.url}/review/")
        open_case(morgan, "Violence", other)
    assert morgan.url != here
    before = morgan.locator(".after", has_text="Decisions about similar texts")
    expect(before).to_be_hidden()
    morgan.keyboard.press("1")
    expect(before).to_be_visible()
    decide(morgan, "b")


def test_a_claim_is_kept_while_somebody_is_at_it(site: Site, visit: Visit) -> None:
    site.seed("threats")
    morgan = visit("/review/", person="morgan")
    morgan.clock.install()
    open_case(morgan, "Violence", WORDS)
    morgan.wait_for_load_state()  # its scripts have set their timers
    with morgan.expect_response("**/renew/") as kept:
        morgan.clock.run_for(61_000)
    assert kept.value.status == 200
    token = morgan.locator("[data-decide] [name=token]").input_value()
    assert kept.value.json() == {"token": token}
    asked: list[str] = []
    morgan.on("request", lambda request: asked.append(request.url))
    morgan.clock.run_for(10 * 60_000)
    assert len([url for url in asked if url.endswith("/renew/")]) <= 5  # nobody was there any more
    decide(morgan, "1", "b")
