"""Sentence-transformers models on the processor: the packaged all-MiniLM-L6-v2, or any other by name or folder.

A plain BERT runs through `bert.py`; every other model through the library itself. bfloat16 where the processor computes
with it: its vectors stand within a cosine of 0.9999 of float32, so both may meet in one index.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from apps.engines.base import EngineBroken
from apps.engines.embed import bert
from apps.engines.embed.folder import PACKAGE, Folder, locate, read
from apps.engines.tokenizer import load

if TYPE_CHECKING:
    from apps.engines.base import Vectors

_REMEMBERED = 2048  # questions whose vector is kept; 3 MB
_NORM_TOLERANCE = 1e-3
_HALF_FLAGS = ("avx512_bf16", "amx_bf16")


class _Encoder(Protocol):
    def encode(self, texts: Sequence[Sequence[int]]) -> Vectors: ...


class SentenceEmbed:
    """`threads` for passages, 0 for all cores; a question always takes one, so that it never waits for another."""

    def __init__(self, model: str = "", threads: int = 0, half: bool | None = None) -> None:
        self._model = model
        self._threads = threads or len(os.sched_getaffinity(0))
        self._half = half
        self._lock = threading.RLock()
        self._folder: Folder | None = None
        self._fingerprint = ""
        self._encoder: _Encoder | None = None
        self._tokenizer: Any = None
        self._special = 0
        self._questions: OrderedDict[str, Vectors] = OrderedDict()

    @property
    def dimension(self) -> int:
        return self._described().dimension

    @property
    def max_tokens(self) -> int:
        """Tokens of a text's own, so without the special ones and the prompt that the model adds."""
        self._tokens()
        return self._described().window - self._special - len(self._prompt_tokens("passage", "document"))

    @property
    def fingerprint(self) -> str:
        with self._lock:
            if not self._fingerprint:
                folder = self._described()
                self._fingerprint = f"{folder.name}-{folder.sha256()[:16]}-{folder.dimension}-float"
            return self._fingerprint

    def warm(self) -> None:
        self._load()
        self._tokens()
        self._run([self._ids("warm", "query")], 1)

    def embed_query(self, text: str) -> Vectors:
        known = self._questions.get(text)
        if known is None:
            known = self._run([self._ids(text, "query")], 1)[0]
            known.setflags(write=False)
            with self._lock:
                self._questions[text] = known
                while len(self._questions) > _REMEMBERED:
                    self._questions.popitem(last=False)
        return known

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return self._run([self._ids(text, "passage", "document") for text in texts], self._threads)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return list(self._tokens().encode(text, add_special_tokens=False).offsets)

    def _run(self, ids: list[list[int]], threads: int) -> Vectors:
        import torch

        encoder = self._load()
        # The number belongs to the calling thread: a question and a batch may run side by side, each with its own.
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        rows = encoder.encode(ids)
        norms = np.linalg.norm(rows, axis=1)
        if not np.all(np.abs(norms - 1) < _NORM_TOLERANCE):  # also false for what is not finite
            raise EngineBroken("The embedding model gave a vector that makes no sense.")
        return rows

    def _ids(self, text: str, *prompts: str) -> list[int]:
        """Token numbers as the model wants them: prompt and special tokens added, cut to its window."""
        prompt = next((found for name in prompts if (found := self._described().prompts.get(name))), "")
        encoding = self._tokens().encode(prompt + text)
        ids: list[int] = encoding.ids
        window = self._described().window
        if len(ids) <= window:
            return ids
        encoding.truncate(window - self._special)
        kept = encoding.ids
        return [ids[0], *kept[1 : window - 1], ids[-1]] if self._special == 2 else kept[:window]

    def _prompt_tokens(self, *prompts: str) -> list[int]:
        prompt = next((found for name in prompts if (found := self._described().prompts.get(name))), "")
        return list(self._tokens().encode(prompt, add_special_tokens=False).ids) if prompt else []

    def _described(self) -> Folder:
        if self._folder is None:
            with self._lock:
                if self._folder is None:
                    name = self._model or PACKAGE
                    self._folder = read(locate(self._model), Path(name).name if Path(name).is_dir() else name)
        return self._folder

    def _tokens(self) -> Any:
        if self._tokenizer is None:
            with self._lock:
                if self._tokenizer is None:
                    tokenizer = _tokenizer(self._described().path)
                    self._special = tokenizer.num_special_tokens_to_add(False)
                    self._tokenizer = tokenizer
        return self._tokenizer

    def _load(self) -> _Encoder:
        if self._encoder is None:
            with self._lock:
                if self._encoder is None:
                    folder = self._described()
                    folder.sha256()  # the packaged weights are checked before they are loaded
                    half = _computes_half() if self._half is None else self._half
                    self._encoder = bert.Bert(folder, half=half) if bert.fits(folder) else _Library(folder, half)
        return self._encoder


class _Library:
    """Any other model, by sentence-transformers itself."""

    def __init__(self, folder: Folder, half: bool) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        self._torch = torch
        self._model = SentenceTransformer(
            str(folder.path), device="cpu", trust_remote_code=False, local_files_only=True,
            model_kwargs={"use_safetensors": True, "dtype": torch.float32},
        )  # fmt: skip
        self._half = half

    def encode(self, texts: Sequence[Sequence[int]]) -> Vectors:
        torch = self._torch
        rows: list[Any] = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
        start = 0
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            while start < len(order):
                longest = len(texts[order[start]])
                batch = order[start : start + max(1, bert.BATCH_TOKENS // longest)]
                padded = self._model.tokenizer.pad(
                    {"input_ids": [list(texts[at]) for at in batch]}, return_tensors="pt"
                )
                pooled = self._model(dict(padded))["sentence_embedding"].float()
                for at, row in zip(batch, torch.nn.functional.normalize(pooled, dim=1), strict=True):
                    rows[at] = row.numpy()
                start += len(batch)
        return np.stack(rows).astype(np.float32)


def _tokenizer(path: Path) -> Any:
    file = path / "tokenizer.json"
    if not file.is_file():
        raise EngineBroken(f"The embedding model {path.name} has no tokenizer.json.")
    return load(file)


def _computes_half() -> bool:
    """Whether the processor multiplies bfloat16 itself."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return any(flag in flags for flag in _HALF_FLAGS)
