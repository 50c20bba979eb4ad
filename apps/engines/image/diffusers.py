"""Any text-to-image pipeline that diffusers loads by name or from a folder: Stable Diffusion, SDXL, Turbo, FLUX …

Weights are taken as safetensors only. On a GPU half precision is used, and what does not fit its memory waits beside
it; on a CPU everything is float32. One picture at a time: two would fight for the same memory.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.engines.base import EngineRefused, EngineUnavailable
from apps.engines.image.base import Drawn, DrawRequest, DrawStep, PictureModel
from apps.engines.image.checks import check, opened
from apps.engines.image.latents import Previewer

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

MOST_STEPS = 100
_ROOM = 1.3  # times the weights: what a pipeline needs of a GPU's memory to stay there as a whole
_SMALLER = 0.75  # of each side, where memory did not suffice
_STEPS, _GUIDANCE = 25, 7.0
_ALSO: dict[str, dict[str, Any]] = {"PNDM": {"skip_prk_steps": True}}  # with its first four it needs many steps
_QUICK = ("turbo", "schnell", "lightning", "lcm", "hyper")  # models that need few steps and no guidance


class DiffusersPainter:
    """`model` is a name of a model hub or a folder; `loras` are folders or files of adapters, comma separated."""

    def __init__(self, model: str = "", loras: str = "") -> None:
        self._name = model
        self._loras = [name.strip() for name in loras.split(",") if name.strip()]
        self._lock = threading.Lock()
        self._described: PictureModel | None = None

    def model(self) -> PictureModel:
        with self._lock:
            return self._describe()

    def draw(self, request: DrawRequest, seen: Callable[[DrawStep], None]) -> Drawn:
        with self._lock:
            check(request, self._describe())
            try:
                return self._draw(request, seen)
            except Exception as error:
                if not self._out_of_memory(error):
                    raise
            log.warning("Memory did not suffice for %s x %s pixels; trying smaller", request.width, request.height)
            self._free()
            try:
                return replace(self._draw(self._shrunk(request), seen), smaller=True)
            except Exception as error:
                if not self._out_of_memory(error):
                    raise
                self._free()
                raise EngineRefused(
                    "There is not enough memory for a picture of this size; choose a smaller one."
                ) from error

    def _draw(self, request: DrawRequest, seen: Callable[[DrawStep], None]) -> Drawn:
        import torch

        pipeline = self._pipeline_for(request)
        self._schedule(pipeline, request.scheduler)
        previewer, total = Previewer(pipeline), request.steps
        waited = 0.0  # seconds that the listener took, which are not the model's

        def after(_: Any, step: int, __: Any, values: dict[str, Any]) -> dict[str, Any]:
            nonlocal waited
            since, latents = time.perf_counter(), values.get("latents")
            show = partial(previewer.preview, latents, request.width, request.height)
            seen(DrawStep(min(step + 1, total), total, show))
            waited += time.perf_counter() - since
            return values

        options: dict[str, Any] = {"prompt": request.prompt, "num_inference_steps": request.steps}
        options |= {"guidance_scale": request.guidance, "width": request.width, "height": request.height}
        if self._describe().negatives and request.negative:
            options["negative_prompt"] = request.negative
        if request.start:
            options |= {"image": opened(request.start, request.width, request.height), "strength": request.strength}
            total = max(1, int(request.steps * request.strength))
        taken = _taken(pipeline)
        options = {name: value for name, value in options.items() if name in taken}
        began = time.perf_counter()
        generator = torch.Generator("cpu").manual_seed(request.seed)
        drawn = pipeline(**options, generator=generator, callback_on_step_end=after)
        model_s = time.perf_counter() - began - waited
        picture: Image = drawn.images[0]
        if (getattr(drawn, "nsfw_content_detected", None) or [False])[0]:
            raise EngineRefused("The model's own filter withheld this picture; describe it otherwise.")
        return Drawn(picture.convert("RGB"), model_s=model_s)

    def _pipeline_for(self, request: DrawRequest) -> Any:
        return self._starting if request.start else self._pipeline

    @cached_property
    def _pipeline(self) -> Any:
        import torch
        from diffusers import AutoPipelineForText2Image, DiffusionPipeline
        from safetensors import SafetensorError

        if not self._name:
            raise EngineUnavailable("No picture model is set up.")
        _quiet()
        half = torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float16
        options = {"dtype": half if torch.cuda.is_available() else torch.float32, "use_safetensors": True}
        try:
            try:
                pipeline: Any = AutoPipelineForText2Image.from_pretrained(self._name, **options)  # type: ignore[no-untyped-call]
            except ValueError:  # a pipeline that has no automatic class
                pipeline = DiffusionPipeline.from_pretrained(self._name, **options)  # type: ignore[no-untyped-call]
            _adapted(pipeline, self._loras)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            raise EngineUnavailable(
                f"The picture model '{self._name}' cannot be loaded: {_first_line(error)}"
            ) from error
        pipeline.set_progress_bar_config(disable=True)
        return _placed(pipeline, torch)

    @cached_property
    def _starting(self) -> Any:
        from diffusers import AutoPipelineForImage2Image

        try:
            pipeline = AutoPipelineForImage2Image.from_pipe(self._pipeline)
        except ValueError as error:
            raise EngineRefused("This model cannot start from a picture.") from error
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _describe(self) -> PictureModel:
        if self._described is None:
            pipeline = self._pipeline
            multiple = int(getattr(pipeline, "vae_scale_factor", 8))
            side = _usual_side(pipeline, multiple)
            name = Path(self._name).name if Path(self._name).is_dir() else self._name  # no path is told to people
            quick = any(word in self._name.lower() for word in _QUICK)
            self._described = PictureModel(
                name, _fingerprint(pipeline, self._loras), side, side, 4 if quick else _STEPS,
                0.0 if quick else _GUIDANCE, multiple, max(2 * side, 64), MOST_STEPS,
                tuple(sorted(_schedulers(pipeline))), _can_start(pipeline), "negative_prompt" in _taken(pipeline),
            )  # fmt: skip
        return self._described

    def _schedule(self, pipeline: Any, name: str) -> None:
        own = getattr(self, "_own_scheduler", None)
        if own is None:
            own = self._own_scheduler = self._pipeline.scheduler
        kind = _schedulers(self._pipeline).get(name) if name else None
        also = _ALSO.get(name, {}) if kind is not type(own) else {}
        pipeline.scheduler = (kind or type(own)).from_config(own.config, **also)

    def _shrunk(self, request: DrawRequest) -> DrawRequest:
        multiple = self._describe().multiple
        width, height = (
            max(multiple, int(side * _SMALLER) // multiple * multiple) for side in (request.width, request.height)
        )
        return replace(request, width=width, height=height)

    @staticmethod
    def _out_of_memory(error: Exception) -> bool:
        words = str(error).lower()
        return isinstance(error, MemoryError) or (
            isinstance(error, RuntimeError)
            and any(sign in words for sign in ("out of memory", "can't allocate memory", "not enough memory"))
        )

    @staticmethod
    def _free() -> None:
        import gc

        import torch

        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _adapted(pipeline: Any, loras: list[str]) -> None:
    """With every one of the adapters at once. Raises ValueError for a model that takes none."""
    if loras and not hasattr(pipeline, "load_lora_weights"):
        raise ValueError("this kind of model takes no LoRA adapters; leave IMAGE_LORAS empty.")
    names = [f"lora{number}" for number in range(len(loras))]
    for name, lora in zip(names, loras, strict=True):
        pipeline.load_lora_weights(lora, adapter_name=name, use_safetensors=True)
    if names:
        pipeline.set_adapters(names)


def _placed(pipeline: Any, torch: Any) -> Any:
    """On the GPU as a whole where it fits, else part by part; decoded in slices, which costs little and saves much."""
    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
        needed = sum(value.numel() * value.element_size() for part in parts for value in part.parameters())
        if needed * _ROOM < free:
            pipeline.to("cuda")
        else:
            pipeline.enable_model_cpu_offload()
    vae: Any = getattr(pipeline, "vae", None)
    if hasattr(vae, "enable_slicing"):
        vae.enable_slicing()
    return pipeline


def _quiet() -> None:
    """Bars on a terminal that nobody watches only fill the log."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()


def _taken(pipeline: Any) -> set[str]:
    import inspect

    return set(inspect.signature(pipeline.__call__).parameters)


def _schedulers(pipeline: Any) -> dict[str, Any]:
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


def _usual_side(pipeline: Any, multiple: int) -> int:
    core = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    size = (
        getattr(getattr(core, "config", None), "sample_size", None)
        or getattr(pipeline, "default_sample_size", None)
        or 64
    )
    return int(size if isinstance(size, int) else max(size)) * multiple


def _can_start(pipeline: Any) -> bool:
    from diffusers.pipelines.auto_pipeline import AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, _get_task_class

    try:
        return _get_task_class(AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, type(pipeline).__name__, False) is not None
    except ValueError:
        return False


def _fingerprint(pipeline: Any, loras: list[str]) -> str:
    """Of a sample of every weight: other weights under the same name are another model."""
    import torch

    digest = hashlib.sha256(",".join(loras).encode())
    for name, part in sorted(pipeline.components.items()):
        if isinstance(part, torch.nn.Module):
            for key, value in part.state_dict().items():
                digest.update(f"{name}.{key}{tuple(value.shape)}".encode())
                digest.update(value.flatten()[:64].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
