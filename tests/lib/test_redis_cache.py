"""Cache of all processes on Redis."""

from __future__ import annotations

import pytest

from apps.lib.redis_cache import OutageTolerantRedisCache
from tests.engines.conftest import redis_url

__all__ = ["redis_url"]


def test_cache_counts_as_empty_while_redis_is_away() -> None:
    cache = OutageTolerantRedisCache("redis://127.0.0.1:9/0", {})  # nothing listens there
    cache.set("key", 1)
    assert cache.get("key", "nothing") == "nothing"
    assert cache.add("key", 1) and not cache.delete("key")


@pytest.mark.redis
def test_value_that_one_process_stores_is_read_by_another(redis_url: str) -> None:
    one, other = (OutageTolerantRedisCache(redis_url, {}) for _ in range(2))
    one.set("key", [1, 2])
    assert other.get("key") == [1, 2] and not other.add("key", 3)
    assert other.delete("key") and one.get("key") is None
