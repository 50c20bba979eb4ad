"""Messages to workers that could not be sent are sent once the broker is back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from kombu.exceptions import OperationalError

from apps.lib.celery import notify


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    notify._missed.clear()
    yield
    notify._missed.clear()


def test_message_that_was_lost_while_the_broker_was_away_is_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, list[str]]] = []

    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(current_app, "send_task", refuse)
    notify.notify_worker("documents.ingest", 1)
    notify.notify_worker("documents.ingest", 2)
    notify.repeat_missed()
    monkeypatch.setattr(current_app, "send_task", lambda task, args, **_: sent.append((task, args)))
    notify.repeat_missed()
    notify.repeat_missed()
    assert sent == [("documents.ingest", ["2"])], "one message is enough, since a worker goes on until nothing waits"
