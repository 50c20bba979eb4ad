"""Facts about diffusers pipelines and settings for them: arguments, schedulers, sizes, adapters, fingerprints."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable
from typing import Any

_ALSO: dict[str, dict[str, Any]] = {"PNDM": {"skip_prk_steps": True}}  # fewer steps without Runge-Kutta


def silence_progress_bars() -> None:
    """Disable progress bars, which only fill the log."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()


def list_call_arguments(pipeline: Any) -> set[str]:
    """Return the names of the arguments that the pipeline accepts."""
    return set(inspect.signature(pipeline.__call__).parameters)


def build_step_callback(pipeline: Any, on_step: Callable[[int, Any], None]) -> dict[str, Any]:
    """Return the call arguments by which `on_step` gets the number of each step, from 0, and the latents.

    An exception in `on_step` ends the drawing. PixArt and pipelines of its age know only the older of the two callback
    arguments.
    """
    names = list_call_arguments(pipeline)
    if "callback" in names and "callback_on_step_end" not in names:
        return {"callback": lambda step, _, latents: on_step(step, latents), "callback_steps": 1}

    def ended(_: Any, step: int, __: Any, values: dict[str, Any]) -> dict[str, Any]:
        on_step(step, values.get("latents"))
        return values

    return {"callback_on_step_end": ended}


def plan_start_steps(steps: int, strength: float, max_steps: int) -> tuple[int, float]:
    """Return steps and strength (0..1) of a drawing from a start picture, raised until int(steps × strength) ≥ 1.

    A model of one step would do none at strength 0.6. `max_steps` is the largest number of steps that a request may ask
    for; the strength is at least 1 / most.
    """
    strength = max(strength, 1 / max_steps)
    steps = max(steps, math.ceil(1 / strength))
    return steps + (int(steps * strength) < 1), strength


def load_adapters(pipeline: Any, loras: list[str]) -> None:
    """Activate all LoRA adapters together. Raise ValueError for a pipeline that takes none."""
    if loras and not hasattr(pipeline, "load_lora_weights"):
        raise ValueError("this kind of model takes no LoRA adapters; leave IMAGE_LORAS empty.")
    names = [f"lora{number}" for number in range(len(loras))]
    for name, lora in zip(names, loras, strict=True):
        pipeline.load_lora_weights(lora, adapter_name=name, use_safetensors=True)
    if names:
        pipeline.set_adapters(names)


def list_schedulers(pipeline: Any) -> dict[str, Any]:
    """Return by name the scheduler classes that work with this model without training; {} if it names none."""
    try:
        kinds = pipeline.scheduler.compatibles
    except (AttributeError, ImportError):
        return {}
    return {
        kind.__name__.removesuffix("Scheduler"): kind
        for kind in kinds
        if kind.__name__.endswith("Scheduler") and not hasattr(kind, "_backends")  # else a library is missing
    }


def build_scheduler(default: Any, kinds: dict[str, Any], name: str) -> Any:
    """Return a new scheduler of the kind `name` with the settings of `default`; of the kind of `default` for ""."""
    kind = kinds.get(name) if name else None
    also = _ALSO.get(name, {}) if kind is not type(default) else {}
    return (kind or type(default)).from_config(default.config, **also)


def get_size_multiple(pipeline: Any) -> int:
    """Return the pixels that both sides must be multiples of: the side of a latent times the transformer's patch
    size."""
    patch = getattr(getattr(getattr(pipeline, "transformer", None), "config", None), "patch_size", None) or 1
    folded = 2 if hasattr(pipeline, "_unpack_latents") else 1  # FLUX and related models pack 2 x 2 latents
    return get_latent_scale(pipeline) * max(folded, patch if isinstance(patch, int) else max(patch))


def get_latent_scale(pipeline: Any) -> int:
    """Return the side of one latent in pixels."""
    return int(getattr(pipeline, "vae_scale_factor", 8))


def can_use_negatives(pipeline: Any) -> bool:
    """Return whether a negative prompt has an effect. Some distilled models accept one, but use it only with a second
    guidance argument."""
    names = list_call_arguments(pipeline)
    return "negative_prompt" in names and "true_cfg_scale" not in names


def get_default_side(pipeline: Any) -> int:
    """Return the side in pixels that the model was trained for."""
    core = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    size = (
        getattr(getattr(core, "config", None), "sample_size", None)
        or getattr(pipeline, "default_sample_size", None)
        or 64
    )
    return int(size if isinstance(size, int) else max(size)) * get_latent_scale(pipeline)


def can_start(pipeline: Any) -> bool:
    """Return whether diffusers has an image-to-image pipeline for these weights."""
    from diffusers.pipelines.auto_pipeline import AUTO_IMAGE2IMAGE_PIPELINES_MAPPING

    return _has(AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, pipeline)


def can_mask(pipeline: Any) -> bool:
    """Return whether diffusers has an inpainting pipeline for these weights."""
    from diffusers.pipelines.auto_pipeline import AUTO_INPAINT_PIPELINES_MAPPING

    return _has(AUTO_INPAINT_PIPELINES_MAPPING, pipeline)


def _has(mapping: Any, pipeline: Any) -> bool:
    from diffusers.pipelines.auto_pipeline import _get_task_class

    try:
        return _get_task_class(mapping, type(pipeline).__name__, False) is not None
    except ValueError:
        return False


def compute_fingerprint(pipeline: Any, loras: list[str]) -> str:
    """Return a hash over a sample of every weight and the adapter names, 16 hexadecimal digits: other weights of the
    same name are another model."""
    import torch

    digest = hashlib.sha256(",".join(loras).encode())
    for name, part in sorted(pipeline.components.items()):
        if isinstance(part, torch.nn.Module):
            for key, value in part.state_dict().items():
                digest.update(f"{name}.{key}{tuple(value.shape)}".encode())
                digest.update(value.flatten()[:64].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
