"""The contract of a picture engine: what it is asked for, what it tells while it draws, what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """All that a picture depends on: the same values give the same picture on the same machine."""

    prompt: str
    seed: int
    width: int  # pixels, like the height; multiples of `PictureModel.multiple`
    height: int
    steps: int
    guidance: float  # how closely the prompt is followed
    negative: str = ""  # what shall not be there
    scheduler: str = ""  # one of `PictureModel.schedulers`; empty: the model's own
    start: bytes = b""  # a PNG to start from; empty: from noise
    strength: float = 0.6  # how much of the start is drawn anew, 0 to 1


@dataclass(frozen=True, slots=True)
class DrawStep:
    """How far the drawing is. Steps count from 1."""

    step: int
    steps: int
    preview: bytes = b""  # a small JPEG of what can be seen by now; empty where the engine shows none


@dataclass(frozen=True, slots=True)
class Drawn:
    picture: bytes  # PNG, RGB, no metadata
    width: int
    height: int
    smaller: bool = False  # memory did not suffice for the size that was asked for
    model_s: float = 0.0  # seconds spent in the model alone, 0 where that is unknown
    alignment: float | None = None  # how well it fits the words, where the engine has a measure of its own
    aligned_by: str = ""  # what that measure is, in words


@dataclass(frozen=True, slots=True)
class PictureModel:
    """What the engine draws with, and takes. `fingerprint` changes where the same request may look otherwise."""

    name: str
    fingerprint: str
    width: int  # of a usual picture
    height: int
    steps: int
    guidance: float
    multiple: int  # that width and height must be multiples of
    largest: int  # pixels of the longer side
    most_steps: int
    schedulers: tuple[str, ...] = ()  # none where there is no choice
    starts: bool = False  # whether it can start from a picture
    negatives: bool = False  # whether it heeds a negative prompt


class ImageEngine(Protocol):
    """Words to pictures. Sync, thread-safe; one picture is drawn at a time."""

    def model(self) -> PictureModel:
        """What is configured; may load the model. Raises EngineUnavailable or EngineRefused where nothing can draw."""

    def draw(self, request: DrawRequest, seen: Callable[[DrawStep], None]) -> Drawn:
        """`seen` is called after each step; what it raises ends the drawing and comes out here.

        Raises EngineRefused for a request that the model cannot serve (size, scheduler, start, memory) and EngineError
        otherwise.
        """
