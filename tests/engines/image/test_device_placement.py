"""Tests of pipelines with little memory: placement of weights, decoding of pictures, cost of previews."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from apps.engines.image import device_placement
from apps.engines.image.device_placement import Placement, is_tiling_needed, plan_placement
from apps.engines.image.diffusers import DiffusersPainter
from apps.engines.image.protocol import DrawRequest, DrawStep
from tests.images import tiny_pipeline

ASK = DrawRequest("a red cat", seed=7, width=96, height=64, steps=3, guidance=5.0)
GB = 10**9


@pytest.mark.parametrize(
    ("sizes", "free", "place"),
    [
        ({"unet": 5 * GB, "vae": GB}, 12 * GB, Placement.WHOLE),
        ({"unet": 5 * GB, "vae": GB}, 7 * GB, Placement.MODELS),
        ({"unet": 5 * GB, "vae": GB}, 6 * GB, Placement.LAYERS),
        ({}, GB, Placement.WHOLE),
    ],
)
def test_weights_wait_where_they_fit(sizes: dict[str, int], free: int, place: Placement) -> None:
    assert plan_placement(sizes, free) is place


def test_a_large_picture_is_decoded_in_tiles_where_little_is_free() -> None:
    assert (
        is_tiling_needed(2048**2, 2, 8 * GB)
        and not is_tiling_needed(1024**2, 2, 8 * GB)
        and is_tiling_needed(1024**2, 4, 8 * GB)
    )


@pytest.mark.slow
@pytest.mark.parametrize("called", ["to", "models", "layers"])
def test_the_pipeline_is_placed_as_planned(diffusers_folder: str, monkeypatch: pytest.MonkeyPatch, called: str) -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline: Any = StableDiffusionPipeline.from_pretrained(diffusers_folder)
    told: list[str] = []
    for name, method in (
        ("to", "to"),
        ("models", "enable_model_cpu_offload"),
        ("layers", "enable_sequential_cpu_offload"),
    ):
        monkeypatch.setattr(StableDiffusionPipeline, method, lambda *_, name=name: told.append(name))
    parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    sizes = [sum(value.numel() * 4 for value in part.parameters()) for part in parts]
    free = {"to": 2 * sum(sizes), "models": int(max(sizes) * 1.31), "layers": max(sizes)}[called]
    monkeypatch.setattr(device_placement, "get_free_bytes", lambda _: (free, True))
    device_placement.place_pipeline(pipeline, torch, 256)
    assert told == [called] and pipeline.vae.use_tiling and pipeline.vae.use_slicing


@pytest.mark.slow
def test_a_picture_in_tiles_is_nearly_the_one_without(diffusers_folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = DiffusersPainter(diffusers_folder).draw(ASK, lambda _: None).picture
    monkeypatch.setattr(device_placement, "get_free_bytes", lambda _: (0, False))
    painter = DiffusersPainter(diffusers_folder)
    drawn = painter.draw(ASK, lambda _: None).picture
    assert painter._pipeline.vae.use_tiling and drawn.size == whole.size
    assert painter.draw(ASK, lambda _: None).picture == drawn, "byte for byte"
    assert 0 < np.abs(np.asarray(drawn, float) - np.asarray(whole, float)).mean() < 40


def previews(painter: DiffusersPainter) -> set[tuple[int, int]]:
    seen: list[bytes] = []

    def look(step: DrawStep) -> None:
        assert step.preview is not None
        seen.append(step.preview())

    painter.draw(ASK, look)
    return {Image.open(io.BytesIO(one)).size for one in seen}


@pytest.mark.slow
def test_a_tiny_autoencoder_makes_previews_as_large_as_the_picture(diffusers_folder: str, tmp_path: Path) -> None:
    assert previews(DiffusersPainter(diffusers_folder)) == {(12, 8)}
    named = DiffusersPainter(diffusers_folder, previews=tiny_pipeline.save_previewer(tmp_path / "good"))
    assert previews(named) == {(96, 64)}
    picture = named.draw(ASK, lambda _: None).picture
    assert picture == DiffusersPainter(diffusers_folder).draw(ASK, lambda _: None).picture, "previews change nothing"


@pytest.mark.slow
def test_previewer_missing_or_of_other_latents_leaves_a_plain_preview(diffusers_folder: str, tmp_path: Path) -> None:
    other = tiny_pipeline.save_previewer(tmp_path / "other", channels=8)
    for name in ("/nowhere", other):
        assert previews(DiffusersPainter(diffusers_folder, previews=name)) == {(12, 8)}, name


def test_free_memory_is_asked_of_the_machine() -> None:
    import torch

    free, gpu = device_placement.get_free_bytes(torch)
    assert free > 0 and gpu is torch.cuda.is_available()
