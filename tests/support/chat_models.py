"""Offer and remove further chat models, served by `FakeChat`, in the settings of a test."""

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
    """Add a chat model on that server to the settings. `about` overrides its properties."""
    config = {
        "BACKEND": "apps.engines.chat.fake.FakeChat",
        "OPTIONS": {"model": model},
        "ABOUT": {"label": name, "server": server, **about},
    }
    settings.CHATS = {**settings.CHATS, name: config}
    model_queue.reset_queues()


def remove_model(settings: Settings, name: str = BIG) -> None:
    """Remove the chat model from the settings."""
    settings.CHATS = {key: value for key, value in settings.CHATS.items() if key != name}


def get_fake_engine(name: str = BIG) -> FakeChat:
    """Return the fake engine of that chat model."""
    found = registry.get_chat_engine(name)
    assert isinstance(found, FakeChat)
    return found
