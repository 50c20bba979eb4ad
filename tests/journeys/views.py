"""Select the test that judges a view: `test_every_page.py` for pages of docs/pages.md, or `test_accessibility.py`."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from tests.pictured.pages import PAGES
from tests.pictured.screenshots import EARLY

NO_PAGES = {  # files, and the documentation of the API, which a library renders
    "documents:file", "documents:page_image", "api:openapi-view", "api:openapi-json", "conversations:markdown",
    "conversations:json",
}  # fmt: skip
EACH = {"documents:collection", "documents:document", "documents:passages", "conversations:conversation"}
UNJUDGED = {*EARLY, "api"}  # a library renders the page "api"
JUDGED = tuple(page for page in PAGES if page.name not in UNJUDGED)


def name(address: str) -> str:
    """Return the name of the view behind the URL; "" if there is none."""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""


def kind(address: str) -> str:
    """Return the key by which the walk opens a page once: the view's name, with the path for views in EACH.

    "" for URLs that are no page.
    """
    found = name(address)
    own = urlsplit(address).path if found in EACH else ""
    return "" if found in NO_PAGES else found + own


def names() -> dict[str, str]:
    """Return view names by route; of two with the same route the first, which is the one that answers."""
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
    """Return the views that `test_every_page.py` judges, so that the walk skips them."""
    known = names()
    return {known[page.route] for page in JUDGED if page.route in known} - EACH
