"""Catalogue of the chat models that an operator configured: what is known of each before its server is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXTENDED = ("top_k", "min_p", "repetition_penalty")  # sampling settings that only vLLM accepts
MAIN = "main"  # key of the site's own model, independent of the name that pages show


@dataclass(frozen=True, slots=True)
class ChatModel:
    """Chat model that users can choose. `server` is the address; models of one address share a queue and a circuit
    breaker."""

    name: str
    label: str  # name on pages; "" if the site's own model was given none
    server: str
    streams: int = 8  # concurrent answers of its server for this process
    passes_reading_check: bool | None = None  # None: the reading check decides
    supports_reasoning: bool = False
    supports_tools: bool = True
    supports_pictures: bool = False  # the model has vision


def load_catalog(configs: Mapping[str, Mapping[str, Any]]) -> tuple[ChatModel, ...]:
    """Return the configured models, the site's own first."""
    return tuple(ChatModel(name=name, **config["ABOUT"]) for name, config in configs.items())
