"""Limit attempts to sign in: per device where the account has signed in before, else per account and network."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest

from apps.users import rate_limits
from apps.users.known_devices import find_device_owner
from apps.users.models.rate_limit import LimitedResource
from apps.users.permissions import get_client_ip
from apps.users.rate_limits import BucketRef, RateLimited


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
