"""Who sits behind a session key, asked again each time: a socket outlives sign-outs, a snapshot would not notice."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from apps.users.models import User


def session_key(headers: list[tuple[bytes, bytes]]) -> str:
    """The session cookie of a handshake; empty where there is none."""
    cookies = b"; ".join(value for name, value in headers if name == b"cookie").decode("latin-1")
    return parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")


def signed_in(key: str) -> User | None:
    """The active user of a session that is alive and knows the present password; None otherwise. For `in_db`."""
    if not key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None
