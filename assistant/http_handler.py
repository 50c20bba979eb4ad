"""Django's ASGI handler, which also answers a request whose body does not fit on the disk.

Django writes a body of more than 1 MB to a temporary file before any handler of errors is in place.
"""

from __future__ import annotations

import io
from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest

from apps.api.middleware import ensure_json_body
from apps.lib import disk_space


class _NoRoom(Exception):
    """Error: the body of a request does not fit on the disk."""


class HttpHandler(ASGIHandler):
    """ASGI handler that answers 507 if the disk has no room for the body of a request."""

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        try:
            await super().handle(scope, receive, send)
        except _NoRoom:
            await _drain(receive)  # clients read no response before they have sent everything
            from apps.operations.health_views import build_disk_full_response

            request = ASGIRequest(scope, io.BytesIO())
            await self.send_response(ensure_json_body(request, build_disk_full_response()), send)

    async def read_body(self, receive: Any) -> Any:
        """Return a file with the body. Raise _NoRoom."""
        try:
            return await super().read_body(receive)
        except OSError as error:
            if disk_space.is_disk_full_error(error):
                raise _NoRoom from error
            raise


async def _drain(receive: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
