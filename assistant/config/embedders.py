"""Embedding models that collections may choose beside the one of `EMBED_MODEL`: those that `EMBED_MORE` names."""

from __future__ import annotations

from typing import Any

from assistant.env import Env

Embedders = dict[str, dict[str, Any]]


def build_embedders(env: Env) -> Embedders:
    """Return the class and the options of each model's engine by the name of the model."""
    shared = {"threads": env.EMBED_THREADS} | ({} if env.EMBED_DTYPE == "auto" else {"dtype": env.EMBED_DTYPE})
    return {
        entry.name: {
            "BACKEND": entry.backend or env.EMBED_BACKEND,
            "OPTIONS": shared | {"model": entry.model, "sha256": entry.sha256, "dimension": entry.dimension or 0},
        }
        for entry in env.EMBED_MORE
    }
