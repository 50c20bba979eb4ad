"""Celery broker for a single machine: kombu's filesystem transport with atomic writes.

kombu opens a file in the queue's folder and then writes it, so a concurrent reader may get an empty message: two in a
hundred under constant polling, measured. A Celery worker that cannot read a message ends.
"""

from __future__ import annotations

import logging
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

log = logging.getLogger(__name__)


class Channel(filesystem.Channel):  # type: ignore[misc]
    """Channel that writes each message to a temporary file and renames it."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:
        folder = Path(self.data_folder_out)
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        try:
            (folder / f"{name}.part").write_text(dumps(payload))
            (folder / f"{name}.part").replace(folder / name)
        except OSError as error:
            raise ChannelError(f"No message can be added to {folder}.") from error

    def _get(self, queue: str) -> Any:
        """Return the next message. A message that a crash left unreadable is skipped: database rows are the queue, and
        the next sweep notifies the worker again."""
        try:
            return super()._get(queue)
        except ValueError as error:
            log.warning("A message of the broker cannot be read and is passed over: %s", error)
            raise Empty from error


class Transport(filesystem.Transport):  # type: ignore[misc]
    """Filesystem transport with atomic writes."""

    Channel = Channel
