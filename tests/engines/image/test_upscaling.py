"""Tests of upscaling: clean edges, nearer to the original than Lanczos."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from apps.engines.image.upscaling import MAX_SIDE, upscale_picture
from apps.engines.image.validation import encode_png
from apps.engines.types import EngineRefused
from tests.engines.image.test_watermark import pictogram


def values(picture: Image.Image) -> Any:
    return np.asarray(picture.convert("RGB"), np.float32)


def enlarged(picture: Image.Image, factor: int) -> Image.Image:
    larger = upscale_picture(encode_png(picture), factor).picture
    assert larger.size == (picture.width * factor, picture.height * factor)
    return larger


@pytest.mark.parametrize("factor", [2, 4])
def test_edges_are_nearer_to_the_truth_than_lanczos_makes_them(factor: int) -> None:
    ours, theirs = 0.0, 0.0
    for seed in range(6):
        true = pictogram(seed, 128)
        small = true.resize((128 // factor, 128 // factor), Image.Resampling.BOX)
        ours += float(((values(enlarged(small, factor)) - values(true)) ** 2).mean())
        theirs += float(((values(small.resize(true.size, Image.Resampling.LANCZOS)) - values(true)) ** 2).mean())
    assert ours < 0.9 * theirs


def test_upscaled_picture_is_nowhere_brighter_or_darker_than_the_original() -> None:
    picture = Image.new("RGB", (32, 32), (60, 60, 60))
    picture.paste((200, 200, 200), (16, 0, 32, 32))
    found = values(enlarged(picture, 4))
    assert found.min() == 60 and found.max() == 200, "no halo beside an edge"


def test_flat_colours_stay_what_they_are() -> None:
    assert np.unique(values(enlarged(Image.new("RGB", (16, 16), (10, 20, 30)), 2))).tolist() == [10, 20, 30]


def test_upscaling_refuses_too_large_results_and_unreadable_files() -> None:
    with pytest.raises(EngineRefused, match="larger than"):
        upscale_picture(encode_png(Image.new("RGB", (MAX_SIDE // 2, 8))), 4)
    with pytest.raises(EngineRefused, match="cannot be read"):
        upscale_picture(b"no picture", 2)
