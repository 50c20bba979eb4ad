"""ASGI application for HTTP and WebSockets: `uvicorn assistant.asgi:application`."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

import django
from channels.routing import ProtocolTypeRouter, URLRouter

from apps.lib import process_memory
from assistant.static_server import StaticFilesApp
from assistant.websocket_origins import OriginGuard

process_memory.limit_native_caches()  # before any thread runs and torch is loaded
django.setup(set_prefix=False)  # consumers can be imported only afterwards

from apps.conversations.realtime.consumer import websocket_urlpatterns  # noqa: E402
from assistant.http_handler import HttpHandler  # noqa: E402
from assistant.lifespan import lifespan  # noqa: E402
from assistant.request_ids import RequestIds  # noqa: E402

application = ProtocolTypeRouter(
    {
        "lifespan": lifespan,
        "http": RequestIds(StaticFilesApp(HttpHandler())),
        # The consumer rereads the user from the session with each message: a user fixed at the handshake would outlive
        # a sign-out.
        "websocket": RequestIds(OriginGuard(URLRouter(websocket_urlpatterns))),
    }
)
