"""Picture classifier that the operator configures: an ONNX file or a folder with safetensors, pinned by its SHA-256.

If none is configured, `nudity_detector.py` is used. Labels are mapped to clause codes of the policy by configuration.
Unmapped labels are ignored; a mapped label that the model lacks is an error on loading. Pickled weights and code of a
model are never loaded.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from apps.engines.types import EngineBroken, EngineRefused

_SIDE = 224  # pixels, if the model does not say
_LARGEST = 40_000_000  # pixels of a picture


class ImageClassifier(Protocol):
    """Classifier of pictures. Sync, thread-safe."""

    fingerprint: str  # of the weights
    codes: frozenset[str]  # clause codes of the policy that it scores
    pictograms: bool  # True if it is also asked about drawings of the built-in pictogram painter

    def scores(self, picture: bytes) -> Mapping[str, float]:
        """Return a probability, 0 to 1, by clause code for a PNG, JPEG or WebP. Raise EngineRefused if the bytes are no
        such picture, and EngineBroken if the model cannot be loaded or returns another shape."""


class ConfiguredImageClassifier:
    """Picture classifier of the operator. `path` is an ONNX file or a folder with `model.safetensors`; `labels` maps as
    in "nsfw=sexual, gore=violence"."""

    pictograms = True

    def __init__(self, path: str, sha256: str, labels: str) -> None:
        self._path, self._sha256 = Path(path), sha256.strip().lower()
        self._codes = _parse_labels(labels)
        self.codes = frozenset(self._codes.values())
        self.fingerprint = f"pictures-{self._sha256[:12]}"
        self._lock = threading.Lock()
        self._model: _Onnx | _Weights | None = None

    def scores(self, picture: bytes) -> Mapping[str, float]:
        model = self._loaded()
        shares = model(open_image(picture))
        by_code: dict[str, float] = {}
        for label, share in shares.items():
            if (code := self._codes.get(label.lower())) is not None:
                by_code[code] = max(by_code.get(code, 0.0), share)
        return by_code

    def _loaded(self) -> _Onnx | _Weights:
        with self._lock:
            if self._model is None:
                folder = self._path if self._path.is_dir() else self._path.parent
                file = folder / "model.safetensors" if self._path.is_dir() else self._path
                weights = verify_pinned_file(file, self._sha256)
                kind = _Weights if file.suffix == ".safetensors" else _Onnx
                model: _Onnx | _Weights = kind(folder, weights)
                if missing := set(self._codes) - {label.lower() for label in model.labels}:
                    raise EngineBroken(f"The picture classifier has no label {', '.join(sorted(missing))}.")
                self._model = model
            return self._model


class _Onnx:
    """ONNX model, loaded from memory so that only the pinned file is part of it."""

    def __init__(self, folder: Path, weights: bytes) -> None:
        self._session = load_onnx(weights)
        try:
            config = json.loads((folder / "config.json").read_text())
            self.labels = [config["id2label"][str(at)] for at in range(len(config["id2label"]))]
            self._preprocessor = _ImagePreprocessor.load(folder, self._session.get_inputs()[0].shape)
        except Exception as error:
            raise EngineBroken("The picture classifier cannot be loaded.") from error

    def __call__(self, image: Any) -> dict[str, float]:
        return _softmax(run_onnx(self._session, self._preprocessor.tensor(image)), self.labels)


class _Weights:
    """Image classifier of transformers, loaded from safetensors."""

    def __init__(self, folder: Path, weights: bytes) -> None:
        try:
            from safetensors.torch import load
            from transformers import AutoConfig, AutoModelForImageClassification

            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            self._model = AutoModelForImageClassification.from_config(config).eval()
            self._model.load_state_dict(load(weights), strict=True)
            self.labels = [config.id2label[at] for at in range(len(config.id2label))]
            side = config.image_size if isinstance(getattr(config, "image_size", None), int) else _SIDE
            self._preprocessor = _ImagePreprocessor.load(folder, [1, 3, side, side])
        except Exception as error:
            raise EngineBroken("The picture classifier cannot be loaded.") from error

    def __call__(self, image: Any) -> dict[str, float]:
        import torch

        with torch.inference_mode():
            logits = self._model(torch.from_numpy(self._preprocessor.tensor(image))).logits.numpy()
        return _softmax(logits, self.labels)


class _ImagePreprocessor:
    """Preprocessing that the model expects: side in pixels, mean and standard deviation of the values."""

    def __init__(self, side: int, mean: list[float], deviation: list[float], channels_last: bool) -> None:
        self._side, self._channels_last = side, channels_last
        self._mean, self._deviation = np.array(mean, np.float32), np.array(deviation, np.float32)

    @classmethod
    def load(cls, folder: Path, shape: list[Any]) -> _ImagePreprocessor:
        """Build it from `preprocessor_config.json` and the model's input shape, (1, 3, side, side) or (1, side, side,
        3)."""
        file = folder / "preprocessor_config.json"
        config = json.loads(file.read_text()) if file.is_file() else {}
        channels_last = shape[-1] == 3
        side = shape[1] if channels_last else shape[2]
        half = [0.5, 0.5, 0.5]
        return cls(
            side if isinstance(side, int) else _SIDE,
            config.get("image_mean", half),
            config.get("image_std", half),
            channels_last,
        )

    def tensor(self, image: Any) -> Any:
        small = np.asarray(image.resize((self._side, self._side)), np.float32) / 255
        values = (small - self._mean) / self._deviation
        return np.ascontiguousarray((values if self._channels_last else values.transpose(2, 0, 1))[None], np.float32)


class FakeImageClassifier:
    """Picture classifier for tests: scores `sexual` 0.99 for a red picture, 0.6 for a green one, else 0.01."""

    fingerprint = "pictures-fake"
    codes = frozenset({"sexual"})
    pictograms = True

    def scores(self, picture: bytes) -> Mapping[str, float]:
        red, green, blue = np.asarray(open_image(picture), np.float32).reshape(-1, 3).mean(axis=0)
        return {"sexual": 0.99 if red > 2 * max(green, blue) else 0.6 if green > 2 * max(red, blue) else 0.01}


def _parse_labels(labels: str) -> dict[str, str]:
    pairs = dict(part.split("=", 1) for part in labels.split(",") if "=" in part)
    codes = {label.strip().lower(): code.strip() for label, code in pairs.items()}
    if not codes:
        raise EngineRefused("PICTURE_CHECK_LABELS must map labels to clauses, as in nsfw=sexual.")
    return codes


def verify_pinned_file(file: Path, sha256: str, naming: str = "PICTURE_CHECK_SHA256 names") -> bytes:
    """Return the bytes of the file. Raise EngineRefused for another file type, and EngineBroken if it is missing or its
    SHA-256 differs. `naming` completes the message: "not the one that …"."""
    if file.suffix not in (".onnx", ".safetensors"):
        raise EngineRefused("A picture classifier is an ONNX file, or a folder with model.safetensors.")
    try:
        weights = file.read_bytes()
    except OSError as error:
        raise EngineBroken(f"The picture classifier is not there: {file.name}.") from error
    if hashlib.sha256(weights).hexdigest() != sha256:
        raise EngineBroken(f"The picture classifier's file is not the one that {naming}.")
    return weights


def load_onnx(weights: bytes) -> Any:
    """Return the inference session of an ONNX model, on one core. Raise EngineBroken if it cannot be loaded."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EngineBroken("The picture classifier cannot be loaded.") from error


def run_onnx(session: Any, tensor: Any) -> Any:
    """Return the first output of the model for its first input. Raise EngineBroken if it fails."""
    try:
        return np.asarray(session.run(None, {session.get_inputs()[0].name: tensor})[0])
    except Exception as error:
        raise EngineBroken("The picture classifier failed.") from error


def open_image(picture: bytes) -> Any:
    """Return a PNG, JPEG or WebP as RGB. Raise EngineRefused for anything else and for pictures above 40 million
    pixels."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > _LARGEST:
                raise EngineRefused("This picture is too large to be checked.")
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise EngineRefused("This is not a picture that can be checked.") from error


def _softmax(logits: Any, labels: list[str]) -> dict[str, float]:
    if logits.shape != (1, len(labels)) or not np.isfinite(logits).all():
        raise EngineBroken("The picture classifier returned a result of the wrong shape.")
    values = np.exp(logits[0] - logits[0].max())
    return dict(zip(labels, map(float, values / values.sum()), strict=True))
