"""Picture engine that every CPU can run: pictograms of 64 x 64 pixels, enlarged to 512.

The painter knows only what it was trained on: a prompt that is far from every known name is refused, with the nearest
names. `./run train pictogram` makes its folder:

    pictogram.safetensors   average of the weights and the memory, bfloat16; names and network sizes as metadata
    card.md                 training data and quality
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from apps.engines.image.inpainting import composite_region, read_mask
from apps.engines.image.pictogram.network_config import SIDE, NetworkConfig
from apps.engines.image.protocol import DrawnPicture, DrawRequest, DrawStep, PictureModel, has_name, pad_words
from apps.engines.image.validation import encode_preview, open_start_picture, validate_request
from apps.engines.types import EngineRefused, EngineUnavailable
from apps.lib.text import message_templates

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from apps.engines.image.pictogram.sampler import KeptRegion
    from apps.engines.types import EmbedEngine

FILE = "pictogram.safetensors"
BUILT_IN = "built-in"  # name of the packaged folder
FOLDER = Path(__file__).parent / "weights"
# SHA-256 of the committed weights; other files are not loaded. `./run train pictogram` prints the new one.
SHA256 = "3ea2e641b10abb8a03320b0f4c96ffe100007fb4718d0b5a6ff9793eeb51aa3a"
LARGE = 512  # pixels of a side of the enlarged picture
KNOWN = 0.45  # cosine of the nearest name below which a prompt is refused
_ALIGNED_BY = "Cosine between the description and the captions of the most similar pictogram."
_OFFERED_NAMES = 5  # names in a refusal
STEPS, GUIDANCE, _MAX_STEPS = 20, 1.0, 50


@dataclass(frozen=True, slots=True)
class PictogramVocabulary:
    """Names of the pictograms that can be drawn, with the vectors of their captions."""

    names: list[str]
    vectors: NDArray[np.float32]  # (names, captions, 384), of length 1

    def compute_cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return for each name the cosine of its nearest caption with `vector` (384,), shape (names,)."""
        flat = self.vectors.reshape(-1, self.vectors.shape[-1])  # one product takes a third of the time of one per name
        return np.asarray((flat @ vector).reshape(self.vectors.shape[:2]).max(axis=1), np.float32)

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[str]:
        """Return up to `limit` names, the nearest first."""
        return [self.names[at] for at in np.argsort(-self.compute_cosines(vector))[:limit]]


@cache
def _foreign_names() -> tuple[tuple[str, str], ...]:
    """Return pairs of a German or Spanish name, padded for whole-word search, and the English name; the longest
    first."""
    translations: dict[str, list[str]] = json.loads((FOLDER / "names.json").read_text("utf-8"))
    pairs = [(pad_words(other), name) for name, others in translations.items() for other in others]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


@lru_cache(maxsize=200)
def translate_prompt(prompt: str) -> str:
    """Return the English name for a German or Spanish name in the prompt, whose meaning the embedder may not know.
    Return the prompt itself if it holds no such name, or holds an English one."""
    words = pad_words(prompt)
    translation = next((name for other, name in _foreign_names() if other in words and len(other) > 4), None)
    english = next((name for _, name in _foreign_names() if pad_words(name) in words), None)
    return prompt if translation is None or english is not None else translation


@dataclass(frozen=True, slots=True)
class LoadedPainter:
    """Loaded network with its vocabulary. `fingerprint` is the beginning of the SHA-256 of the file."""

    net: Any  # PictogramNet
    vocabulary: PictogramVocabulary
    fingerprint: str


class PictogramPainter:
    """Picture engine of the pictogram network. `model` is a folder made by `./run train pictogram`, or BUILT_IN;
    `sha256` pins the weights of such a folder, "" accepts any."""

    def __init__(
        self, model: str = "", loras: str = "", sha256: str = "", embed: EmbedEngine | None = None, previews: str = ""
    ) -> None:
        built_in = model == BUILT_IN
        self._folder, self._pinned = (FOLDER, SHA256) if built_in else (Path(model), sha256)
        self._embed = embed
        self._get_embedder: Callable[[], EmbedEngine] | None = None
        self._lock = threading.Lock()
        self._loaded: LoadedPainter | None = None
        self._accepted_prompt = ""  # prompt of the last picture; repeated prompts are not checked again
        self._vocabulary: PictogramVocabulary | None = None  # without the network, which only drawing needs

    def use_embedder(self, embed: Callable[[], EmbedEngine]) -> None:
        self._get_embedder = embed

    def model(self) -> PictureModel:
        loaded = self._loaded  # answered without the lock while a picture is drawn
        if loaded is None:
            with self._lock:
                loaded = self._load()
        return PictureModel(
            "Openbook Pictograms", loaded.fingerprint, width=LARGE, height=LARGE, steps=STEPS, guidance=GUIDANCE,
            multiple=LARGE, max_side=LARGE, max_steps=_MAX_STEPS, accepts_mask=True,
            vocabulary=len(loaded.vocabulary.names),
        )  # fmt: skip

    def nearest_names(self, prompt: str, limit: int) -> list[str]:
        with self._lock:
            return self._names().nearest(self._embedder().embed_query(translate_prompt(prompt)).reshape(-1), limit)

    def has_known_name(self, prompt: str) -> bool:
        with self._lock:
            return has_name(prompt, self._names().names) or translate_prompt(prompt) != prompt

    def _names(self) -> PictogramVocabulary:
        """Return the vocabulary, without loading the network. Call with the lock held."""
        if self._loaded is not None:
            return self._loaded.vocabulary
        if self._vocabulary is None:
            self._vocabulary = load_vocabulary(self._folder / FILE, self._pinned)
        return self._vocabulary

    def draw(self, request: DrawRequest, on_step: Callable[[DrawStep], None]) -> DrawnPicture:
        import torch

        from apps.engines.image.pictogram.sampler import sample_pictures

        validate_request(request, self.model())
        with self._lock:
            loaded = self._load()
            vector = self._embedder().embed_query(translate_prompt(request.prompt)).reshape(-1)
            if request.prompt != self._accepted_prompt:
                _require_known_name(vector, loaded.vocabulary)
                self._accepted_prompt = request.prompt
            listener_s = 0.0  # seconds spent in the listener, which are not the model's

            def report_step(step: int, predicted: Any) -> None:
                nonlocal listener_s
                step_started = time.perf_counter()
                on_step(DrawStep(step, request.steps, lambda: encode_preview(_picture(predicted[0]))))
                listener_s += time.perf_counter() - step_started

            if torch.get_num_threads() != 1:  # of this thread: in a network so small several would wait for each other,
                torch.set_num_threads(1)  # and another number of threads changes the last digits of sums
            started = time.perf_counter()
            meaning = torch.from_numpy(np.array(vector, np.float32))[None]  # a copy: the cached one is read-only
            arguments = meaning, [request.seed], request.steps, max(1.0, request.guidance)
            drawn = sample_pictures(loaded.net, *arguments, report_step, _read_kept_region(request))
            model_s = time.perf_counter() - started - listener_s
        aligns = partial(loaded.net.memory.alignment, drawn[0], meaning[0])
        return DrawnPicture(lambda: _large(_picture(drawn[0]), request), False, model_s, aligns, _ALIGNED_BY)

    def _embedder(self) -> EmbedEngine:
        if self._embed is None:
            from apps.engines.embed.sentence_transformer import (
                SentenceTransformerEmbedder,  # the packaged one, as in training
            )

            packaged = cast("EmbedEngine", SentenceTransformerEmbedder())
            site_embedder = self._get_embedder() if self._get_embedder else packaged
            self._embed = site_embedder if site_embedder.fingerprint == packaged.fingerprint else packaged
        return self._embed

    def _load(self) -> LoadedPainter:
        if self._loaded is None:
            self._loaded = load_painter(self._folder / FILE, self._pinned)
        return self._loaded


def _require_known_name(vector: NDArray[np.float32], vocabulary: PictogramVocabulary) -> None:
    """Raise EngineRefused, naming the nearest names, if no known name is near enough."""
    if float(vocabulary.compute_cosines(vector).max()) < KNOWN:
        names = "”, “".join(vocabulary.nearest(vector, _OFFERED_NAMES))
        raise EngineRefused(message_templates.NOT_KNOWN % {"names": names})


def load_painter(path: Path, pinned: str = "") -> LoadedPainter:
    """Load network and vocabulary. Raise EngineUnavailable if the file is missing, damaged or not the pinned one."""
    from apps.engines.image.pictogram.network import PictogramNet

    with _open_weights(path, pinned) as (file, metadata, digest):
        net = PictogramNet(NetworkConfig(**json.loads(metadata["shape"]))).eval()
        net.load_state_dict({name: file.get_tensor(f"net.{name}").float() for name in dict(net.named_parameters())})
        return LoadedPainter(
            net, PictogramVocabulary(json.loads(metadata["names"]), net.memory.keys.detach().numpy()), digest[:16]
        )


def load_vocabulary(path: Path, pinned: str = "") -> PictogramVocabulary:
    """Load only the vocabulary. Raise EngineUnavailable if the file is missing, damaged or not the pinned one."""
    with _open_weights(path, pinned) as (file, metadata, _):
        return PictogramVocabulary(json.loads(metadata["names"]), file.get_tensor("net.memory.keys").float().numpy())


@contextmanager
def _open_weights(path: Path, pinned: str) -> Iterator[tuple[Any, dict[str, str], str]]:
    """Yield the open file, its metadata and its SHA-256. Raise EngineUnavailable if the file is missing, damaged or not
    the pinned one."""
    from safetensors import SafetensorError, safe_open

    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if pinned and digest != pinned:
            raise EngineUnavailable("The weights of the built-in picture model were changed.")
        with safe_open(path, "pt") as file:
            yield file, file.metadata() or {}, digest
    except OSError as error:
        raise EngineUnavailable("The built-in picture model is missing. `./run train pictogram` creates it.") from error
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise EngineUnavailable("The weights of the built-in picture model cannot be read.") from error


def enlarge_picture(picture: Image) -> Image:
    """Return the picture with LARGE pixels a side: smooth in flat areas, with sharpened edges."""
    from PIL import Image, ImageFilter

    half = picture.resize((2 * SIDE, 2 * SIDE), Image.Resampling.LANCZOS).filter(ImageFilter.UnsharpMask(2, 60, 2))
    large = half.resize((LARGE, LARGE), Image.Resampling.BICUBIC)
    return large.filter(ImageFilter.UnsharpMask(6, 90, 2))


def _large(picture: Image, request: DrawRequest) -> Image:
    """Return the enlarged picture; outside the mask it has the pixels of the start picture."""
    large = enlarge_picture(picture)
    if not request.mask:
        return large
    return composite_region(
        large, open_start_picture(request.start, *large.size), read_mask(request.mask, request.start, *large.size)
    )


def _read_kept_region(request: DrawRequest) -> KeptRegion | None:
    """Return the region of the start picture that stays, at the network's resolution, or None without a mask. A partly
    marked pixel is drawn anew."""
    import torch
    from PIL import Image

    from apps.engines.image.pictogram.sampler import KeptRegion

    if not request.mask:
        return None
    part = read_mask(request.mask, request.start, LARGE, LARGE).resize((SIDE, SIDE), Image.Resampling.BOX)
    small = open_start_picture(request.start, LARGE, LARGE).resize((SIDE, SIDE), Image.Resampling.BOX)
    pixels = torch.from_numpy(np.asarray(small, np.float32) / 127.5 - 1).permute(2, 0, 1)
    return KeptRegion(pixels, torch.from_numpy(np.asarray(part) > 0).float()[None])


def _picture(pixels: Any) -> Image:
    """Convert pixels of shape (3, SIDE, SIDE), -1 to 1, to a picture."""
    from PIL import Image

    values = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to("cpu").numpy().astype(np.uint8)
    return Image.fromarray(values.transpose(1, 2, 0))
