"""Limit attempts to sign in: per device where the account has signed in before, else per account and network.

Codes of a second factor are counted apart from passwords.
"""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest

from apps.users import rate_limits
from apps.users.known_devices import find_device_owner
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource, Rate
from apps.users.permissions import get_client_ip
from apps.users.rate_limits import BucketRef, RateLimited

# Wrong codes an account: with three of a million codes valid at a time, guesses of a day succeed once in 1,400 days.
CODE_RATE = Rate(burst=5, per_hour=10)


def count_attempt(request: HttpRequest, email: str) -> list[BucketRef] | None:
    """Count a sign-in attempt. Return the buckets that were charged, for a refund on success; None after too many
    attempts."""
    user = find_device_owner(request, email)
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


def count_code(request: HttpRequest, user: User) -> BucketRef:
    """Count a code that the user enters after the password, and return the bucket, for a refund if it was right.

    Raise RateLimited after CODE_RATE. Known devices have a bucket of their own, so that whoever learned the password
    cannot lock the user out of them.
    """
    known = find_device_owner(request, user.email) == user
    bucket = BucketRef(f"person:{user.pk}:codes{':device' if known else ''}", CODE_RATE, "This account")
    rate_limits.consume_bucket(bucket, LimitedResource.SIGN_INS)
    return bucket
