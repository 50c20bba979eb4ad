"""Middleware that redirects every page to set-up until an administrator exists; programs get 503."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.operations import first_administrator

_OPEN = ("/setup/", "/health/", "/metrics", "/static/", "/manifest/", "/service-worker.js", "/offline/")
_OF_PROGRAMS = ("/api/", "/v1/", "/scim/")


def redirect_to_setup(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Return the middleware; health checks and static files stay reachable."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(_OPEN) and not first_administrator.has_administrator():
            if request.path.startswith(_OF_PROGRAMS):
                return HttpResponse(status=503, headers={"Retry-After": "60"})
            return redirect("operations:setup")
        return get_response(request)

    return middleware
