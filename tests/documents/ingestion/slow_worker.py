"""Celery application of a real worker process for tests: with their database and index, and a pause at a chosen
step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

from django.conf import settings

settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
settings.ENGINES["index"] = {
    "BACKEND": "apps.engines.index.local.engine.LocalIndex",
    "OPTIONS": {"directory": os.environ["TEST_INDEX"]},
}

from assistant.celery import app  # noqa: E402

app.finalize()
app.loader.import_default_modules()

from apps.documents.ingestion import pipeline, publishing  # noqa: E402
from apps.engines import registry  # noqa: E402

PAUSE, _, TOGETHER = os.environ.get("TEST_PAUSE", "").partition(" ")


def _hang(function: Callable[..., Any], before: bool) -> Callable[..., Any]:
    """Return the function so that it hangs until the process is killed; with TOGETHER, only for several documents."""

    def hanging(*args: Any, **options: Any) -> Any:
        if TOGETHER and len(args[0]) < 2:
            return function(*args, **options)
        result = None if before else function(*args, **options)
        Path(os.environ["TEST_MARKER"]).touch()
        time.sleep(600)
        return result

    return hanging


def _slow(function: Callable[..., Any]) -> Callable[..., Any]:
    def slower(texts: list[str]) -> Any:
        if len(texts) > 1:
            Path(os.environ["TEST_MARKER"]).touch()
            time.sleep(0.5)
        return function(texts)

    return slower


match PAUSE:
    case "parse":
        pipeline._chunk = _hang(pipeline._chunk, before=True)
    case "embed":
        publishing.store_rows = _hang(publishing.store_rows, before=True)
    case "index":
        publishing.write_segments = _hang(publishing.write_segments, before=False)
    case "publish":
        publishing.commit_documents = _hang(publishing.commit_documents, before=True)
    case "slow":
        embed = registry.get_embedder()
        embed.embed_passages = _slow(embed.embed_passages)  # type: ignore[method-assign]
