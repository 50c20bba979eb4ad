"""Builds each engine once per process, on first use, from `settings.ENGINES`."""

from __future__ import annotations

import threading
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.engines.base import ChatEngine, EmbedEngine, Index, TurnLog

_lock = threading.RLock()
_built: dict[str, Any] = {}


def chat() -> ChatEngine:
    return cast(ChatEngine, _get("chat"))


def embed() -> EmbedEngine:
    return cast(EmbedEngine, _get("embed"))


def index() -> Index:
    return cast(Index, _get("index"))


def turnlog() -> TurnLog:
    return cast(TurnLog, _get("turnlog"))


def reset() -> None:
    """Forgets every engine, so that changed settings take effect (tests)."""
    with _lock:
        _built.clear()


def _get(kind: str) -> Any:
    engine = _built.get(kind)
    if engine is None:
        with _lock:
            engine = _built.get(kind)
            if engine is None:
                config = settings.ENGINES[kind]
                engine = _built[kind] = import_string(config["BACKEND"])(**config.get("OPTIONS", {}))
    return engine
