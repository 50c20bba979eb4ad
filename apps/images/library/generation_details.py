"""How a picture came about, for its page: the way from noise, the time of each step, how well it fits its words."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from apps.images.models import Picture


@dataclass(frozen=True, slots=True)
class StepBar:
    """A step: its time, and how high its bar is, 1 to 100."""

    step: int
    ms: float
    height: int


@dataclass(frozen=True, slots=True)
class GenerationDetails:
    frames: tuple[int, ...]  # steps of which a preview is kept
    bars: tuple[StepBar, ...]
    step_ms: float  # of a usual step: the first one often also loads and compiles
    outside_s: float | None  # spent outside of the model; None where the engine does not tell
    same: bool | None  # whether a repetition came out like what it repeats, byte for byte; None where there is nothing
    # to compare


def describe_generation(row: Picture) -> GenerationDetails | None:
    """None while there is nothing to tell."""
    if row.status != Picture.Status.READY:
        return None
    slowest = max(row.step_ms, default=0) or 1
    bars = tuple(StepBar(step, ms, max(1, round(ms / slowest * 100))) for step, ms in enumerate(row.step_ms, 1))
    frames = tuple(row.frames.values_list("step", flat=True))
    outside = row.seconds - row.model_seconds if row.model_seconds else None
    return GenerationDetails(frames, bars, median(row.step_ms) if row.step_ms else 0.0, outside, _is_identical(row))


def _is_identical(row: Picture) -> bool | None:
    other = row.repeats
    if other is None or not other.plain_sha256 or not row.plain_sha256:
        return None
    return other.plain_sha256 == row.plain_sha256
