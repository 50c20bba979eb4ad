"""Speech input and output by the browser's functions, which are simulated; without them there are no buttons."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import LEAVE, WHO, ask, ended, more, show_controls, tab_to
from tests.journeys.conftest import Visit

PILL = re.compile(r"[.!?]\s*\d+(\s|$)")
NONE = """
for (const name of ["SpeechRecognition", "webkitSpeechRecognition", "speechSynthesis", "SpeechSynthesisUtterance"]) {
  delete window[name];
  if (name in window) Object.defineProperty(window, name, { value: undefined, configurable: true });
}
for (const name of ["speechSynthesis", "SpeechSynthesisUtterance"]) delete window[name];
"""
# `heard("words", final)` is what the microphone understands; `utterance` was read aloud, `reading` is being read.
PLAYED = """
window.SpeechRecognition = class extends EventTarget {
  start() { window.microphone = this; this.results = []; this.began = true; }
  stop() { queueMicrotask(() => this.dispatchEvent(new Event("end"))); }
};
window.heard = (words, final) => {
  const { results } = window.microphone;
  if (results.length && !results.at(-1).isFinal) results.pop();
  results.push(Object.assign([{ transcript: words }], { isFinal: final }));
  window.microphone.dispatchEvent(Object.assign(new Event("result"), { results }));
};
window.failed = (error) => {
  window.microphone.dispatchEvent(Object.assign(new Event("error"), { error }));
  window.microphone.dispatchEvent(new Event("end"));
};
window.said = [];
window.SpeechSynthesisUtterance = class extends EventTarget {
  constructor(text) { super(); this.text = text; }
};
Object.defineProperty(window, "speechSynthesis", { configurable: true, value: {
  speak(utterance) { window.said.push({ text: utterance.text, lang: utterance.lang }); window.reading = utterance; },
  cancel() { window.reading = null; },
} });
"""


def played(visit: Visit, script: str = PLAYED, **options: Any) -> Any:
    page = visit(**options)
    page.add_init_script(script)
    page.reload()
    page.locator("[data-chat][data-ready]").wait_for()
    return page


@pytest.mark.parametrize("width", [1440, 360])
def test_a_question_is_dictated(visit: Visit, width: int) -> None:
    page = played(visit, width=width)
    field, button = page.locator("textarea[name=text]"), page.locator(".composer-bar > [data-dictate]")
    field.fill("Please:")
    expect(button).to_be_hidden()  # the button to send has its place
    show_controls(page)
    page.get_by_role("button", name="Dictate").click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_have_accessible_name("Stop dictating")
    page.evaluate("heard('how long does', false)")
    expect(field).to_have_value("Please: how long does")
    page.evaluate("heard('how long does parental leave last', true)")
    expect(field).to_have_value("Please: how long does parental leave last")
    assert page.evaluate("microphone.lang") == "en"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(field).to_be_focused()
    page.keyboard.press("Enter")
    ended(page.locator("[data-turn]").first)


def test_dictation_that_is_not_allowed_says_what_to_do(visit: Visit) -> None:
    page = played(visit)
    page.locator("textarea[name=text]").fill("Kept")
    show_controls(page)
    page.get_by_role("button", name="Dictate").click()
    page.evaluate("failed('not-allowed')")
    expect(page.locator("[data-refusal]")).to_contain_text("Allow it in the settings of your browser")
    expect(page.locator("textarea[name=text]")).to_have_value("Kept")
    show_controls(page)
    page.get_by_role("button", name="Dictate").click()
    page.evaluate("failed('network')")
    expect(page.locator("[data-refusal]")).to_contain_text("is not responding")


def test_an_answer_is_read_without_its_pills_by_keyboard_and_stopped(visit: Visit) -> None:
    page = played(visit)
    turn = ended(ask(page, WHO))
    button = turn.locator("[data-read-aloud]")
    tab_to(turn.locator(".more-tools > summary"), "Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(button)
    page.keyboard.press("Enter")
    expect(button).to_have_accessible_name("Stop reading")
    expect(page.locator("[data-reading]")).to_be_visible()
    utterance = page.evaluate("said[0]")
    assert utterance["lang"] == "en" and "parental leave" in utterance["text"]
    assert PILL.search(turn.locator("[data-part=text]").inner_text()) and not PILL.search(utterance["text"])
    page.keyboard.press("Enter")
    expect(button).to_have_accessible_name("Read aloud")
    assert page.evaluate("reading") is None
    expect(page.locator("[data-reading]")).to_be_hidden()
    button.click()
    page.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-pressed", "false")
    more(turn)
    button.click()
    page.evaluate("reading.dispatchEvent(new Event('end'))")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("said.length") == 3


def test_a_browser_without_voice_has_no_buttons(visit: Visit) -> None:
    page = played(visit, NONE)
    turn = ended(ask(page, LEAVE))
    expect(turn.get_by_role("button", name="Copy")).to_be_visible()
    expect(turn.locator("[data-read-aloud]")).to_be_hidden()
    expect(page.locator(".composer-bar > [data-dictate]")).to_be_hidden()
