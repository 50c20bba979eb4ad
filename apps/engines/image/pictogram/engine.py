"""The painter that any processor can run: 64 x 64 pixels of a pictogram, enlarged cleanly.

It knows what it was trained on and nothing else, and says so: a prompt that is far from every name it knows is refused,
with the nearest ones. `./run train pictogram` makes the folder that it takes.

pictogram.safetensors   the moving average of the weights and what is remembered, bfloat16; names and shape as metadata
card.md                 what it was trained on, how well it does
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
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
BUILT_IN = "built-in"  # names the folder that comes with the product
FOLDER = Path(__file__).parent / "weights"
# The weights as they are committed; a file that differs is not loaded. `./run train pictogram` prints the new one.
SHA256 = "3ea2e641b10abb8a03320b0f4c96ffe100007fb4718d0b5a6ff9793eeb51aa3a"
LARGE = 512  # pixels of a side of what is given out
KNOWN = 0.45  # cosine of the nearest name below which a prompt is not served
_ALIGNED_BY = "the words' cosine with the captions of the known pictogram that the drawing is nearest to"
_OFFERED = 5  # names, where one is not served
_STEPS, _GUIDANCE, _MOST = 20, 1.0, 50


@dataclass(frozen=True, slots=True)
class PictogramVocabulary:
    """What can be drawn."""

    names: list[str]
    vectors: NDArray[np.float32]  # (names, captions, 384), of length 1

    def likeness(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of each, shape (names,): the cosine of its nearest caption."""
        flat = self.vectors.reshape(-1, self.vectors.shape[-1])  # one product: a third of the time of one a name
        return np.asarray((flat @ vector).reshape(self.vectors.shape[:2]).max(axis=1), np.float32)

    def nearest(self, vector: NDArray[np.float32], most: int) -> list[str]:
        return [self.names[at] for at in np.argsort(-self.likeness(vector))[:most]]


@cache
def _foreign_names() -> tuple[tuple[str, str], ...]:
    """The names in German and Spanish, as words between spaces, each with the English one; the longest first."""
    known: dict[str, list[str]] = json.loads((FOLDER / "names.json").read_text("utf-8"))
    pairs = [(pad_words(other), name) for name, others in known.items() for other in others]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


@lru_cache(maxsize=200)
def translate_prompt(prompt: str) -> str:
    """Return the English name of what German or Spanish words name, whose meaning the embedder may not know; the words
    themselves where they name nothing, or something in English."""
    words = pad_words(prompt)
    found = next((name for other, name in _foreign_names() if other in words and len(other) > 4), None)
    own = next((name for _, name in _foreign_names() if pad_words(name) in words), None)
    return prompt if found is None or own is not None else found


@dataclass(frozen=True, slots=True)
class LoadedPainter:
    net: Any  # PictogramNet
    known: PictogramVocabulary
    fingerprint: str


class PictogramPainter:
    """`model` is a folder of `./run train pictogram`, or BUILT_IN; `sha256` pins another's weights, empty takes them
    as they are."""

    def __init__(
        self, model: str = "", loras: str = "", sha256: str = "", embed: EmbedEngine | None = None, previews: str = ""
    ) -> None:
        own = model == BUILT_IN
        self._folder, self._pinned, self._embed = FOLDER if own else Path(model), SHA256 if own else sha256, embed
        self._shared: Callable[[], EmbedEngine] | None = None
        self._lock = threading.Lock()
        self._loaded: LoadedPainter | None = None
        self._served = ""  # the prompt of the last picture: of several in a row it is mostly the same
        self._known: PictogramVocabulary | None = None  # without the network, which only what draws needs

    def share(self, embed: Callable[[], EmbedEngine]) -> None:
        self._shared = embed

    def model(self) -> PictureModel:
        loaded = self._loaded  # told also while it draws
        if loaded is None:
            with self._lock:
                loaded = self._load()
        return PictureModel(
            "Openbook Pictograms", loaded.fingerprint, width=LARGE, height=LARGE, steps=_STEPS, guidance=_GUIDANCE,
            multiple=LARGE, largest=LARGE, most_steps=_MOST, masks=True, vocabulary=len(loaded.known.names),
        )  # fmt: skip

    def nearest(self, prompt: str, most: int) -> list[str]:
        with self._lock:
            return self._names().nearest(self._embedder().embed_query(translate_prompt(prompt)).reshape(-1), most)

    def knows(self, prompt: str) -> bool:
        with self._lock:
            return has_name(prompt, self._names().names) or translate_prompt(prompt) != prompt

    def _names(self) -> PictogramVocabulary:
        """What can be drawn, without the network where that is not loaded. Call with the lock."""
        if self._loaded is not None:
            return self._loaded.known
        if self._known is None:
            self._known = load_vocabulary(self._folder / FILE, self._pinned)
        return self._known

    def draw(self, request: DrawRequest, seen: Callable[[DrawStep], None]) -> DrawnPicture:
        import torch

        from apps.engines.image.pictogram.sampler import sample_pictures

        validate_request(request, self.model())
        with self._lock:
            loaded = self._load()
            vector = self._embedder().embed_query(translate_prompt(request.prompt)).reshape(-1)
            if request.prompt != self._served:
                _serve(vector, loaded.known)
                self._served = request.prompt
            waited = 0.0  # seconds that the listener took, which are not the model's

            def after(step: int, meant: Any) -> None:
                nonlocal waited
                since = time.perf_counter()
                seen(DrawStep(step, request.steps, lambda: encode_preview(_picture(meant[0])), lasting=True))
                waited += time.perf_counter() - since

            if torch.get_num_threads() != 1:  # of this thread: in a network so small several would wait for each other,
                torch.set_num_threads(1)  # and another number of them adds up otherwise in the last digit
            began = time.perf_counter()
            meaning = torch.from_numpy(np.array(vector, np.float32))[None]  # a copy: the remembered one is read-only
            asked = meaning, [request.seed], request.steps, max(1.0, request.guidance)
            drawn = sample_pictures(loaded.net, *asked, after, _kept(request))
            model_s = time.perf_counter() - began - waited
        aligns = partial(loaded.net.memory.alignment, drawn[0], meaning[0])
        return DrawnPicture(lambda: _large(_picture(drawn[0]), request), False, model_s, aligns, _ALIGNED_BY)

    def _embedder(self) -> EmbedEngine:
        if self._embed is None:
            from apps.engines.embed.sentence_transformer import (
                SentenceTransformerEmbedder,  # the packaged one, as in training
            )

            own = cast("EmbedEngine", SentenceTransformerEmbedder())
            shared = self._shared() if self._shared else own
            self._embed = shared if shared.fingerprint == own.fingerprint else own
        return self._embed

    def _load(self) -> LoadedPainter:
        if self._loaded is None:
            self._loaded = load_painter(self._folder / FILE, self._pinned)
        return self._loaded


def _serve(vector: NDArray[np.float32], known: PictogramVocabulary) -> None:
    """Raises EngineRefused where nothing like that is known."""
    if float(known.likeness(vector).max()) < KNOWN:
        names = "”, “".join(known.nearest(vector, _OFFERED))
        raise EngineRefused(message_templates.NOT_KNOWN % {"names": names})


def load_painter(path: Path, pinned: str = "") -> LoadedPainter:
    """Raises EngineUnavailable where the file is not there, or not the one that is pinned."""
    from apps.engines.image.pictogram.network import PictogramNet

    with _opened(path, pinned) as (file, said, digest):
        net = PictogramNet(NetworkConfig(**json.loads(said["shape"]))).eval()
        net.load_state_dict({name: file.get_tensor(f"net.{name}").float() for name in dict(net.named_parameters())})
        return LoadedPainter(
            net, PictogramVocabulary(json.loads(said["names"]), net.memory.keys.detach().numpy()), digest[:16]
        )


def load_vocabulary(path: Path, pinned: str = "") -> PictogramVocabulary:
    """Only what can be drawn. Raises EngineUnavailable likewise."""
    with _opened(path, pinned) as (file, said, _):
        return PictogramVocabulary(json.loads(said["names"]), file.get_tensor("net.memory.keys").float().numpy())


@contextmanager
def _opened(path: Path, pinned: str) -> Iterator[tuple[Any, dict[str, str], str]]:
    """The file, what it says of itself, and its SHA-256. What is wrong with it is raised as EngineUnavailable."""
    from safetensors import SafetensorError, safe_open

    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if pinned and digest != pinned:
            raise EngineUnavailable("The weights of the built-in painter are not those that came with it.")
        with safe_open(path, "pt") as file:
            yield file, file.metadata() or {}, digest
    except OSError as error:
        raise EngineUnavailable("The built-in painter is not there; `./run train pictogram` makes it.") from error
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise EngineUnavailable("The weights of the built-in painter cannot be read.") from error


def save_painter(path: Path, weights: dict[str, Any], shape: NetworkConfig, names: Sequence[str]) -> str:
    """The SHA-256 of the file."""
    from safetensors.torch import save_file

    tensors = {f"net.{name}": value.bfloat16().contiguous() for name, value in weights.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {"shape": json.dumps(asdict(shape)), "names": json.dumps(list(names))})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def draw_batch(
    loaded: LoadedPainter, vectors: NDArray[np.float32], seeds: Sequence[int], steps: int = _STEPS
) -> NDArray[np.float32]:
    """Pictures (n, 3, 64, 64) from -1 to 1, one a vector and seed, with the usual guidance: for measurements."""
    import torch

    from apps.engines.image.pictogram.sampler import sample_pictures

    drawn = sample_pictures(
        loaded.net, torch.from_numpy(np.asarray(vectors, np.float32)), list(seeds), steps, _GUIDANCE
    )
    return np.asarray(drawn.numpy(), np.float32)


def enlarge_picture(picture: Image) -> Image:
    """LARGE pixels a side: smooth in the flat parts, and the edges drawn together again."""
    from PIL import Image, ImageFilter

    half = picture.resize((2 * SIDE, 2 * SIDE), Image.Resampling.LANCZOS).filter(ImageFilter.UnsharpMask(2, 60, 2))
    large = half.resize((LARGE, LARGE), Image.Resampling.BICUBIC)
    return large.filter(ImageFilter.UnsharpMask(6, 90, 2))


def _large(picture: Image, request: DrawRequest) -> Image:
    """As it is given out; what was to stay is that of the start, with all its pixels."""
    large = enlarge_picture(picture)
    if not request.mask:
        return large
    return composite_region(
        large, open_start_picture(request.start, *large.size), read_mask(request.mask, request.start, *large.size)
    )


def _kept(request: DrawRequest) -> KeptRegion | None:
    """What stays of the start, in the size in which the network draws; a pixel that is marked in part is drawn anew."""
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
    """(3, SIDE, SIDE) from -1 to 1, as a picture."""
    from PIL import Image

    values = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to("cpu").numpy().astype(np.uint8)
    return Image.fromarray(values.transpose(1, 2, 0))
