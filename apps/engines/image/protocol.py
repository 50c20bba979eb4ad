"""Contract of picture engines: requests, progress, results."""

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
    """Request for a picture. Equal values give the same picture on the same machine."""

    prompt: str
    seed: int
    width: int  # pixels; a multiple of `PictureModel.multiple`, as is the height
    height: int
    steps: int
    guidance: float  # how closely the prompt is followed
    negative: str = ""  # negative prompt
    scheduler: str = ""  # one of `PictureModel.schedulers`; "": the model's own
    start: bytes = b""  # a PNG to start from; b"": from noise
    strength: float = 0.6  # share of the start picture that is drawn anew, 0 to 1
    mask: bytes = b""  # a PNG of the size of the start: white is drawn anew, black stays; b"": everything


@dataclass(frozen=True, slots=True)
class DrawStep:
    """Progress of a drawing. Steps count from 1."""

    step: int
    steps: int
    # Returns a small JPEG of the picture so far, b"" where latents cannot be read; made on demand, since most steps are
    # never looked at. Call it before the listener returns. None for an engine without previews.
    preview: Callable[[], bytes] | None = None


@dataclass(frozen=True)
class DrawnPicture:
    """Result of a drawing."""

    image: Image | Callable[[], Image]  # or a function that makes it while the engine may draw on
    is_reduced: bool = False  # memory did not suffice for the requested size
    model_s: float = 0.0  # seconds spent in the networks alone, without the listener; 0 if unknown
    measure_alignment: Callable[[], float] | None = (
        None  # measures how well it fits the prompt, if the engine has its own measure
    )
    aligned_by: str = ""  # name of that measure for users

    @cached_property
    def picture(self) -> Image:
        """The picture as RGB, made on first access. Storing it is left to the caller."""
        return self.image() if callable(self.image) else self.image


@dataclass(frozen=True, slots=True)
class PictureModel:
    """Description of the model behind an engine, with its limits. `fingerprint` changes when the same request may give
    another picture."""

    name: str
    fingerprint: str
    width: int  # default, in pixels
    height: int
    steps: int
    guidance: float
    multiple: int  # both width and height are multiples of it
    max_side: int  # pixels of the longer side
    max_steps: int
    schedulers: tuple[str, ...] = ()  # empty: no choice
    accepts_start: bool = False  # can start from a picture
    accepts_mask: bool = False  # can draw a region of a picture anew
    accepts_negative: bool = False  # uses a negative prompt
    vocabulary: int = 0  # number of known names, for an engine that draws nothing else; 0: any prompt


@runtime_checkable
class EmbeddingConditioned(Protocol):
    """Picture engine whose network takes sentence vectors."""

    def use_embedder(self, embed: Callable[[], EmbedEngine]) -> None:
        """Use the vectors of that embedder if it is the one that the engine was trained with. Called repeatedly."""


@runtime_checkable
class VocabularyLimited(Protocol):
    """Picture engine that draws only what is in its vocabulary."""

    def nearest_names(self, prompt: str, limit: int) -> list[str]:
        """Return up to `limit` names in the vocabulary, the nearest to the prompt first. Works without the network, so
        that web processes may call it. Raise EngineUnavailable if the weights cannot be read."""

    def has_known_name(self, prompt: str) -> bool:
        """Return whether the prompt holds a name in the vocabulary. Works without the network."""


def pad_words(text: str) -> str:
    """Return the words in lower case, each between spaces, so that `in` finds whole words."""
    return " ".join(["", *re.findall(r"\w+", text.lower()), ""])


def has_name(prompt: str, names: Iterable[str]) -> bool:
    """Return whether one of the names occurs in the prompt as whole words, also if the prompt has plurals in "s". Names
    of one letter never match."""
    text = pad_words(prompt)
    single = re.sub(r"s(?= )", "", text)
    return any(len(wanted) > 2 and (wanted in text or wanted in single) for wanted in map(pad_words, names))


class ImageEngine(Protocol):
    """Text-to-image engine. Sync, thread-safe; draws one picture at a time."""

    def model(self) -> PictureModel:
        """Return the configured model; may load it. Raise EngineUnavailable or EngineRefused if it cannot draw."""

    def draw(self, request: DrawRequest, on_step: Callable[[DrawStep], None]) -> DrawnPicture:
        """Draw a picture. `on_step` is called after each step; an exception in it ends the drawing and is passed on.

        Raise EngineRefused for a request that the model cannot serve (size, scheduler, start, memory) and other
        EngineErrors for failures.
        """
