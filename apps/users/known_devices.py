"""Recognise devices where an account has signed in before, and count failed sign-ins per device.

The device holds a signed cookie. It replaces no password: it only selects the rate limit.
"""

from __future__ import annotations

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource
from apps.users.permissions import get_client_ip
from apps.users.rate_limits import BucketRef, RateLimited

COOKIE = "__Host-device" if settings.SECURE else "device"
DAYS = 180
_SIGNER = TimestampSigner(salt="openbook.device")
_MAX_COOKIE = 400  # characters of the cookie


def count_attempt(request: HttpRequest, email: str) -> list[BucketRef] | None:
    """Count a sign-in attempt. Return the buckets that were charged, for a refund on success; None after too many
    attempts."""
    user = _find_device_owner(request, email)
    network = rate_limits.build_network_bucket(get_client_ip(request), LimitedResource.SIGN_INS)
    buckets = (
        [rate_limits.build_device_bucket(user.pk)]
        if user is not None
        else [rate_limits.build_account_bucket(email), network]
    )
    try:
        with transaction.atomic():
            for one in buckets:
                rate_limits.consume_bucket(one, LimitedResource.SIGN_INS)
    except RateLimited:
        return None
    return buckets


def is_known_device(request: HttpRequest, email: str) -> bool:
    """Return whether this browser has signed in to the account of that address before."""
    return _find_device_owner(request, email) is not None


def remember_device(response: HttpResponse, user: User) -> HttpResponse:
    """Set the cookie by which the browser is recognised as a known device of the account."""
    response.set_cookie(
        COOKIE, _SIGNER.sign(str(user.pk)), max_age=DAYS * 86_400, secure=settings.SECURE, httponly=True, samesite="Lax"
    )
    return response


def _find_device_owner(request: HttpRequest, email: str) -> User | None:
    """Return the user of that address if the device cookie names them; None without a valid cookie."""
    cookie = request.COOKIES.get(COOKIE, "")
    if not cookie or len(cookie) > _MAX_COOKIE:
        return None
    try:
        pk = _SIGNER.unsign(cookie, max_age=DAYS * 86_400)
    except BadSignature:
        return None
    return User.objects.filter(pk=pk, email=email.strip().lower()).first()
