"""What can be said of a pipeline of diffusers: what it takes, how it is scheduled, which weights it has."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable
from typing import Any

_ALSO: dict[str, dict[str, Any]] = {"PNDM": {"skip_prk_steps": True}}  # with its first four it needs many steps


def silence_progress_bars() -> None:
    """Bars on a terminal that nobody watches only fill the log."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()


def list_call_arguments(pipeline: Any) -> set[str]:
    """Names of what it can be called with."""
    return set(inspect.signature(pipeline.__call__).parameters)


def build_step_callback(pipeline: Any, hears: Callable[[int, Any], None]) -> dict[str, Any]:
    """What it has to be called with so that `hears` gets the number of each step, from 0, and its latents; what that
    raises ends the drawing. PixArt and others of its age know only the older of the two ways."""
    names = list_call_arguments(pipeline)
    if "callback" in names and "callback_on_step_end" not in names:
        return {"callback": lambda step, _, latents: hears(step, latents), "callback_steps": 1}

    def ended(_: Any, step: int, __: Any, values: dict[str, Any]) -> dict[str, Any]:
        hears(step, values.get("latents"))
        return values

    return {"callback_on_step_end": ended}


def plan_start_steps(steps: int, strength: float, most: int) -> tuple[int, float]:
    """Steps and strength of a drawing that begins with a picture, such that at least one of the steps is done: a model
    of one step would do none with a strength of 0.6."""
    strength = max(strength, 1 / most)
    steps = max(steps, math.ceil(1 / strength))
    return steps + (int(steps * strength) < 1), strength


def load_adapters(pipeline: Any, loras: list[str]) -> None:
    """With every one of the adapters at once. Raises ValueError for a model that takes none."""
    if loras and not hasattr(pipeline, "load_lora_weights"):
        raise ValueError("this kind of model takes no LoRA adapters; leave IMAGE_LORAS empty.")
    names = [f"lora{number}" for number in range(len(loras))]
    for name, lora in zip(names, loras, strict=True):
        pipeline.load_lora_weights(lora, adapter_name=name, use_safetensors=True)
    if names:
        pipeline.set_adapters(names)


def list_schedulers(pipeline: Any) -> dict[str, Any]:
    """By name, those that draw with this model without being trained for it."""
    try:
        kinds = pipeline.scheduler.compatibles
    except (AttributeError, ImportError):
        return {}
    return {
        kind.__name__.removesuffix("Scheduler"): kind
        for kind in kinds
        if kind.__name__.endswith("Scheduler") and not hasattr(kind, "_backends")  # stand-ins for what is not installed
    }


def build_scheduler(own: Any, kinds: dict[str, Any], name: str) -> Any:
    """A new scheduler of that name with the settings of `own`; of its own kind where the name is empty."""
    kind = kinds.get(name) if name else None
    also = _ALSO.get(name, {}) if kind is not type(own) else {}
    return (kind or type(own)).from_config(own.config, **also)


def get_size_multiple(pipeline: Any) -> int:
    """Pixels that both sides are multiples of: those of one latent, times as many as a transformer takes together."""
    patch = getattr(getattr(getattr(pipeline, "transformer", None), "config", None), "patch_size", None) or 1
    folded = 2 if hasattr(pipeline, "_unpack_latents") else 1  # FLUX and its like
    return get_latent_scale(pipeline) * max(folded, patch if isinstance(patch, int) else max(patch))


def get_latent_scale(pipeline: Any) -> int:
    """Pixels of a side of one latent."""
    return int(getattr(pipeline, "vae_scale_factor", 8))


def can_use_negatives(pipeline: Any) -> bool:
    """Whether what shall not be there changes the picture; some that were distilled take it and use it only with a
    guidance of its own."""
    names = list_call_arguments(pipeline)
    return "negative_prompt" in names and "true_cfg_scale" not in names


def get_default_side(pipeline: Any) -> int:
    """Pixels."""
    core = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    size = (
        getattr(getattr(core, "config", None), "sample_size", None)
        or getattr(pipeline, "default_sample_size", None)
        or 64
    )
    return int(size if isinstance(size, int) else max(size)) * get_latent_scale(pipeline)


def can_start(pipeline: Any) -> bool:
    """Whether there is a pipeline for its weights that begins with a picture."""
    from diffusers.pipelines.auto_pipeline import AUTO_IMAGE2IMAGE_PIPELINES_MAPPING

    return _has(AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, pipeline)


def can_mask(pipeline: Any) -> bool:
    """Whether there is one that draws a part of a picture anew."""
    from diffusers.pipelines.auto_pipeline import AUTO_INPAINT_PIPELINES_MAPPING

    return _has(AUTO_INPAINT_PIPELINES_MAPPING, pipeline)


def _has(mapping: Any, pipeline: Any) -> bool:
    from diffusers.pipelines.auto_pipeline import _get_task_class

    try:
        return _get_task_class(mapping, type(pipeline).__name__, False) is not None
    except ValueError:
        return False


def compute_fingerprint(pipeline: Any, loras: list[str]) -> str:
    """Of a sample of every weight: other weights under the same name are another model."""
    import torch

    digest = hashlib.sha256(",".join(loras).encode())
    for name, part in sorted(pipeline.components.items()):
        if isinstance(part, torch.nn.Module):
            for key, value in part.state_dict().items():
                digest.update(f"{name}.{key}{tuple(value.shape)}".encode())
                digest.update(value.flatten()[:64].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
