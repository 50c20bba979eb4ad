"""The embedding models that collections may choose beside the one of `EMBED_MODEL`: those that `EMBED_MORE` names."""

from __future__ import annotations

import re
from typing import Any

from assistant.config.json_lists import Kinds, parse_items
from assistant.config.mcp_servers import Misconfigured
from assistant.config.moved_classes import resolve_class
from assistant.env import Env

_KINDS: Kinds = {"name": str, "model": str, "sha256": str, "dimension": int, "backend": str}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SAYS = 'EMBED_MORE has to be JSON such as [{"name": "German", "model": "/srv/models/german", "sha256": "…64 digits…"}]'

Embedders = dict[str, dict[str, Any]]


def build_embedders(env: Env) -> Embedders:
    """What builds each model's engine, by name. Raises Misconfigured."""
    found: Embedders = {}
    for item in parse_items(env.EMBED_MORE, _KINDS, _SAYS):
        name, pinned = item["name"], item.get("sha256", "").lower()
        if name.casefold() in {known.casefold() for known in found}:
            raise Misconfigured(f"EMBED_MORE names “{name}” twice.")
        if not item.get("model") or not _SHA256.fullmatch(pinned):
            raise Misconfigured(f"{_SAYS}; “{name}” needs its model and the SHA-256 of its weights, pinned.")
        if item.get("dimension", 1) < 1:
            raise Misconfigured(f"{_SAYS}; the dimension of “{name}” has to be above 0.")
        options = {
            "model": item["model"], "threads": env.EMBED_THREADS, "sha256": pinned,
            "dimension": item.get("dimension", 0),
        }  # fmt: skip
        options |= {} if env.EMBED_DTYPE == "auto" else {"dtype": env.EMBED_DTYPE}
        found[name] = {"BACKEND": resolve_class(item.get("backend") or env.EMBED_BACKEND), "OPTIONS": options}
    return found
