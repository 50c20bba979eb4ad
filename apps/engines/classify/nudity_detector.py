"""Packaged picture classifier: nudity in photographs, by the detector of the package NudeNet 3.0.8 (YOLOv8n, 320
pixels).

`./run setup` fetches its ONNX file only where PICTURE_CHECK is `nudenet`, since it states the AGPL-3.0. None of the
package's code is used. The detector was trained on photographs and misreads faces of pictograms: it flags 5 % of 600
emoji, and none of 20 photographs of other things. So it is not asked about drawings of the pictogram painter.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from apps.engines.classify.image_classifier import load_onnx, open_image, run_onnx, verify_pinned_file
from apps.engines.types import EngineBroken

SHA256 = "9832f15515bdb06bcb5a77beb60bc8ea54439bd7ecbaac46dac3b760b3dd13cc"

_SIDE = 320
_SHAPE = (1, 22, 2100)  # box of four numbers, then the confidence of each of 18 classes, for 2,100 anchors
_BARE = [4 + kind for kind in (2, 3, 4, 6, 14)]  # buttocks, female breast, female genitals, anus, male genitals
# Calibration of the best confidence to a probability. The model's authors report finds from 0.2 on. The points that
# meet the policy's thresholds, 0.5 (review) and 0.8 (withhold), are our choice; they are not measured on photographs of
# people, for lack of an open data set.
_SURE, _PROBABLE = (0.0, 0.2, 0.35, 0.55, 1.0), (0.0, 0.2, 0.5, 0.8, 1.0)


class NudityDetector:
    """Detector of nudity. `path` is the ONNX file; only the pinned file is loaded."""

    fingerprint = f"nudity-{SHA256[:12]}"
    codes = frozenset({"sexual"})
    pictograms = False

    def __init__(self, path: str) -> None:
        self._path, self._lock, self._session = Path(path), threading.Lock(), None

    def scores(self, picture: bytes) -> Mapping[str, float]:
        image = _boxed(open_image(picture))
        output = run_onnx(self._loaded(), image)
        if np.shape(output) != _SHAPE or not np.isfinite(output).all():
            raise EngineBroken("The picture classifier returned a result of the wrong shape.")
        return {"sexual": float(np.interp(output[0, _BARE].max(), _SURE, _PROBABLE))}

    def _loaded(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = load_onnx(verify_pinned_file(self._path, SHA256, "./run setup fetches"))
            return self._session


def _boxed(image: Any) -> Any:
    """Return the whole picture centred on a black square, shape (1, 3, side, side), values 0 to 1."""
    from PIL import Image

    share = _SIDE / max(image.size)
    width, height = (max(1, round(side * share)) for side in image.size)
    square = Image.new("RGB", (_SIDE, _SIDE))
    small = image.resize((width, height), Image.Resampling.BILINEAR)
    square.paste(small, ((_SIDE - width) // 2, (_SIDE - height) // 2))
    values = np.asarray(square, np.float32).transpose(2, 0, 1)[None] / 255
    return np.ascontiguousarray(values)
