"""Embedding models that collections may choose beside the one of `EMBED_MODEL`: the multilingual one that set-up
fetched, and those that `EMBED_MORE` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistant.boot.layout import MULTILINGUAL
from assistant.boot.packaged_models import MULTILINGUAL_SHA256
from assistant.env import Env

MULTILINGUAL_NAME = "Multilingual"
_PAIRED = "apps.engines.embed.paired.PairedEmbedder"
Embedders = dict[str, dict[str, Any]]


def build_embedders(env: Env, models: Path) -> Embedders:
    """Return the class and the options of each model's engine by the name of the model. `models` is the folder of
    downloaded models: the multilingual one is there if set-up could fetch it."""
    shared = {"threads": env.EMBED_THREADS} | ({} if env.EMBED_DTYPE == "auto" else {"dtype": env.EMBED_DTYPE})
    multilingual = models / MULTILINGUAL
    is_packaged = env.EMBED_MULTILINGUAL and not env.EMBED_MODEL and (multilingual / "config.json").is_file()
    packaged = {"BACKEND": _PAIRED, "OPTIONS": shared | {"model": str(multilingual), "sha256": MULTILINGUAL_SHA256}}
    return ({MULTILINGUAL_NAME: packaged} if is_packaged else {}) | {
        entry.name: {
            "BACKEND": entry.backend or env.EMBED_BACKEND,
            "OPTIONS": shared | {"model": entry.model, "sha256": entry.sha256, "dimension": entry.dimension or 0},
        }
        for entry in env.EMBED_MORE
    }
