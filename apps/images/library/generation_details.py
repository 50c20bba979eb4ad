"""Details of a drawing for the picture's page: previews, time per step, time outside of the model."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from apps.images.models import Picture
from apps.images.provenance import content_credentials


@dataclass(frozen=True, slots=True)
class StepBar:
    """Bar of one step: its time in ms, and the height of the bar, 1 to 100."""

    step: int
    ms: float
    height: int


@dataclass(frozen=True, slots=True)
class GenerationDetails:
    """Details of a drawing."""

    frames: tuple[int, ...]  # steps with a stored preview
    bars: tuple[StepBar, ...]
    step_ms: float  # median: the first step often also loads and compiles
    overhead_s: float | None  # seconds outside of the model; None if the engine does not report its time
    is_signed: bool  # whether the file holds content credentials
    is_identical: bool | None  # whether a repetition has the same pixels as its original; None for any other picture


def describe_generation(row: Picture) -> GenerationDetails | None:
    """Return the details of a finished picture; None for any other."""
    if row.status != Picture.Status.READY:
        return None
    slowest = max(row.step_ms, default=0) or 1
    bars = tuple(StepBar(step, ms, max(1, round(ms / slowest * 100))) for step, ms in enumerate(row.step_ms, 1))
    frames = tuple(row.frames.values_list("step", flat=True))
    outside = row.seconds - row.model_seconds if row.model_seconds else None
    step_ms = median(row.step_ms) if row.step_ms else 0.0
    return GenerationDetails(frames, bars, step_ms, outside, _is_signed(row), _is_identical(row))


def _is_signed(row: Picture) -> bool:
    try:
        with row.file.open("rb") as file:
            return content_credentials.is_signed(file.read(content_credentials.PNG_HEAD_BYTES))
    except OSError:  # the file was deleted
        return False


def _is_identical(row: Picture) -> bool | None:
    original = row.repeat_of
    if original is None or not original.plain_sha256 or not row.plain_sha256:
        return None
    return original.plain_sha256 == row.plain_sha256
