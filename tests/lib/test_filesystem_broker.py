"""Tests that messages on disk are read whole on a busy machine."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

from apps.lib.celery.filesystem_broker import Transport

MESSAGES = 4000  # with kombu's own transport some eighty of them were read before they were written


def channel(folder: Path) -> Any:
    options = {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(folder)}
    return Connection(transport=Transport, transport_options=options).channel()


def write(folder: Path) -> None:
    line = channel(folder)
    for number in range(MESSAGES):
        line._put("line", {"body": number})


def test_broker_reads_messages_of_another_process_once_and_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line, found = channel(tmp_path), []
    writer = multiprocessing.get_context("spawn").Process(target=write, args=(tmp_path,))
    writer.start()
    while len(found) < MESSAGES:
        alive = writer.is_alive()
        try:
            found.append(line._get("line")["body"])
        except Empty:
            if not alive:
                break
    writer.join()
    assert sorted(found) == list(range(MESSAGES))
    assert list(tmp_path.iterdir()) == [] and not caplog.records


def test_a_message_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    line = channel(tmp_path)
    (tmp_path / "0_x.line.msg").touch()
    line._put("line", {"body": "the next"})
    with pytest.raises(Empty):
        line._get("line")
    assert line._get("line")["body"] == "the next"


def test_a_folder_that_is_gone_is_an_error_of_the_broker(tmp_path: Path) -> None:
    line = channel(tmp_path)
    line.data_folder_out = str(tmp_path / "gone")
    with pytest.raises(ChannelError):
        line._put("line", {})


def test_celery_speaks_through_it() -> None:
    from assistant.celery import app

    with app.connection_for_write() as connection:
        assert isinstance(connection.transport, Transport)
