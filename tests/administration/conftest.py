"""Fixtures of the administration tests."""

from __future__ import annotations

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    """Clear the cache, which counts sign-in attempts per minute across tests."""
    cache.clear()
