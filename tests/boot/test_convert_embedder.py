"""Conversion of 4-bit weights: a file written here with known numbers, read back by the embedder."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from assistant.boot.convert_embedder import convert

WIDTH, INNER, LAYERS = 32, 64, 1
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", "▁passage", ":", "▁tea", "▁ferry", "<mask>"]


def pack(matrix: np.ndarray) -> bytes:
    """Write whole numbers from -8 to 7, each times 0.5, as blocks."""
    packed = b""
    for block in matrix.reshape(-1, 32):
        numbers = (block + 8).astype(np.uint8)
        packed += np.float16(0.5).tobytes() + (numbers[:16] | numbers[16:] << 4).tobytes()
    return packed


def write_file(path: Path) -> np.ndarray:
    """Write a model and return its word embeddings in units of 0.5."""
    random = np.random.default_rng(3)
    words = random.integers(-8, 8, (len(PIECES), WIDTH))
    ones, zeros = np.ones(WIDTH, "<f4").tobytes(), np.zeros(WIDTH, "<f4").tobytes()
    tensors: list[tuple[str, int, int, bytes]] = [
        ("emb.word", 1, words.size, pack(words)),
        ("emb.pos", 0, 16 * WIDTH, np.zeros(16 * WIDTH, "<f4").tobytes()),
        ("emb.type", 0, 2 * WIDTH, np.zeros(2 * WIDTH, "<f4").tobytes()),
        ("emb.ln.w", 0, WIDTH, ones), ("emb.ln.b", 0, WIDTH, zeros),
    ]  # fmt: skip
    for name, rows, columns in (
        ("q", 32, 32),
        ("k", 32, 32),
        ("v", 32, 32),
        ("ao", 32, 32),
        ("fi", 64, 32),
        ("fo", 32, 64),
    ):
        tensors.append((f"l0.{name}.w", 1, rows * columns, pack(random.integers(-8, 8, (rows, columns)))))
        tensors.append((f"l0.{name}.b", 0, rows, np.zeros(rows, "<f4").tobytes()))
    for name in ("aln", "oln"):
        tensors += [(f"l0.{name}.w", 0, WIDTH, ones), (f"l0.{name}.b", 0, WIDTH, zeros)]
    texts = [piece.encode() for piece in PIECES]
    head = struct.pack("<4sI7ifi", b"E5S1", 1, WIDTH, LAYERS, 2, INNER, len(PIECES), 16, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, texts)))
    head += np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    head += np.array([0, 0, 0, 0, -9, -2, -2, -2, -3, -3, 0], "<f4").tobytes()
    head += b"".join(texts) + struct.pack("<iI", 0, 0) + struct.pack("<i", len(tensors))
    offset = len(head) + sum(2 + len(name) + 21 for name, *_ in tensors)
    content = b""
    for name, kind, count, data in tensors:
        head += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, offset, len(data))
        offset, content = offset + len(data), content + data
    path.write_bytes(head + content)
    return words


def test_weights_are_those_of_the_file_and_the_embedder_runs_them(tmp_path: Path) -> None:
    words = write_file(tmp_path / "small.bin")
    convert(tmp_path / "small.bin", tmp_path / "model")
    tensors = load_file(tmp_path / "model" / "model.safetensors")
    assert np.array_equal(tensors["embeddings.word_embeddings.weight"], words * np.float16(0.5))
    assert tensors["encoder.layer.0.output.dense.weight"].shape == (WIDTH, INNER)
    embed = SentenceTransformerEmbedder(str(tmp_path / "model"), dtype="float32")
    assert (embed.dimension, embed.exposes_states) == (WIDTH, True)
    assert embed._tokens().encode("passage: ferry  tea").tokens == [
        "<s>", "▁passage", ":", "▁ferry", "▁tea", "</s>",
    ]  # fmt: skip
    tea, ferry = embed.embed_passages(["tea", "ferry"])
    assert float(tea @ ferry) < 0.999
    assert not np.allclose(embed.embed_query("tea"), tea), "a question has another prefix than a passage"


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    write_file(tmp_path / "small.bin")
    for name in ("one", "other"):
        convert(tmp_path / "small.bin", tmp_path / name)
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "other" / path.relative_to(tmp_path / "one")).read_bytes()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(b"GGUF" + bytes(200))
    with pytest.raises(SystemExit, match="expected form"):
        convert(tmp_path / "other.bin", tmp_path / "model")
