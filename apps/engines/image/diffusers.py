"""Picture engine for text-to-image pipelines of diffusers by name or folder: Stable Diffusion, SDXL, Turbo, FLUX …

Weights are loaded as safetensors only. On a GPU half precision is used, and weights that do not fit stay in main
memory; on a CPU everything is float32. One picture is drawn at a time: two would compete for memory.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.engines.image import device_placement, diffusers_pipelines
from apps.engines.image.inpainting import composite_region, read_mask
from apps.engines.image.latent_preview import LatentPreviewer
from apps.engines.image.protocol import DrawnPicture, DrawRequest, DrawStep, PictureModel
from apps.engines.image.validation import open_start_picture, validate_request
from apps.engines.types import EngineRefused, EngineUnavailable

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

MAX_STEPS = 100
_SHRINK_FACTOR = 0.75  # of each side, for the second try after memory ran out
_STEPS, _GUIDANCE = 25, 7.0
_FEW_STEP_MODELS = (
    "turbo",
    "schnell",
    "lightning",
    "lcm",
    "hyper",
)  # names of models that need few steps and no guidance


class DiffusersPainter:
    """Picture engine of one diffusers model. `model` is a hub name or a folder; `loras` are folders or files of
    adapters, comma separated. `previews` is a tiny autoencoder for previews, by name or folder."""

    def __init__(self, model: str = "", loras: str = "", previews: str = "") -> None:
        self._name, self._previews = model, previews
        self._loras = [name.strip() for name in loras.split(",") if name.strip()]
        self._lock = threading.Lock()
        self._described: PictureModel | None = None

    def model(self) -> PictureModel:
        if self._described is not None:  # answered without the lock while a picture is drawn
            return self._described
        with self._lock:
            return self._describe()

    def draw(self, request: DrawRequest, on_step: Callable[[DrawStep], None]) -> DrawnPicture:
        with self._lock:
            validate_request(request, self._describe())
            try:
                return self._draw(request, on_step)
            except Exception as error:
                if not self._out_of_memory(error):
                    raise
            log.warning("Memory did not suffice for %s x %s pixels; trying smaller", request.width, request.height)
            self._free()
            try:
                return replace(self._draw(self._shrunk(request), on_step), is_reduced=True)
            except Exception as error:
                if not self._out_of_memory(error):
                    raise
                self._free()
                raise EngineRefused(
                    "There is not enough memory for a picture of this size. Choose a smaller size."
                ) from error

    def _draw(self, request: DrawRequest, on_step: Callable[[DrawStep], None]) -> DrawnPicture:
        import torch

        pipeline = self._pipeline_for(request)
        self._schedule(pipeline, request.scheduler)
        previewer, total = LatentPreviewer(pipeline, self._tiny), request.steps
        waited = 0.0  # seconds spent in the listener, which are not the model's

        def report_step(step: int, latents: Any) -> None:
            nonlocal waited
            step_started = time.perf_counter()
            show = partial(previewer.preview, latents, request.width, request.height)
            on_step(DrawStep(min(step + 1, total), total, show))
            waited += time.perf_counter() - step_started

        options, start, part = self._options(pipeline, request)
        if start is not None:
            total = int(options["num_inference_steps"] * options.get("strength", 1))
        started = time.perf_counter()
        generator = torch.Generator("cpu").manual_seed(request.seed)
        drawn = pipeline(
            **options, generator=generator, **diffusers_pipelines.build_step_callback(pipeline, report_step)
        )
        model_s = time.perf_counter() - started - waited
        picture: Image = drawn.images[0]
        if (getattr(drawn, "nsfw_content_detected", None) or [False])[0]:
            raise EngineRefused("The model’s own filter withheld this picture. Change the description.")
        plain = picture.convert("RGB")
        if start is not None and part is not None:
            plain = composite_region(plain.resize(start.size), start, part)
        return DrawnPicture(plain, model_s=model_s)

    def _options(self, pipeline: Any, request: DrawRequest) -> tuple[dict[str, Any], Image | None, Image | None]:
        """Return the call arguments of the pipeline, the start picture and the mask; None for those that the request
        lacks."""
        options: dict[str, Any] = {"prompt": request.prompt, "num_inference_steps": request.steps}
        options |= {"guidance_scale": request.guidance, "width": request.width, "height": request.height}
        start = part = None
        if self._describe().accepts_negative and request.negative:
            options["negative_prompt"] = request.negative
        if request.start:
            start = open_start_picture(request.start, request.width, request.height)
            steps, strength = diffusers_pipelines.plan_start_steps(request.steps, request.strength, MAX_STEPS)
            options |= {"image": start, "strength": strength, "num_inference_steps": steps}
        if request.mask:
            part = read_mask(request.mask, request.start, request.width, request.height)
            options["mask_image"] = part
        # PixArt maps sizes to those it was trained for; smaller requests are drawn as they are, to save memory.
        large_enough = (
            request.width * request.height >= self._describe().width * self._describe().height * _SHRINK_FACTOR
        )
        # Would need libraries that are not installed.
        options |= {"use_resolution_binning": large_enough, "clean_caption": False}
        accepted = diffusers_pipelines.list_call_arguments(pipeline)
        return {name: value for name, value in options.items() if name in accepted}, start, part

    def _pipeline_for(self, request: DrawRequest) -> Any:
        return self._masking if request.mask else self._starting if request.start else self._pipeline

    @cached_property
    def _pipeline(self) -> Any:
        if not self._name:
            raise EngineUnavailable("No picture model is set up.")
        if find_spec("diffusers") is None:
            raise EngineUnavailable("The package diffusers, which draws with this model, is missing. Run ./run setup.")
        import torch
        from diffusers import AutoPipelineForText2Image, DiffusionPipeline
        from safetensors import SafetensorError

        diffusers_pipelines.silence_progress_bars()
        half = torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float16
        options = {"dtype": half if torch.cuda.is_available() else torch.float32, "use_safetensors": True}
        try:
            try:
                pipeline: Any = AutoPipelineForText2Image.from_pretrained(self._name, **options)
            except ValueError:  # a pipeline that has no automatic class
                pipeline = DiffusionPipeline.from_pretrained(self._name, **options)
            diffusers_pipelines.load_adapters(pipeline, self._loras)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            raise EngineUnavailable(
                f"The picture model '{self._name}' cannot be loaded: {_first_line(error)}"
            ) from error
        pipeline.set_progress_bar_config(disable=True)
        # While all weights are loaded.
        self._fingerprint = diffusers_pipelines.compute_fingerprint(pipeline, self._loras)
        return device_placement.place_pipeline(pipeline, torch, _largest(pipeline))

    @cached_property
    def _tiny(self) -> Any:
        """Tiny decoder for previews; None if none is configured or it cannot be loaded, and the linear map is used."""
        from diffusers import AutoencoderTiny
        from safetensors import SafetensorError

        if not self._previews:
            return None
        weight = next(self._pipeline.vae.parameters()) if getattr(self._pipeline, "vae", None) is not None else None
        try:
            tiny = AutoencoderTiny.from_pretrained(self._previews, use_safetensors=True)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            log.warning("The model of previews '%s' cannot be loaded: %s", self._previews, _first_line(error))
            return None
        return tiny.to(dtype=weight.dtype) if weight is not None else tiny

    @cached_property
    def _starting(self) -> Any:
        from diffusers import AutoPipelineForImage2Image

        return self._get_pipeline(AutoPipelineForImage2Image, "This model cannot start from a picture.")

    @cached_property
    def _masking(self) -> Any:
        from diffusers import AutoPipelineForInpainting

        return self._get_pipeline(AutoPipelineForInpainting, "This model cannot change a part of a picture.")

    def _get_pipeline(self, kind: Any, refusal: str) -> Any:
        """Return a pipeline of another class with the same weights. Raise EngineRefused with `refusal` if the model has
        none."""
        try:
            pipeline = kind.from_pipe(self._pipeline)
        except ValueError as error:
            raise EngineRefused(refusal) from error
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _describe(self) -> PictureModel:
        if self._described is None:
            pipeline = self._pipeline
            multiple, side = (
                diffusers_pipelines.get_size_multiple(pipeline),
                diffusers_pipelines.get_default_side(pipeline),
            )
            name = Path(self._name).name if Path(self._name).is_dir() else self._name  # users see no paths
            quick = any(word in self._name.lower() for word in _FEW_STEP_MODELS)
            self._described = PictureModel(
                name,
                self._fingerprint,
                side,
                side,
                4 if quick else _STEPS,
                0.0 if quick else _GUIDANCE,
                multiple,
                _largest(pipeline),
                MAX_STEPS,
                tuple(sorted(diffusers_pipelines.list_schedulers(pipeline))),
                diffusers_pipelines.can_start(pipeline),
                diffusers_pipelines.can_mask(pipeline),
                diffusers_pipelines.can_use_negatives(pipeline) and not quick,
            )
        return self._described

    def _schedule(self, pipeline: Any, name: str) -> None:
        default = getattr(self, "_own_scheduler", None)
        if default is None:
            default = self._own_scheduler = self._pipeline.scheduler
        pipeline.scheduler = diffusers_pipelines.build_scheduler(
            default, diffusers_pipelines.list_schedulers(self._pipeline), name
        )

    def _shrunk(self, request: DrawRequest) -> DrawRequest:
        multiple = self._describe().multiple
        width, height = (
            max(multiple, int(side * _SHRINK_FACTOR) // multiple * multiple) for side in (request.width, request.height)
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


def _largest(pipeline: Any) -> int:
    """Return the longest allowed side in pixels."""
    return max(2 * diffusers_pipelines.get_default_side(pipeline), 64)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
