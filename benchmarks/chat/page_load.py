"""Time to open a long conversation in a browser, and to search all messages of a user."""

from __future__ import annotations

import shutil
import time
import urllib.request
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.management.base import CommandError

from apps.lib.text.analyzer import split_words

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_WARM_UP = 2
_MIN_LETTERS = 3  # words of at most this many letters are not searched
# The page is usable once its script has run and its content is painted.
_USABLE = """
new MutationObserver(() => {
  if (document.querySelector("[data-chat][data-ready]") && !window.usable)
    requestAnimationFrame(() => setTimeout(() => { window.usable ??= performance.now(); }));
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-ready"] });
"""
_TIMES = """() => {
  const [page] = performance.getEntriesByType("navigation");
  return { usable: window.usable, server: page.responseEnd - page.requestStart };
}"""


def measure_page_loads(url: str, key: str, conversation: str, times: int) -> list[dict[str, float]]:
    """Return for each load the milliseconds until the page is usable, and those of the server, in a browser with an
    empty cache. Raise CommandError without a browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise CommandError("This measurement needs a browser: run ./run setup --dev first.") from None
    chromium = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if chromium is None:
        raise CommandError("This measurement needs Chromium, which is not installed.")
    timings = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=_FLAGS)
        for _ in range(times + _WARM_UP):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": url}])
            context.add_init_script(_USABLE)
            page = context.new_page()
            page.goto(f"{url}/c/{conversation}/")
            page.wait_for_function("window.usable")
            timings.append(page.evaluate(_TIMES))
            context.close()
        browser.close()
    return timings[_WARM_UP:]


def measure_searches(url: str, key: str, questions: Sequence[str], times: int) -> list[float]:
    """Return the milliseconds of each search, including the whole response. Raise RuntimeError for a search without
    hits."""
    milliseconds = []
    for number in range(times + _WARM_UP):
        question = questions[number * len(questions) // (times + _WARM_UP)]
        words = [word for word in split_words(question) if len(word) > _MIN_LETTERS]
        query = " ".join(words[: 1 + number % 3])  # one word, two, or three
        began = time.perf_counter()
        page = _get(f"{url}/conversations/all/?q={quote(query)}", key)
        milliseconds.append(1000 * (time.perf_counter() - began))
        if "<mark>" not in page:
            raise RuntimeError(f"Nothing was found for {query!r}, which somebody said.")
    return milliseconds[_WARM_UP:]


def _get(url: str, key: str) -> str:
    request = urllib.request.Request(url, headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own address
        if urlsplit(answer.url).path != urlsplit(url).path:
            raise RuntimeError(f"{url} led to {answer.url}.")
        return str(answer.read().decode())
