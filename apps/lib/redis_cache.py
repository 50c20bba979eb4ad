"""Cache of all processes on Redis, which counts as empty while Redis is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
T = TypeVar("T")


class OutageTolerantRedisCache(RedisCache):
    """Django's cache on Redis, without its errors: reads then find nothing, and writes are lost.

    So pages and sign-in work on without Redis. Attempts to sign in are counted in the database.
    """

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """Return whether the key was new; True while Redis is away."""
        return self._try(lambda: super(OutageTolerantRedisCache, self).add(*args, **kwargs), default=True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return the value, or `default`."""
        return self._try(lambda: super(OutageTolerantRedisCache, self).get(key, default, version), default=default)

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Store the value."""
        self._try(lambda: super(OutageTolerantRedisCache, self).set(*args, **kwargs), default=None)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        """Return whether the key was there."""
        return self._try(lambda: super(OutageTolerantRedisCache, self).delete(*args, **kwargs), default=False)

    def _try(self, action: Callable[[], T], default: T) -> T:
        try:
            return action()
        except RedisError as error:
            log.warning("The cache on Redis is away: %s", error)
            return default
