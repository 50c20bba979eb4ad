"""Weights as they lie on the disk: `NAME.safetensors` with the arrays, `NAME.json` with the card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apps.engines.base import EngineBroken

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Stored(NamedTuple):
    arrays: dict[str, NDArray[np.float32]]
    card: dict[str, Any]
    fingerprint: str


def read(folder: Path, name: str, pinned: str, whose: str) -> Stored:
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
    return Stored(arrays, card, f"{name}-{digest[:16]}")
