"""Test of picture captions with a drawn picture.

Entry points: `run_caption_test`; in the worker `answer_caption_test`. A caption server is called from the web process.
A local model is loaded in the worker only, so the worker is asked and writes its result to a file.
"""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from apps.conversations.attachments import recognition
from apps.engines import registry
from apps.engines.types import EngineError, EngineUnavailable
from apps.lib import json_file
from apps.lib.celery.notify import notify_worker
from apps.lib.concurrency.threads import in_pool
from apps.lib.ids import new_id

TASK_NAME = "conversations.try_caption"
MAX_LOADING_S = 90.0  # seconds for loading the model of the worker before its first picture
_POLL_S = 0.3  # seconds between reads of the result file


@dataclass(frozen=True, slots=True)
class CaptionTestResult:
    """Caption of the test picture, with its model and duration in milliseconds."""

    model: str
    caption: str
    ms: float


async def run_caption_test() -> CaptionTestResult:
    """Return the caption of the test picture. Raise EngineError."""
    return await (in_pool(_caption_test_picture) if recognition.is_captioned_by_server() else _ask_worker())


def answer_caption_test() -> None:
    """Caption the test picture in the worker, and write caption or error to the file that the web process reads."""
    try:
        found: dict[str, Any] = asdict(_caption_test_picture())
    except EngineError as error:
        found = {"error": str(error)}
    json_file.write_json(_file(), {**found, "at": time.time()})


def _caption_test_picture() -> CaptionTestResult:
    engine = registry.get_caption_engine()
    if engine is None:
        raise EngineUnavailable("No model that describes pictures is set up.")
    start = time.perf_counter()
    words = engine.caption(_draw_test_picture())
    return CaptionTestResult(engine.name, words, (time.perf_counter() - start) * 1000)


async def _ask_worker() -> CaptionTestResult:
    start, wait = time.time(), settings.CAPTION_SECONDS + MAX_LOADING_S
    await in_pool(partial(notify_worker, TASK_NAME, new_id()))
    while time.time() - start < wait:
        found = await in_pool(json_file.read_json, _file())
        if found.get("at", 0.0) >= start:
            if "error" in found:
                raise EngineUnavailable(found["error"])
            return CaptionTestResult(found["model"], found["caption"], found["ms"])
        await asyncio.sleep(_POLL_S)
    raise EngineUnavailable(
        gettext(
            "The worker did not describe the test picture within %(seconds)s seconds. It may be busy, or be loading "
            "the model."
        )
        % {"seconds": f"{wait:.0f}"}
    )


def _draw_test_picture() -> bytes:
    """Return a red disc on white, as a PNG."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(image).ellipse((100, 60, 220, 180), fill="red")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _file() -> Path:
    return Path(settings.DATA_DIR) / "caption_tried.json"
