"""Pages of signed-in people stay out of every cache, and a fragment never becomes a sign-in page."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

Next = Callable[[HttpRequest], HttpResponse]


def private_pages(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return _whole_page(request, response)

    return middleware


def _whole_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Where the session ended and a fragment was asked for, the page is loaded again, and that leads to the sign-in."""
    signing_in = response.status_code == 302 and response["Location"].startswith(resolve_url(settings.LOGIN_URL))
    if not signing_in or not request.headers.get("HX-Request"):
        return response
    return HttpResponse(status=401, headers={"HX-Refresh": "true", "Cache-Control": "no-store"})
