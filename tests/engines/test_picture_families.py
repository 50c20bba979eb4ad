"""Families of picture models that are not built like Stable Diffusion: tiny ones of diffusers' own classes, by the same
code as any other."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from apps.engines.base import EngineRefused
from apps.engines.image.base import DrawRequest, DrawStep
from apps.engines.image.diffusers import DiffusersPainter
from apps.images.forms import sides
from tests.images import tiny_families

ASK = DrawRequest("a red cat", seed=7, width=64, height=96, steps=2, guidance=4.0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("save", "heeds"), [(tiny_families.flux, False), (tiny_families.stable_diffusion_3, True)], ids=["flux", "sd3"]
)
def test_it_draws_what_it_says_that_it_takes(save: Callable[[Path], str], heeds: bool, tmp_path: Path) -> None:
    painter = DiffusersPainter(save(tmp_path))
    model = painter.model()
    assert (model.multiple, model.starts, model.masks, model.negatives) == (16, True, True, heeds)
    assert all(side % 16 == 0 for shape in ((3, 2), (16, 9)) for side in sides(model, *shape))
    seen: list[tuple[int, int]] = []

    def look(step: DrawStep) -> None:
        assert step.preview is not None
        seen.append(Image.open(io.BytesIO(step.preview())).size)

    first = painter.draw(ASK, look).picture
    assert first.size == (64, 96) and seen == [(8, 12)] * 2, "as large as its latents are, unfolded"
    assert painter.draw(ASK, lambda _: None).picture == first, "byte for byte"
    with pytest.raises(EngineRefused, match="multiple of 16"):
        painter.draw(DrawRequest("a red cat", 7, 72, 96, 2, 4.0), lambda _: None)
