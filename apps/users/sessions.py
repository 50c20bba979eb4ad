"""Sessions of users: list them as devices, and end them.

Entry points: `note_device`, `list_devices`, `end_device`, `end_other_devices`, `end_sessions`. A session that has ended
does not work again; open sockets close within 4 seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.users.models import User, UserSession
from apps.users.permissions import get_client_ip

PROVIDER_KEY = "single_sign_on"  # of a session: issuer, sub, sid and id token of a sign-in with the provider
_DEVICE_KEY = "device"  # of a session: browser, address and time of the sign-in
_AGENT_CHARACTERS = 400  # of the browser's name for itself that are looked at
# Part of that name: what users call it. The first that is found holds, since browsers name others, too.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


@dataclass(frozen=True, slots=True)
class Device:
    """Device on which a user is signed in. `browser` and `system` are "" and `signed_in` is None if not known."""

    key: str  # of the page: a hash, since the key of the session is a secret
    browser: str
    system: str
    address: str
    signed_in: datetime | None
    is_this: bool


def note_device(request: HttpRequest) -> None:
    """Store browser, network address and time in the new session. They are deleted with it."""
    request.session[_DEVICE_KEY] = {
        "agent": request.headers.get("User-Agent", "")[:_AGENT_CHARACTERS],
        "address": get_client_ip(request),
        "at": timezone.now().timestamp(),
    }


def list_devices(user: User, session_key: str | None) -> list[Device]:
    """Return the devices of the user, this one first, then by the time of the sign-in, the latest first."""
    found = [_describe(key, content, session_key) for key, content in _list_sessions([user.pk])]
    return sorted(found, key=lambda one: (not one.is_this, -(one.signed_in.timestamp() if one.signed_in else 0)))


def end_device(user: User, key: str) -> bool:
    """End the session of the device. Return False if the user has no such device."""
    keys = [session for session, _ in _list_sessions([user.pk]) if _hash(session) == key]
    return bool(UserSession.objects.filter(pk__in=keys).delete()[0])


def end_other_devices(user: User, session_key: str | None) -> int:
    """End all sessions of the user but this one, and return how many."""
    keys = [session for session, _ in _list_sessions([user.pk]) if session != session_key]
    return UserSession.objects.filter(pk__in=keys).delete()[0]


def end_sessions(users: User | QuerySet[User], holds: Callable[[dict[str, Any]], bool] = lambda content: True) -> None:
    """Delete the sessions of the users, all or those whose content `holds`. None works again after a reactivation."""
    keys = [users.pk] if isinstance(users, User) else users.values("pk")
    theirs = [session for session, content in _list_sessions(keys) if holds(content)]
    UserSession.objects.filter(pk__in=theirs).delete()


def is_by_provider(content: dict[str, Any]) -> bool:
    """Return whether a session with that content began with a sign-in at the provider."""
    return PROVIDER_KEY in content


def _list_sessions(users: Collection[int] | QuerySet[User, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield key and content of each live session of these user ids."""
    for row in UserSession.objects.filter(user_id__in=users, expire_date__gt=timezone.now()).iterator():
        yield row.pk, row.get_decoded()


def _describe(session: str, content: dict[str, Any], current: str | None) -> Device:
    noted = content.get(_DEVICE_KEY) or {}
    agent = noted.get("agent", "")
    return Device(
        key=_hash(session),
        browser=next((name for mark, name in _BROWSERS.items() if mark in agent), ""),
        system=next((name for mark, name in _SYSTEMS.items() if mark in agent), ""),
        address=noted.get("address", ""),
        signed_in=datetime.fromtimestamp(noted["at"], UTC) if "at" in noted else None,
        is_this=session == current,
    )


def _hash(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()[:32]
