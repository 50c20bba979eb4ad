"""Pages of signed-in people stay out of every cache, a fragment never becomes a sign-in page, and who uses more than a
limit allows is told how long to wait."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render, resolve_url

from apps.users.rate_limits import RateLimited

Next = Callable[[HttpRequest], HttpResponse]


def private_pages(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return _whole_page(request, response)

    middleware.process_exception = respond_rate_limited  # type: ignore[attr-defined]
    return middleware


def respond_rate_limited(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """429 with the seconds to wait, as a page or as what the script of a page reads."""
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
    """Where the session ended and a fragment was asked for, the page is loaded again, and that leads to the sign-in."""
    signing_in = response.status_code == 302 and response["Location"].startswith(resolve_url(settings.LOGIN_URL))
    if not signing_in or not request.headers.get("HX-Request"):
        return response
    return HttpResponse(status=401, headers={"HX-Refresh": "true", "Cache-Control": "no-store"})
