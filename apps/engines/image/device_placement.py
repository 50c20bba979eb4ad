"""Placement of a diffusers pipeline by free memory: whole on the GPU, or one model or layer at a time. Also decides
whether pictures are decoded in tiles."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import Enum
from typing import Any

from apps.lib import os_compat

log = logging.getLogger(__name__)

_ROOM = 1.3  # GPU memory needed per byte of weights, for a pipeline or one of its models
# Numbers that the decoder of Stable Diffusion holds per pixel: 4.6 GB for 1024 x 1024 in half precision.
_DECODER = 2200


class Placement(Enum):
    """Unit in which weights are moved to the GPU."""

    WHOLE = "whole"
    MODELS = "a model at a time"  # the other models stay in main memory
    LAYERS = "a layer at a time"  # slow, but fits nearly anywhere


def plan_placement(sizes: Mapping[str, int], free: int) -> Placement:
    """Return the placement for models of `sizes` bytes, by name, with `free` bytes of GPU memory. Pure."""
    if sum(sizes.values()) * _ROOM < free:
        return Placement.WHOLE
    return Placement.MODELS if max(sizes.values(), default=0) * _ROOM < free else Placement.LAYERS


def is_tiling_needed(pixels: int, number_bytes: int, free: int) -> bool:
    """Return whether a picture of `pixels` pixels is too large to be decoded whole in `free` bytes. `number_bytes` is
    the size of one number. Pure."""
    return pixels * number_bytes * _DECODER > free


def place_pipeline(pipeline: Any, torch: Any, largest: int) -> Any:
    """Place the pipeline for pictures of up to `largest` pixels a side and return it."""
    free, gpu = get_free_bytes(torch)
    sizes = {name: _bytes(part) for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}
    if gpu:
        placement = plan_placement(sizes, free)
        log.info("The picture model is placed on the GPU %s", placement.value)
        if placement is Placement.WHOLE:
            pipeline.to("cuda")
            free -= sum(sizes.values())
        elif placement is Placement.MODELS:
            pipeline.enable_model_cpu_offload()
            free -= sizes.get("vae", 0)
        else:
            pipeline.enable_sequential_cpu_offload()
    vae: Any = getattr(pipeline, "vae", None)
    if hasattr(vae, "enable_slicing"):
        vae.enable_slicing()
    if hasattr(vae, "enable_tiling") and is_tiling_needed(largest**2, next(vae.parameters()).element_size(), free):
        log.info("Large pictures are decoded in tiles: %.1f GB are free", free / 1e9)
        vae.enable_tiling()
    return pipeline


def get_free_bytes(torch: Any) -> tuple[int, bool]:
    """Return the free bytes of the memory in which pictures are decoded, and whether that is a GPU's."""
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0]), True
    return os_compat.get_available_memory(), False


def _bytes(part: Any) -> int:
    return sum(value.numel() * value.element_size() for value in part.parameters())
