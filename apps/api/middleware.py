"""Answer every error below /api/, /v1/ and /scim/ in JSON, also those raised before an operation is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from apps.api.errors import build_error_body

_PATH_PREFIXES = ("/api/", "/v1/", "/scim/")
_MESSAGES = {
    403: "This is not allowed.",
    404: "This address does not exist; see docs/reference/api.md.",
    405: "This method is not allowed here; the header “Allow” names those that are.",
    413: "The request is too large.",
    503: "Openbook is not ready: its database does not answer, or its set-up is not finished. Try again later.",
    507: "The disk of this server is full, so nothing can be stored now. Tell an administrator.",
    500: "Something went wrong on the server. See its log.",
}


@sync_and_async_middleware
def json_error_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Return middleware that gives error responses below these paths a JSON body; the status stays.

    Streams and responses that are JSON already pass unchanged. In `MIDDLEWARE` it must precede every middleware that
    may refuse a request.
    """
    if iscoroutinefunction(get_response):

        async def async_middleware(request: HttpRequest) -> HttpResponseBase:
            return ensure_json_body(request, await get_response(request))

        return async_middleware

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return ensure_json_body(request, get_response(request))

    return middleware


def ensure_json_body(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the response, with a JSON body if it is an error below /api/, /v1/ or /scim/."""
    status = response.status_code
    is_json = response.headers.get("Content-Type", "").startswith(("application/json", "application/scim+json"))
    if status < 400 or is_json or not isinstance(response, HttpResponse) or not request.path.startswith(_PATH_PREFIXES):
        return response
    message = _MESSAGES.get(status, "The request cannot be understood." if status < 500 else _MESSAGES[500])
    response.content = json.dumps(build_error_body(request, message, status))
    response["Content-Type"] = "application/json"
    response.headers.pop("Content-Length", None)
    return response
