"""Weights as they lie on the disk: `NAME.safetensors` with the arrays, `NAME.json` with the card."""

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
    arrays: dict[str, NDArray[np.float32]]
    card: dict[str, Any]
    fingerprint: str


def read_weights(folder: Path, name: str, pinned: str, whose: str) -> WeightFile:
    """`pinned` is the SHA-256 that the arrays' file must have, empty: any; nothing of another file is read. Raises
    EngineBroken, which calls the weights those of `whose`."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        raw = (folder / f"{name}.safetensors").read_bytes()
        digest = hashlib.sha256(raw).hexdigest()
        if pinned and digest != pinned:
            raise EngineBroken(f"The weights of {whose} are not the ones that this version was tested with.")
        card = dict(json.loads((folder / f"{name}.json").read_bytes()))
        arrays = {key: np.asarray(array, np.float32) for key, array in load(raw).items()}
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise EngineBroken(f"The weights of {whose} are missing or damaged.") from error
    return WeightFile(arrays, card, f"{name}-{digest[:16]}")


class LazyWeights(ABC, Generic[T]):
    """What has weights that are read once, when they are first needed, also where several threads need them at once.

    `sha256` pins another file's weights; empty takes them as they are (a person who trains their own).
    """

    shipped: ClassVar[tuple[Path, str]]  # the folder of the weights that come with the product, and their SHA-256

    def __init__(self, folder: str = "", sha256: str | None = None) -> None:
        self._folder = Path(folder) if folder else self.shipped[0]
        self._pinned = sha256 if sha256 is not None else ("" if folder else self.shipped[1])
        self._lock = threading.Lock()
        self._read_once: T | None = None
        self._fingerprint = ""

    @property
    def fingerprint(self) -> str:
        self._load()
        return self._fingerprint

    def warm(self) -> None:
        self._load()

    def _load(self) -> T:
        if self._read_once is None:
            with self._lock:
                if self._read_once is None:
                    self._read_once = self._read()
        return self._read_once

    @abstractmethod
    def _read(self) -> T:
        """From `_folder`, as `_pinned` says; also sets `_fingerprint`. Raises EngineBroken."""
