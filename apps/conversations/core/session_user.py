"""Look up the user of a session key, again for each request of a socket.

A socket outlives sign-outs and suspensions, so the user of its handshake is not trusted later. Entry points:
`get_session_user`, `find_live_sessions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.utils import timezone, translation

from apps.lib.concurrency.threads import in_db
from apps.users import i18n
from apps.users.models import User, UserSession

_REMEMBERED = 4096  # sessions
_IN_ROWS = settings.SESSION_ENGINE == "apps.users.session_store"
_proven: dict[str, tuple[int, str]] = {}  # session content with verified signature: user id and password hash


def get_session_key(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the session cookie of the handshake headers; "" if there is none."""
    cookies = b"; ".join(value for name, value in headers if name == b"cookie").decode("latin-1")
    return parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")


def get_session_user(session_key: str) -> User | None:
    """Return the active user of a live session with the present password; None otherwise. For `in_db`."""
    if not session_key:
        return None
    if not _IN_ROWS:
        return _load_verified_user(session_key)
    stored = UserSession.objects.filter(session_key=session_key, expire_date__gt=timezone.now())
    content = stored.values_list("session_data", flat=True).first()
    if content is None:
        return None
    # Signature and hash take half a millisecond. Same bytes and same password: the verification holds.
    pk, password = _proven.get(content, (0, ""))
    user = User.objects.filter(pk=pk).first() if pk else None
    if user is not None and user.password == password:
        return user if user.is_active else None
    if (user := _load_verified_user(session_key)) is not None:
        if len(_proven) >= _REMEMBERED:
            _proven.clear()
        _proven[content] = user.pk, user.password
    return user


def activate_language(user: User, headers: list[tuple[bytes, bytes]]) -> User:
    """Activate the user's language, else the page's, for this task and turns started in it. Return the user."""
    translation.activate(i18n.get_socket_language(user, headers))
    return user


async def check_sessions(keys: list[str]) -> list[bool]:
    """Return for each session key whether its user may still use it; async `find_live_sessions`."""
    return await in_db(find_live_sessions, keys)


def find_live_sessions(keys: Sequence[str]) -> list[bool]:
    """Return for each session key whether its user may still use it. For `in_db`.

    Two queries serve all sessions that were verified before; others are verified one by one.
    """
    stored = UserSession.objects.filter(session_key__in=set(keys), expire_date__gt=timezone.now())
    rows = stored.values_list("session_key", "session_data") if _IN_ROWS else []
    proven = {key: _proven.get(content, (0, "")) for key, content in rows}
    users = User.objects.filter(pk__in={pk for pk, _ in proven.values() if pk})
    people = {pk: (password, active) for pk, password, active in users.values_list("pk", "password", "is_active")}
    return [_is_live(key, *proven.get(key, (0, "")), people) for key in keys]


def _is_live(key: str, pk: int, password: str, people: Mapping[int, tuple[str, bool]]) -> bool:
    known, active = people.get(pk, ("", False))
    return active if pk and known == password else get_session_user(key) is not None


def _load_verified_user(key: str) -> User | None:
    """Return the active user as Django's authentication does; None otherwise."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None
