"""Tests that a watermark survives usual processing, and that unmarked pictures have none."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from apps.engines.image import watermark

SIDE = 512


def pictogram(seed: int, side: int = SIDE) -> Image.Image:
    """Flat colours and hard edges on white, the hardest kind of picture to mark."""
    chance = np.random.default_rng(seed)
    picture = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(picture)
    for _ in range(9):
        (x, y), size = chance.integers(0, side, 2), int(chance.integers(side // 10, side // 3))
        box = (int(x) - size, int(y) - size, int(x) + size, int(y) + size)
        kind = draw.ellipse if chance.random() < 0.5 else draw.rectangle
        kind(box, fill=tuple(int(value) for value in chance.integers(0, 256, 3)))
    return picture


def saved(picture: Image.Image, kind: str, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, kind, quality=quality)
    return Image.open(io.BytesIO(file.getvalue()))


def with_mark(seed: int) -> tuple[Image.Image, Image.Image, int]:
    plain = pictogram(seed)
    marks = [int(value) for value in np.random.default_rng(seed + 1000).integers(0, 2**32, 1024)]
    found = watermark.embed_watermark(plain, marks)
    assert found is not None and found[1] in marks
    return plain, *found


CHANGES = {
    "nothing": lambda picture: picture,
    "JPEG 80": lambda picture: saved(picture, "JPEG", 80),
    "half the size": lambda picture: picture.resize((SIDE // 2, SIDE // 2), Image.Resampling.BICUBIC),
    "twice the size": lambda picture: picture.resize((SIDE * 2, SIDE * 2), Image.Resampling.BICUBIC),
    "squeezed": lambda picture: picture.resize((SIDE, SIDE * 4 // 5), Image.Resampling.BICUBIC),
    "half, JPEG 80": lambda picture: saved(picture.resize((SIDE // 2, SIDE // 2)), "JPEG", 80),
    "grey": lambda picture: picture.convert("L"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_mark_survives_what_happens_to_most_pictures(change: str) -> None:
    for seed in range(3):
        _, marked, mark = with_mark(seed)
        assert watermark.read_watermark(CHANGES[change](marked)) == mark


def test_the_mark_cannot_be_seen() -> None:
    for seed in range(3):
        plain, marked, _ = with_mark(seed)
        difference = np.asarray(plain, np.float32) - np.asarray(marked, np.float32)
        assert 10 * np.log10(255**2 / (difference**2).mean()) > 36


def test_a_picture_without_a_mark_has_none() -> None:
    assert [watermark.read_watermark(pictogram(seed, 128)) for seed in range(200)] == [None] * 200


def test_a_crop_takes_it_away_as_we_say() -> None:
    _, marked, _ = with_mark(0)
    assert watermark.read_watermark(marked.crop((50, 50, SIDE - 50, SIDE - 50))) is None


def test_a_new_mark_takes_the_place_of_the_old_one() -> None:
    _, marked, _ = with_mark(0)
    again = watermark.embed_watermark(marked, [7])
    assert again is not None and watermark.read_watermark(again[0]) == 7
