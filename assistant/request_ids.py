"""ASGI wrapper that gives every request and socket an id, which its log lines and its response carry.

A proxy may send its own id in the header `X-Request-ID`.
"""

from __future__ import annotations

from typing import Any

from apps.lib.request_ids import begin_request

_HEADER = b"x-request-id"


class RequestIds:
    """ASGI application that sets the id and calls `application`."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or run a socket."""
        sent = next((value for name, value in scope["headers"] if name.lower() == _HEADER), b"")
        header = (_HEADER, begin_request(sent.decode("latin-1")).encode())

        async def send_with_id(message: Any) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        await self._application(scope, receive, send_with_id)
