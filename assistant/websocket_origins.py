"""Check of the origins that may open a WebSocket: those that SITE_URL and ALLOWED_HOSTS name.

A browser sends the Origin of the page in one canonical form, so scheme, host and port are compared literally.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.http import is_same_domain

log = logging.getLogger(__name__)

_USUAL_PORTS = {"http": 80, "https": 443}  # browsers leave these out
_SHOWN = 200  # characters of a foreign origin in the log


def list_origins(site_url: str, hosts: Iterable[str]) -> list[str]:
    """Return the origin of each host, with scheme and port of `site_url`, as browsers write it."""
    site = urlsplit(site_url)
    port = "" if site.port in (None, _USUAL_PORTS.get(site.scheme)) else f":{site.port}"
    return sorted({f"{site.scheme}://{host.lower()}{port}" for host in hosts})


def is_allowed(origin: str) -> bool:
    """Return whether a page of that origin may open a WebSocket. A host that begins with a dot allows subdomains."""
    scheme, _, place = origin.partition("://")
    allowed = (item.partition("://") for item in settings.ALLOWED_ORIGINS)
    return any(scheme == known and is_same_domain(place, pattern) for known, _, pattern in allowed)


class OriginGuard:
    """ASGI application that answers 403 to WebSocket handshakes from a foreign origin, or without one."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        origin = dict(scope["headers"]).get(b"origin", b"").decode("latin-1")
        if is_allowed(origin):
            await self._application(scope, receive, send)
            return
        log.warning(
            "A WebSocket from the origin %r was refused. Allowed: %s. If people reach this site there, set SITE_URL "
            "to the address that they type, or add the host name to ALLOWED_HOSTS.",
            origin[:_SHOWN], ", ".join(settings.ALLOWED_ORIGINS),
        )  # fmt: skip
        await receive()  # websocket.connect
        await send({"type": "websocket.close"})  # closing before acceptance gives 403
