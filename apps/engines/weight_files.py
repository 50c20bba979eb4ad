"""Reader of packaged weights: `NAME.safetensors` holds the arrays, `NAME.json` the model card."""

from __future__ import annotations

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

from apps.engines.types import EngineBroken

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")


class WeightFile(NamedTuple):
    """Contents of a pair of weight files. `digest`: the first 16 hexadecimal digits of the arrays' SHA-256."""

    arrays: dict[str, NDArray[np.float32]]
    card: dict[str, Any]
    digest: str


def read_weights(folder: Path, name: str, pinned: str, description: str) -> WeightFile:
    """Read the weights `name` in `folder`, arrays as float32. `pinned` is the SHA-256 that the safetensors file must
    have; "" accepts any. Raise EngineBroken if a file is missing, damaged or not the pinned one; its message names the
    weights as those of `description`."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        raw = (folder / f"{name}.safetensors").read_bytes()
        digest = hashlib.sha256(raw).hexdigest()
        if pinned and digest != pinned:
            raise EngineBroken(f"The weights of {description} are not the ones that this version was tested with.")
        card = dict(json.loads((folder / f"{name}.json").read_bytes()))
        arrays = {key: np.asarray(array, np.float32) for key, array in load(raw).items()}
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise EngineBroken(f"The weights of {description} are missing or damaged.") from error
    return WeightFile(arrays, card, digest[:16])


class LazyWeights(ABC, Generic[T]):
    """Base class of models whose weights are read once, at their first use. Thread-safe.

    `folder`: "" for the packaged weights. `sha256`: hash that the weights must have; "" accepts any. None: the packaged
    hash if `folder` is "", else any, because users keep their own weights there.
    """

    packaged: ClassVar[tuple[Path, str]]  # folder and SHA-256 of the packaged weights

    def __init__(self, folder: str = "", sha256: str | None = None) -> None:
        self._folder = Path(folder) if folder else self.packaged[0]
        self._pinned = sha256 if sha256 is not None else ("" if folder else self.packaged[1])
        self._lock = threading.Lock()
        self._weights: T | None = None
        self._fingerprint = ""

    @property
    def fingerprint(self) -> str:
        """Short name of the model and hash of its weights. Raise EngineBroken if they cannot be read."""
        self._load()
        return self._fingerprint

    def warm(self) -> None:
        """Load the weights. Raise EngineBroken if they cannot be read."""
        self._load()

    def _load(self) -> T:
        if self._weights is None:
            with self._lock:
                if self._weights is None:
                    self._weights = self._read()
        return self._weights

    @abstractmethod
    def _read(self) -> T:
        """Return the model read from `_folder` and checked against `_pinned`; also set `_fingerprint`. Raise
        EngineBroken."""
