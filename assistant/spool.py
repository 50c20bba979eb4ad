"""The body of a request waits in the data directory where it is large, and a full disk is said, not a fault."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from django.views.defaults import server_error

from apps.lib import disk

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

_INSUFFICIENT_STORAGE = 507
_WORDS = b"The disk of this server is full, so nothing can be taken now. Please tell an administrator.\n"


class _NoRoom(Exception):
    """The disk does not hold the body; `more` of it is still to come."""

    def __init__(self, more: bool) -> None:
        super().__init__()
        self.more = more


class Handler(ASGIHandler):
    """Django's, but for where a body lies and what a full disk leads to."""

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().handle(scope, receive, send)
        except _NoRoom as error:
            await _refuse(receive, send, error.more)

    async def read_body(self, receive: Any) -> Any:
        body = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - the request closes it
            settings.FILE_UPLOAD_MAX_MEMORY_SIZE, dir=str(settings.FILE_UPLOAD_TEMP_DIR)
        )
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestAborted
                body.write(message.get("body", b""))
                if not message.get("more_body", False):
                    body.seek(0)
                    return body
        except OSError as error:
            body.close()
            if disk.full(error):
                raise _NoRoom(message.get("more_body", False)) from error
            raise
        except RequestAborted:
            body.close()
            raise


def answer_fault(request: HttpRequest) -> HttpResponse:
    """Return the answer to a request that failed: 507 where the disk is full, as when a session cannot be stored at a
    sign-in, else 500. Called while the error is being handled."""
    if disk.full(sys.exception()):
        return HttpResponse(_WORDS, content_type="text/plain; charset=utf-8", status=_INSUFFICIENT_STORAGE)
    return server_error(request)


async def _refuse(receive: Receive, send: Send, more: bool) -> None:
    """Said once all has come: a browser that is still sending would hear nothing."""
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": _INSUFFICIENT_STORAGE, "headers": headers})
    await send({"type": "http.response.body", "body": _WORDS})


def application() -> Handler:
    """As `get_asgi_application`: loads the apps."""
    django.setup(set_prefix=False)
    return Handler()
