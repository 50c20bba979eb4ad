"""Temporary data directories, and a task queue that only records its calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import LazySettings

QUESTION = "What does this error mean?"
TEXT = "Error E4: water pressure low"


@pytest.fixture(autouse=True)
def bells(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return the recorded (task name, row id) of each task that was sent."""
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    heard: list[tuple[str, str]] = []

    def send(task: str, args: list[str], **_: Any) -> None:
        heard.append((task, args[0]))

    monkeypatch.setattr(current_app, "send_task", send)
    return heard


def declare_vision(settings: Any) -> None:
    """Declare that the main model accepts pictures."""
    main = settings.CHATS["main"]
    settings.CHATS = {**settings.CHATS, "main": {**main, "ABOUT": {**main["ABOUT"], "supports_pictures": True}}}


def get_last_message(chat: Any, request: int = -1) -> str:
    """Return the text of the last message that the model got in that request."""
    return str(chat.requests[request].messages[-1].content)
