"""Recognise devices where an account has signed in before.

The device holds a signed cookie. It replaces no password: it only selects the rate limit (`sign_in_limits.py`).
"""

from __future__ import annotations

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse

from apps.users.models import User

COOKIE = "__Host-device" if settings.SECURE else "device"
DAYS = 180
_SIGNER = TimestampSigner(salt="openbook.device")
_MAX_COOKIE = 400  # characters of the cookie


def is_known_device(request: HttpRequest, email: str) -> bool:
    """Return whether this browser has signed in to the account of that address before."""
    return find_device_owner(request, email) is not None


def remember_device(response: HttpResponse, user: User) -> HttpResponse:
    """Set the cookie by which the browser is recognised as a known device of the account."""
    response.set_cookie(
        COOKIE, _SIGNER.sign(str(user.pk)), max_age=DAYS * 86_400, secure=settings.SECURE, httponly=True, samesite="Lax"
    )
    return response


def find_device_owner(request: HttpRequest, email: str) -> User | None:
    """Return the user of that address if the device cookie names them; None without a valid cookie."""
    cookie = request.COOKIES.get(COOKIE, "")
    if not cookie or len(cookie) > _MAX_COOKIE:
        return None
    try:
        pk = _SIGNER.unsign(cookie, max_age=DAYS * 86_400)
    except BadSignature:
        return None
    return User.objects.filter(pk=pk, email=email.strip().lower()).first()
