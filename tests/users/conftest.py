"""Fixtures of the account tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from apps.users.models import SiteSettings


@pytest.fixture(autouse=True)
def _fresh_rate_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def open_signup(db: None) -> None:
    SiteSettings.objects.update_or_create(pk=1, defaults={"signup": SiteSettings.Signup.OPEN})


@pytest.fixture
def closed_signup(db: None) -> None:
    SiteSettings.objects.update_or_create(pk=1, defaults={"signup": SiteSettings.Signup.CLOSED})
