"""Middleware for signed-in users: no caching of pages, no sign-in page inside a fragment, 429 for a reached limit."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render, resolve_url

from apps.users.rate_limits import RateLimited

Next = Callable[[HttpRequest], HttpResponse]


def private_pages(get_response: Next) -> Next:
    """Return middleware that adds `Cache-Control: no-store` for signed-in users, and answers RateLimited and expired
    sessions."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return _whole_page(request, response)

    middleware.process_exception = respond_rate_limited  # type: ignore[attr-defined]
    return middleware


def respond_rate_limited(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return 429 with Retry-After, as a page or as JSON if the client accepts that; None for other exceptions."""
    if not isinstance(error, RateLimited):
        return None
    response: HttpResponse
    if "application/json" in request.headers.get("Accept", ""):
        response = JsonResponse({"refused": [str(error)]}, status=429)
    else:
        response = render(request, "429.html", {"words": str(error)}, status=429)
    response["Retry-After"] = str(error.retry_s)
    return response


def _whole_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return 401 with HX-Refresh instead of a redirect to the sign-in page, if htmx asked for a fragment.

    The browser reloads the whole page, which then redirects to the sign-in page.
    """
    signing_in = response.status_code == 302 and response["Location"].startswith(resolve_url(settings.LOGIN_URL))
    if not signing_in or not request.headers.get("HX-Request"):
        return response
    return HttpResponse(status=401, headers={"HX-Refresh": "true", "Cache-Control": "no-store"})
