"""Tiny picture classifiers on disk that score how red a picture is, in each supported format."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np

SIDE = 8
LABELS = {"0": "normal", "1": "NSFW"}
WEIGHTS = np.array([[0, 8], [0, -8], [0, -8]], np.float32)  # of red, green, blue, each -1 to 1


def picture(colour: str, side: int = 32) -> bytes:
    """Return a PNG of one colour."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, "PNG")
    return out.getvalue()


def onnx(folder: Path) -> tuple[Path, str]:
    """Write a model of mean colour times WEIGHTS as ONNX. Return the file and its SHA-256."""
    nodes = [_node("GlobalAveragePool", ["x"], "a"), _node("Flatten", ["a"], "b"), _node("MatMul", ["b", "w"], "y")]
    tensor = b"".join(_int(1, side) for side in WEIGHTS.shape) + _int(2, 1) + _bytes(8, b"w")
    tensor += _bytes(9, WEIGHTS.tobytes())
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, b"g") + _bytes(5, tensor)
    graph += _bytes(11, _value("x", (1, 3, SIDE, SIDE))) + _bytes(12, _value("y", (1, 2)))
    model = _int(1, 8) + _bytes(8, _bytes(1, b"") + _int(2, 13)) + _bytes(7, graph)
    return _written(folder, "model.onnx", model)


def safetensors(folder: Path) -> tuple[Path, str]:
    """Write a vision transformer with one layer and fixed random weights. Return its folder and the file's SHA-256."""
    import torch
    from safetensors.torch import save
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(1)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    labels = {int(at): label for at, label in LABELS.items()}
    config = ViTConfig(image_size=SIDE, patch_size=4, id2label=labels, label2id={"normal": 0, "NSFW": 1}, **sizes)
    model = ViTForImageClassification(config)
    _, sha256 = _written(folder, "model.safetensors", save(model.state_dict()))
    config.save_pretrained(folder)
    return folder, sha256


def _written(folder: Path, name: str, content: bytes) -> tuple[Path, str]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    (folder / "config.json").write_text(json.dumps({"id2label": LABELS}))
    return folder / name, hashlib.sha256(content).hexdigest()


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def _int(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _node(kind: str, inputs: list[str], output: str) -> bytes:
    return b"".join(_bytes(1, name.encode()) for name in inputs) + _bytes(2, output.encode()) + _bytes(4, kind.encode())


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_bytes(1, _int(1, side)) for side in shape)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _int(1, 1) + _bytes(2, dims)))
