"""HTTP and WebSocket entry: `uvicorn assistant.asgi:application`."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from apps.lib import memory
from assistant.origins import OriginGuard
from assistant.statics import Statics

memory.spare()  # no thread runs yet, and torch is not loaded
_http = get_asgi_application()  # loads the apps; consumers can be imported only afterwards

from apps.conversations.realtime.consumer import websocket_urlpatterns  # noqa: E402
from assistant.lifespan import lifespan  # noqa: E402

application = ProtocolTypeRouter(
    {
        "lifespan": lifespan,
        "http": Statics(_http),
        # Who asks is read by the consumer, from the session, again and again: a snapshot would outlive a sign-out.
        "websocket": OriginGuard(URLRouter(websocket_urlpatterns)),
    }
)
