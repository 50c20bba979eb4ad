"""Every page has its picture in docs/pages/ and its entry in docs/pages.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.access.route_permissions import MATRIX, TOKEN, C, D
from tests.pictured.acts import ACTS
from tests.pictured.pages import PAGES
from tests.pictured.screenshots import FOLDER, TEXT, files, text

MEGABYTES = 5
G, M, V = "pictures/<uuid:pk>/", "administration/", "review/<uuid:pk>/"
NO_PAGES = {  # what is asked for with GET and is no page: parts of pages, files, answers for machines
    "words/<slug:code>.js", "people/suggestions/", "metrics",
    "privacy/copy/<uuid:pk>/", "api/openapi.json", "collections/filters/", C + "tray/",
    C + "golden/state/", C + "settings/search/state/", D + "passage/", D + "pages/<int:number>.png", D + "file/",
    D + "source/<int:number>/", V + "picture.png", "feedback/preferences.jsonl", "setup/model/", "setup/reading/",
    "setup/embedding/", "setup/sample/", "doctor/<slug:name>/", "status/", "manifest/<slug:code>.webmanifest",
    "service-worker.js", "health/live/", "health/ready/", "pictures/tiles/", G + "file.png", G + "preview.jpg",
    G + "frames/<int:step>.jpg", "assistants/<uuid:pk>/picture.png", "attached/", "attached/<uuid:pk>/",
    "files/", "files/<uuid:pk>/move/",
    "c/<uuid:pk>/turns/", "c/<uuid:pk>/tags/", "c/<uuid:pk>/queue/", "c/<uuid:pk>/export.md", "c/<uuid:pk>/export.json",
    "c/<uuid:pk>/share/", "shared/<slug:secret>/pictures/<uuid:pk>.png", "shared/<slug:secret>/attached/<uuid:pk>/",
    "answers/<uuid:answer>/", "answers/<uuid:answer>/behind/", "answers/<uuid:answer>/thoughts/",
    "answers/<uuid:answer>/markdown/",
    "answers/<uuid:answer>/pictures/", "answers/<uuid:answer>/sources/<int:number>/", "conversations/",
    "search/", "notices/new/", "conversations/more/", "review/policy/clauses/<slug:code>/",
    # of a server, which the pictures have none of; tests/journeys/test_model_servers.py looks at them
    M + "models/<int:pk>/", M + "models/<int:pk>/reading/", M + "models/servers/<int:pk>/",
    M + "models/servers/<int:pk>/offered/", M + "models/helpers/<slug:kind>/", M + "models/environment/<str:name>/",
    M + "directory/",  # of a directory, which is none here; tests/administration/test_directory_page.py looks at it
    M + "checks/", *(f"{M}{old}" for old in ("users/user/", "users/user/<int:pk>/change/", "auth/group/",
                                 "auth/group/<int:pk>/change/", "documents/collection/")),  # redirects
    "review/audits/", "review/thresholds/", "review/care/", "review/preferences/", "review/lists/",  # likewise
    "review/lists/<slug:name>/", "review/looks/<uuid:pk>/", "language/",
    "review/break-glass/", "review/break-glass/<uuid:pk>/",  # what somebody wrote, for half an hour
    "tools/<slug:name>/call/", "shared/<slug:secret>/answers/<uuid:answer>/behind/",
    "beams/",  # whether a model searches with them
    "accounts/provider/callback/", "accounts/provider/reauthenticate/",  # of a provider of accounts, which is none here
    # after the password, or after entering it again; tests/journeys/test_second_factor.py looks at them
    "accounts/second-factor/", "accounts/second-factor/set-up/", "accounts/passkey/",
    "accounts/reauthenticate/passkey/", "security/factors/<int:pk>/rename/",
    "security/add/", "security/codes/", "security/codes/download/",
    # where domains may sign up, which this site does not allow; tests/users/test_join_requests.py looks at them
    "accounts/join/", "accounts/join/<str:token>/",
    "accounts/password/set/",  # for accounts without a password, which are not made here
    "accounts/login/code/confirm/",  # likewise: codes are not sent
}  # fmt: skip
BESIDE = {"nowhere/"}  # pictured, and no route


def shown(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """Return the routes that answer GET."""
    for pattern in resolver.url_patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from shown(pattern, here)
        elif isinstance(pattern, URLPattern) and "GET" in methods(pattern.callback):
            yield here


def methods(view: Callable[..., Any]) -> list[str]:
    """Return the methods that `require_http_methods` allows, read from the closure of the decorated view."""
    inner: Any = view
    while inner is not None:
        names = getattr(getattr(inner, "__code__", None), "co_freevars", ())
        if "request_method_list" in names:
            return list(inner.__closure__[names.index("request_method_list")].cell_contents)
        inner = getattr(inner, "__wrapped__", None)
    return ["GET"]


def test_every_page_is_pictured() -> None:
    routes = {route for route in shown(get_resolver()) if MATRIX.get(route) != TOKEN} - NO_PAGES
    pictured = {page.route for page in PAGES} - BESIDE
    assert sorted(routes - pictured) == [], "add them to tests/pictured/pages.py, or to NO_PAGES here"
    assert sorted(pictured - routes) == []
    assert sorted(NO_PAGES - set(shown(get_resolver()))) == []


def test_the_pictures_are_those_that_the_text_names_and_stay_small() -> None:
    named = [file for page in PAGES for file in files(page)]
    assert len(named) == len(set(named))
    assert set(ACTS) <= {page.name for page in PAGES}
    there = {file.name: file.stat().st_size for file in FOLDER.iterdir()}
    assert sorted(there) == sorted(named), "take them again: python -m tests.pictured.screenshots"
    assert sum(there.values()) < MEGABYTES * 1024**2


def test_the_text_is_that_of_the_pages() -> None:
    assert TEXT.read_text() == text(), "write it again: python -m tests.pictured.screenshots"
