"""Fake caption engine for tests: names the size and the nearest main colour of a picture. Deterministic."""

from __future__ import annotations

from apps.engines.caption.protocol import clean_caption, open_picture

_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255)}


class FakeCaption:
    """Caption engine without a model."""

    name = "caption-fake"

    def caption(self, picture: bytes) -> str:
        image = open_picture(picture)
        mean = image.resize((1, 1)).tobytes()
        nearest = min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], mean, strict=True)))
        return clean_caption(f"A picture that is mostly {nearest}, {image.width} by {image.height}.")
