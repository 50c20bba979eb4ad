"""Which views are judged where: pages of docs/pages.md by `test_every_page.py`, all others that links lead to by the
walk of `test_accessibility.py`."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from tests.pictured.pages import PAGES
from tests.pictured.screenshots import EARLY

NO_PAGES = {  # files, and the pages of the API's own documentation, which its library draws
    "documents:file", "documents:page_image", "api:openapi-view", "api:openapi-json", "conversations:markdown",
    "conversations:json",
}  # fmt: skip
EACH = {"documents:collection", "documents:document", "documents:passages", "conversations:conversation"}
UNJUDGED = {*EARLY, "api"}  # the last is drawn by its library
JUDGED = tuple(page for page in PAGES if page.name not in UNJUDGED)


def name(address: str) -> str:
    """Of the view behind it; none where nothing is there."""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""


def kind(address: str) -> str:
    """What is opened once in a walk: a view by its name, and of some views every page; none where it is no page."""
    found = name(address)
    own = urlsplit(address).path if found in EACH else ""
    return "" if found in NO_PAGES else found + own


def names() -> dict[str, str]:
    """The name of the view by its route; of two with the same route the first, which is the one that answers."""
    found: dict[str, str] = {}
    for route, view in _all(get_resolver()):
        found.setdefault(route, view)
    return found


def _all(resolver: URLResolver, route: str = "", spaces: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _all(pattern, here, (*spaces, pattern.namespace) if pattern.namespace else spaces)
        elif isinstance(pattern, URLPattern):
            yield here, ":".join([*spaces, pattern.name or ""])


def elsewhere() -> set[str]:
    """The views that the walk leaves to `test_every_page.py`, which judges a page of each by all rules in each look."""
    known = names()
    return {known[page.route] for page in JUDGED if page.route in known} - EACH
