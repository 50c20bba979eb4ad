"""Fake picture engine for tests: coloured stripes that depend on every part of the request.

painter = FakePainter()
painter.gap_s = 0.1            # duration of a step
painter.fail = EngineBroken()  # raised by the next drawing, after its first step
painter.names = ("red cat",)   # limits the vocabulary to these names
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from apps.engines.image.inpainting import composite_region, read_mask
from apps.engines.image.protocol import DrawnPicture, DrawRequest, DrawStep, PictureModel, has_name
from apps.engines.image.validation import encode_preview, open_start_picture, validate_request
from apps.engines.types import EngineError

if TYPE_CHECKING:
    from PIL.Image import Image


class FakePainter:
    """Picture engine without a model. `options` set attributes."""

    def __init__(self, model: str = "", **options: Any) -> None:
        self.name = model or "stripes"
        self.gap_s = 0.0
        self.fail: EngineError | None = None
        self.names: tuple[str, ...] = ()
        self.requests: list[DrawRequest] = []
        self._lock = threading.Lock()
        for name, value in options.items():
            setattr(self, name, value)

    def model(self) -> PictureModel:
        return PictureModel(
            self.name, f"{self.name}-1", width=128, height=128, steps=4, guidance=5.0, multiple=8, max_side=512,
            max_steps=50, schedulers=("Even", "Uneven"), accepts_start=True, accepts_mask=True,
            accepts_negative=not self.names, vocabulary=len(self.names),
        )  # fmt: skip

    def nearest_names(self, prompt: str, limit: int) -> list[str]:
        words = set(prompt.lower().split())
        return sorted(self.names, key=lambda name: -len(words & set(name.split())))[:limit]

    def has_known_name(self, prompt: str) -> bool:
        return has_name(prompt, self.names)

    def draw(self, request: DrawRequest, on_step: Callable[[DrawStep], None]) -> DrawnPicture:
        from PIL import ImageChops

        validate_request(request, self.model())
        size = request.width, request.height
        start = open_start_picture(request.start, *size) if request.start else None
        part = read_mask(request.mask, request.start, *size) if request.mask else None
        with self._lock:
            self.requests.append(request)
            for step in range(1, request.steps + 1):
                time.sleep(self.gap_s)
                on_step(DrawStep(step, request.steps, partial(self._preview, request, step)))
                fail, self.fail = self.fail, None
                if fail is not None:
                    raise fail
        picture = self.paint(request, request.steps)
        drawn = ImageChops.blend(start, picture, request.strength) if start else picture
        return DrawnPicture(composite_region(drawn, start, part) if start and part else drawn)

    def _preview(self, request: DrawRequest, step: int) -> bytes:
        return encode_preview(self.paint(request, step))

    def paint(self, request: DrawRequest, step: int) -> Image:
        """Return the picture after a step; all steps look alike."""
        from PIL import Image

        digest = hashlib.sha256(repr(request).encode()).digest()
        return Image.frombytes("RGB", (1, 8), digest[:24]).resize((request.width, request.height))
