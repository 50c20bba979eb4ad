"""The contract of a picture engine: what it is asked for, what it tells while it draws, what it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from PIL.Image import Image

    from apps.engines.types import EmbedEngine


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
    mask: bytes = b""  # a PNG as large as the start: what is white is drawn anew, the rest stays; empty: everything


@dataclass(frozen=True, slots=True)
class DrawStep:
    """How far the drawing is. Steps count from 1."""

    step: int
    steps: int
    # Makes a small JPEG of what can be seen by now, for whoever wants it: most steps are never looked at. To be called
    # before the listener returns; says nothing where latents cannot be read, and is None where an engine shows none.
    preview: Callable[[], bytes] | None = None
    lasting: bool = False  # whether it may be called later too, and costs the model nothing then


@dataclass(frozen=True)
class DrawnPicture:
    made: Image | Callable[[], Image]  # or what makes it of what the model drew, which may go on drawing meanwhile
    smaller: bool = False  # memory did not suffice for the size that was asked for
    model_s: float = 0.0  # seconds spent in the networks alone, without the listener; 0 where that is unknown
    aligns: Callable[[], float] | None = None  # how well it fits the words, where the engine has a measure of its own
    aligned_by: str = ""  # what that measure is, in words

    @cached_property
    def picture(self) -> Image:
        """RGB; how it is kept is none of the engine's business."""
        return self.made() if callable(self.made) else self.made


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
    masks: bool = False  # whether it can draw a part of a picture anew
    negatives: bool = False  # whether it heeds a negative prompt
    vocabulary: int = 0  # things that it knows by name, where it draws nothing else; 0: it takes any words


@runtime_checkable
class EmbeddingConditioned(Protocol):
    """An engine that draws by sentence vectors."""

    def share(self, embed: Callable[[], EmbedEngine]) -> None:
        """Vectors come from that embedder where it is the one that the engine was trained with. Called often."""


@runtime_checkable
class VocabularyLimited(Protocol):
    """An engine that has a vocabulary."""

    def nearest(self, prompt: str, most: int) -> list[str]:
        """Names of what it can draw, the nearest to these words first. Needs no network to be loaded, so that web
        processes may ask. Raises EngineUnavailable where nothing can draw."""

    def knows(self, prompt: str) -> bool:
        """Return True where the words hold a name that it can draw. Needs no network to be loaded."""


def pad_words(text: str) -> str:
    """Return the words in small letters, each between spaces, so that whole words are found by `in`."""
    return " ".join(["", *re.findall(r"\w+", text.lower()), ""])


def has_name(prompt: str, names: Iterable[str]) -> bool:
    """Return True where one of the names stands in the words, as whole words, in one or many."""
    text = pad_words(prompt)
    single = re.sub(r"s(?= )", "", text)
    return any(len(wanted) > 2 and (wanted in text or wanted in single) for wanted in map(pad_words, names))


class ImageEngine(Protocol):
    """Words to pictures. Sync, thread-safe; one picture is drawn at a time."""

    def model(self) -> PictureModel:
        """What is configured; may load the model. Raises EngineUnavailable or EngineRefused where nothing can draw."""

    def draw(self, request: DrawRequest, seen: Callable[[DrawStep], None]) -> DrawnPicture:
        """`seen` is called after each step; what it raises ends the drawing and comes out here.

        Raises EngineRefused for a request that the model cannot serve (size, scheduler, start, memory) and EngineError
        otherwise.
        """
