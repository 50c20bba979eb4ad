"""Static files are answered before Django is asked: a page names some sixty, and Django's way costs each of them a
millisecond of the processor and several changes of thread."""

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

_PART = 1 << 18  # bytes; nearly every file is smaller and read at once, in 50 µs where the system holds it in memory
_ASKED = {  # what decides which answer it is, and WhiteNoise's names for it
    b"accept-encoding": "HTTP_ACCEPT_ENCODING", b"range": "HTTP_RANGE", b"if-none-match": "HTTP_IF_NONE_MATCH",
    b"if-modified-since": "HTTP_IF_MODIFIED_SINCE",
}  # fmt: skip


class StaticFilesApp:
    """ASGI: files by WhiteNoise, which also chooses compressed ones and answers ranges; all else is the other's.

    They have the headers of Django's `SecurityMiddleware`, as every page has.
    """

    def __init__(self, other: Application) -> None:
        self._other = other
        self._noise = WhiteNoiseMiddleware(None)
        self._find = self._noise.find_file if self._noise.autorefresh else self._noise.files.get
        self._secured = {safe: _secured(safe) for safe in (False, True)}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        path = scope["path"]
        file = self._find(path) if path.startswith(self._noise.static_prefix) else None
        if file is None:
            await self._other(scope, receive, send)
            return
        asked = {_ASKED[name]: value.decode("latin-1") for name, value in scope["headers"] if name in _ASKED}
        response = file.get_response(scope["method"], asked)
        headers = [*_encoded(response.headers), *self._secured[scope.get("scheme") == "https"]]
        await send({"type": "http.response.start", "status": int(response.status), "headers": headers})
        await _body(response.file, send)


async def _body(file: Any, send: Send) -> None:
    if file is None:  # as for HEAD
        await send({"type": "http.response.body", "body": b""})
        return
    with closing(file):
        part = file.read(_PART)
        while following := await in_pool(file.read, _PART) if len(part) == _PART else b"":
            await send({"type": "http.response.body", "body": part, "more_body": True})
            part = following
        await send({"type": "http.response.body", "body": part})


def _secured(safe: bool) -> Headers:
    """What is told over a line that is safe, or is not."""
    scheme = "https" if safe else "http"
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "scheme": scheme}
    response = HttpResponse()
    del response["Content-Type"]
    SecurityMiddleware(lambda _: response).process_response(ASGIRequest(scope, BytesIO()), response)
    return _encoded(response.items())


def _encoded(headers: Any) -> Headers:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
