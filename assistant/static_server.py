"""ASGI server of static files in front of Django. A page has some twenty files, and Django takes a millisecond of CPU
time and several thread switches for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import closing
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from apps.lib.concurrency.threads import in_pool

Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_PART = 1 << 18  # bytes; nearly every file is smaller and read at once, in 50 µs from the page cache
_REQUEST_HEADERS = {  # request headers that select the response, with WhiteNoise's names
    b"accept-encoding": "HTTP_ACCEPT_ENCODING", b"range": "HTTP_RANGE", b"if-none-match": "HTTP_IF_NONE_MATCH",
    b"if-modified-since": "HTTP_IF_MODIFIED_SINCE",
}  # fmt: skip


class StaticFilesApp:
    """ASGI application that serves files by WhiteNoise, with compressed variants and ranges, and passes other requests
    to `other`.

    Responses have the headers of Django's `SecurityMiddleware`, like every page.
    """

    def __init__(self, other: Application) -> None:
        self._other = other
        self._noise = WhiteNoiseMiddleware(None)
        self._find = self._noise.find_file if self._noise.autorefresh else self._noise.files.get
        self._secured = {safe: _build_security_headers(safe) for safe in (False, True)}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        path = scope["path"]
        file = self._find(path) if path.startswith(self._noise.static_prefix) else None
        if file is None:
            await self._other(scope, receive, send)
            return
        request_headers = {
            _REQUEST_HEADERS[name]: value.decode("latin-1")
            for name, value in scope["headers"]
            if name in _REQUEST_HEADERS
        }
        response = file.get_response(scope["method"], request_headers)
        headers = [*_encode_headers(response.headers), *self._secured[scope.get("scheme") == "https"]]
        await send({"type": "http.response.start", "status": int(response.status), "headers": headers})
        await _send_body(response.file, send)


async def _send_body(file: Any, send: Send) -> None:
    if file is None:  # for HEAD, for example
        await send({"type": "http.response.body", "body": b""})
        return
    with closing(file):
        part = file.read(_PART)
        while following := await in_pool(file.read, _PART) if len(part) == _PART else b"":
            await send({"type": "http.response.body", "body": part, "more_body": True})
            part = following
        await send({"type": "http.response.body", "body": part})


def _build_security_headers(safe: bool) -> Headers:
    """Return the headers of SecurityMiddleware for HTTPS (`safe`) or HTTP."""
    scheme = "https" if safe else "http"
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "scheme": scheme}
    response = HttpResponse()
    del response["Content-Type"]
    SecurityMiddleware(lambda _: response).process_response(ASGIRequest(scope, BytesIO()), response)
    return _encode_headers(response.items())


def _encode_headers(headers: Any) -> Headers:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
