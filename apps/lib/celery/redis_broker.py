"""Celery broker in Redis: kombu's transport, which survives the loss of its server with messages unacknowledged.

When the connection is lost, kombu closes its channels and gives unacknowledged messages back. Without a connection that
raises an AttributeError, which ended the worker (kombu 5.7).
"""

from __future__ import annotations

import logging
from typing import Any

from kombu.transport import redis

log = logging.getLogger(__name__)


class QoS(redis.QoS):  # type: ignore[misc]
    """Unacknowledged messages of a channel."""

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Give the messages back if Redis can be reached. Otherwise nothing is lost: database rows are the queue, and
        the next sweep notifies the worker again."""
        try:
            super().restore_unacked_once(stderr)
        except Exception as error:  # noqa: BLE001 - whatever fails here must not end the worker
            log.warning("Messages of the broker are not given back: %r", error)


class RedisChannel(redis.Channel):  # type: ignore[misc]
    """Channel whose loss does not end the worker."""

    QoS = QoS


class RedisTransport(redis.Transport):  # type: ignore[misc]
    """Redis transport that survives the loss of its server."""

    Channel = RedisChannel
