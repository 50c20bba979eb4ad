"""A site with several chat models in memory."""

from __future__ import annotations

from typing import Any

from pytest_django import Settings

from apps.conversations.turns import model_queue
from apps.engines import registry
from apps.engines.chat.fake import FakeChat

BIG = "Big"
SERVER = "http://big.example/v1"


def offer_model(
    settings: Settings, name: str = BIG, *, server: str = SERVER, model: str = "big-70B", **about: Any
) -> None:
    """A further model is offered, at that server, with what `about` says of it."""
    config = {
        "BACKEND": "apps.engines.chat.fake.FakeChat",
        "OPTIONS": {"model": model},
        "ABOUT": {"shown": name, "server": server, **about},
    }
    settings.CHATS = {**settings.CHATS, name: config}
    model_queue.reset_queues()


def remove_model(settings: Settings, name: str = BIG) -> None:
    settings.CHATS = {key: value for key, value in settings.CHATS.items() if key != name}


def get_fake_engine(name: str = BIG) -> FakeChat:
    found = registry.get_chat_engine(name)
    assert isinstance(found, FakeChat)
    return found
