"""Catalogue of the chat models that an operator configured: what is known of each before its server is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

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
    outside: bool = False  # texts leave the house when it is asked
    description: str = ""  # in an administrator's words
    groups: frozenset[int] | None = None  # ids of the groups whose members may use it; None: everyone may


@dataclass(frozen=True, slots=True)
class PageModels:
    """Models that administrators added on the page, in the form of `settings.CHATS`.

    `default` is the name of the one that takes the place of the site's own; "" for none. `groups` restricts models of
    the environment, by name. `engines` has judge, guard and picture server of the page, as `settings.ENGINES`.
    """

    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    default: str = ""
    groups: Mapping[str, frozenset[int]] = field(default_factory=dict)
    engines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def load_catalog(
    configs: Mapping[str, Mapping[str, Any]], groups: Mapping[str, frozenset[int]] | None = None
) -> tuple[ChatModel, ...]:
    """Return the configured models, the site's own first; `groups` restricts those that it names."""
    limited = {name: {"groups": ids} for name, ids in (groups or {}).items()}
    return tuple(
        ChatModel(name=name, **{**config["ABOUT"], **limited.get(name, {})}) for name, config in configs.items()
    )


def is_outside_address(url: str, listed: Set[tuple[str, int]] = frozenset()) -> bool:
    """Return whether a server at this address is probably outside the house; people may say otherwise.

    Inside are IP addresses that are not public, names without a dot, and the `listed` (host, port).
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if (host, parts.port or (443 if parts.scheme == "https" else 80)) in listed:
        return False
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_global
    return "." in host
