"""Choose the engines behind the protocols of `apps/engines`: class and options by task, from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistant.boot.layout import NUDENET, NUDITY
from assistant.env import Env

_INDEX, _IMAGE = "apps.engines.index", "apps.engines.image"
Backends = dict[str, dict[str, Any]]


def build_backends(env: Env, index: Path, models: Path) -> tuple[Backends, Backends]:
    """Return the index backends by name, as segments name theirs, and the engines by task; {} where none is set up.

    `index` is the folder of the local index, `models` that of the downloaded models.
    """
    indexes, chosen = _indexes(env, index)
    embed = {"model": env.EMBED_MODEL, "threads": env.EMBED_THREADS}
    embed |= {} if env.EMBED_DTYPE == "auto" else {"dtype": env.EMBED_DTYPE}
    return indexes, {
        "embed": {"BACKEND": env.EMBED_BACKEND, "OPTIONS": embed},
        "rank": {
            "BACKEND": f"apps.engines.rank.{'cross_encoder.CrossEncoder' if env.RANK_MODEL else 'none.NoRank'}",
            "OPTIONS": {"model": env.RANK_MODEL} if env.RANK_MODEL else {},
        },
        "inference": (
            {"BACKEND": "apps.engines.nli.transformers_model.TransformersNli", "OPTIONS": {"model": env.SUPPORT_MODEL}}
            if env.SUPPORT_MODEL and not env.SUPPORT_URL
            else {"BACKEND": env.SUPPORT_BACKEND, "OPTIONS": {}}
        ),
        "judge": _judge(env),
        "reader": {"BACKEND": env.READER_BACKEND, "OPTIONS": {}},
        "index": {"NAME": chosen, **indexes[chosen]},
        "classify": {"BACKEND": env.CLASSIFY_BACKEND, "OPTIONS": {}},
        "guard": _guard(env),
        "malware": _malware(env),
        "pictures": _pictures(env, models),
        "planted": {"BACKEND": env.PLANTED_BACKEND, "OPTIONS": {}},
        "tagger": {"BACKEND": env.TAGGER_BACKEND, "OPTIONS": {}},
        "image": _image(env),
        "caption": _caption(env),
        "align": {"BACKEND": "apps.engines.image.clip.ClipScorer", "OPTIONS": {"model": env.CLIP_MODEL}},
        "turnlog": {
            "BACKEND": f"apps.engines.turnlog.{'redis.RedisTurnLog' if env.REDIS_URL else 'memory.MemoryTurnLog'}",
            "OPTIONS": {"url": env.REDIS_URL} if env.REDIS_URL else {},
        },
    }


def _indexes(env: Env, directory: Path) -> tuple[Backends, str]:
    """Return all index backends by name, and the name of the one that new segments are written to."""
    local = {"directory": str(directory)}
    known: Backends = {
        "local": {"BACKEND": f"{_INDEX}.local.engine.LocalIndex", "OPTIONS": local},
        "pgvector": {
            "BACKEND": f"{_INDEX}.pgvector.engine.PgvectorIndex",
            "OPTIONS": {"url": env.PGVECTOR_URL or env.DATABASE_URL},
        },
        "milvus": {"BACKEND": f"{_INDEX}.milvus.engine.MilvusIndex", "OPTIONS": {"url": env.MILVUS_URL}},
        "memory": {"BACKEND": f"{_INDEX}.memory.MemoryIndex", "OPTIONS": {}},
    }
    backend = env.INDEX_BACKEND
    chosen = next((name for name, index in known.items() if index["BACKEND"] == backend), backend)
    return known | ({} if chosen in known else {chosen: {"BACKEND": backend, "OPTIONS": local}}), chosen


def _image(env: Env) -> dict[str, Any]:
    """Return a picture server, a model by name, or the packaged painter; "none" is a model without a name."""
    if env.IMAGE_URL:
        server = {"url": env.IMAGE_URL, "model": env.IMAGE_MODEL, "api_key": env.IMAGE_API_KEY}
        return {"BACKEND": f"{_IMAGE}.openai.OpenAIPainter", "OPTIONS": {**server, "edits": env.IMAGE_EDITS}}
    own = f"{_IMAGE}.diffusers.DiffusersPainter" if env.IMAGE_MODEL else f"{_IMAGE}.pictogram.engine.PictogramPainter"
    model = "" if env.IMAGE_MODEL == "none" else env.IMAGE_MODEL or "built-in"
    options = {"model": model, "loras": env.IMAGE_LORAS}
    if env.IMAGE_PREVIEWS:
        options["previews"] = env.IMAGE_PREVIEWS
    return {"BACKEND": env.IMAGE_BACKEND or own, "OPTIONS": options}


def _guard(env: Env) -> dict[str, Any]:
    """Return the guard model; {} where none is set up."""
    if not env.GUARD_URL:
        return {}
    options = {"url": env.GUARD_URL, "model": env.GUARD_MODEL, "form": env.GUARD_FORMAT, "api_key": env.GUARD_API_KEY}
    return {
        "BACKEND": "apps.engines.classify.guard_model.OpenAIGuard",
        "OPTIONS": {**options, "timeout_s": env.GUARD_SECONDS},
    }


def _judge(env: Env) -> dict[str, Any]:
    """Return the judge of sentences; {} where none is set up."""
    if not env.SUPPORT_URL:
        return {}
    options = {"url": env.SUPPORT_URL, "model": env.SUPPORT_MODEL, "form": env.SUPPORT_FORMAT}
    return {
        "BACKEND": "apps.engines.judge.openai.OpenAIJudge",
        "OPTIONS": {**options, "api_key": env.SUPPORT_API_KEY, "timeout_s": env.SUPPORT_SECONDS},
    }


def _malware(env: Env) -> dict[str, Any]:
    """Return the malware scanner; {} where none is set up."""
    if env.MALWARE_SOCKET:
        return {"BACKEND": "apps.engines.malware.clamav.ClamAV", "OPTIONS": {"address": env.MALWARE_SOCKET}}
    if env.MALWARE_COMMAND:
        return {"BACKEND": "apps.engines.malware.command.CommandScanner", "OPTIONS": {"command": env.MALWARE_COMMAND}}
    return {}


def _caption(env: Env) -> dict[str, Any]:
    """Return the engine that describes pictures; {} where none is set up."""
    if not env.CAPTION_MODEL and not env.CAPTION_URL:
        return {}
    options: dict[str, Any] = {"model": env.CAPTION_MODEL, "timeout_s": env.CAPTION_SECONDS}
    if not env.CAPTION_URL:
        return {"BACKEND": "apps.engines.caption.local.LocalCaption", "OPTIONS": options}
    served = {"url": env.CAPTION_URL, "api_key": env.CAPTION_API_KEY}
    return {"BACKEND": "apps.engines.caption.openai.OpenAICaption", "OPTIONS": options | served}


def _pictures(env: Env, models: Path) -> dict[str, Any]:
    """Return the picture classifier that PICTURE_CHECK names, else NudeNet's if an earlier set-up fetched it."""
    own = models / NUDITY
    if env.PICTURE_CHECK == NUDENET or (not env.PICTURE_CHECK and own.is_file()):
        return {"BACKEND": "apps.engines.classify.nudity_detector.NudityDetector", "OPTIONS": {"path": str(own)}}
    if env.PICTURE_CHECK in ("", "none"):
        return {}
    options = {"path": env.PICTURE_CHECK, "sha256": env.PICTURE_CHECK_SHA256, "labels": env.PICTURE_CHECK_LABELS}
    return {"BACKEND": "apps.engines.classify.image_classifier.ConfiguredImageClassifier", "OPTIONS": options}
