"""The chat models of a site, as its operator described them: what is known of each before its server was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXTENDED = ("top_k", "min_p", "repetition_penalty")  # of a sampling: for servers that are vLLM
MAIN = "main"  # the name of the site's own model, whatever it is called on the pages


@dataclass(frozen=True, slots=True)
class ChatModel:
    """One that can be chosen. `server` is the address that its door and its breaker belong to."""

    name: str
    shown: str  # "" where the site's own model was given no name
    server: str
    streams: int = 8  # answers that its server writes at once for this process
    reads_well: bool | None = None  # None: the reading check says so
    reasons: bool = False
    tools: bool = True
    pictures: bool = False  # it sees them


def load_catalog(configs: Mapping[str, Mapping[str, Any]]) -> tuple[ChatModel, ...]:
    """All of them, the site's own first."""
    return tuple(ChatModel(name=name, **config["ABOUT"]) for name, config in configs.items())
