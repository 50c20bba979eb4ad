"""Devices on which an account was signed in before: a signed cookie, worth nothing without the password."""

from __future__ import annotations

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from apps.users import limits
from apps.users.access import address_of
from apps.users.limits import Held, OverLimit
from apps.users.models import User
from apps.users.quota import Resource

COOKIE = "__Host-device" if settings.SECURE else "device"
DAYS = 180
_SIGNER = TimestampSigner(salt="openbook.device")
_LONGEST = 400  # characters of the cookie


def attempt(request: HttpRequest, email: str) -> list[Held] | None:
    """An attempt is counted; what it was drawn from, or None where there were too many."""
    user = _of(request, email)
    network = limits.network(address_of(request), Resource.SIGN_INS)
    held = [limits.device(user.pk)] if user is not None else [limits.account(email), network]
    try:
        with transaction.atomic():
            for one in held:
                limits.draw(one, Resource.SIGN_INS)
    except OverLimit:
        return None
    return held


def known(request: HttpRequest, email: str) -> bool:
    return _of(request, email) is not None


def remember(response: HttpResponse, user: User) -> HttpResponse:
    """The browser can show from now on that the account was signed in on it."""
    response.set_cookie(
        COOKIE, _SIGNER.sign(str(user.pk)), max_age=DAYS * 86_400, secure=settings.SECURE, httponly=True, samesite="Lax"
    )
    return response


def _of(request: HttpRequest, email: str) -> User | None:
    """The person with that address, where the browser was signed in as them before."""
    cookie = request.COOKIES.get(COOKIE, "")
    if not cookie or len(cookie) > _LONGEST:
        return None
    try:
        pk = _SIGNER.unsign(cookie, max_age=DAYS * 86_400)
    except BadSignature:
        return None
    return User.objects.filter(pk=pk, email=email.strip().lower()).first()
