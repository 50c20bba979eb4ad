"""Embedder of sentence-transformers models on the CPU: the packaged all-MiniLM-L6-v2, or another by name or folder.

A plain BERT runs through `bert.py`, every other model through sentence-transformers itself. Vectors made in bfloat16
have a cosine of at least 0.9999 with those in float32, so both may share an index.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from apps.engines.classify.protocol import TokenStates
from apps.engines.embed import bert
from apps.engines.embed.model_folder import PACKAGE, ModelFolder, locate_model, read_model_folder
from apps.engines.embed.protocol import SpanEmbeddings, Spans, Tokenised
from apps.engines.embed.span_pooling import find_tokens_in_spans
from apps.engines.tokenizer import load_tokenizer
from apps.engines.types import EngineBroken, EngineRefused
from apps.lib import os_compat

if TYPE_CHECKING:
    from apps.engines.types import Vectors

_TYPICAL_TOKENS = 48  # tokens of a typical question
_CACHED_QUESTIONS = 2048  # questions whose vectors are cached; 3 MB
_NORM_TOLERANCE = 1e-3


class _Encoder(Protocol):
    def encode(self, texts: Sequence[Sequence[int]]) -> Vectors: ...


class SentenceTransformerEmbedder:
    """Embedder of a sentence-transformers model. `threads` is for passages, 0 for all cores; a question always takes
    one, so that it never waits for another.

    With `sha256` only weights of that hash are loaded. With `dimension` vectors are truncated to that many numbers and
    normalised again, for models trained for it (Matryoshka). `dtype` is "float32", "bfloat16" or "auto": bfloat16 if
    the CPU has instructions for it (AMX, AVX-512 BF16); on other CPUs it is slower.
    """

    def __init__(
        self, model: str = "", threads: int = 0, dtype: str = "auto", sha256: str = "", dimension: int = 0
    ) -> None:
        self._model = model
        self._pinned, self._kept_dimensions = sha256, dimension
        self._threads = threads or os_compat.count_usable_cores()
        self._half = dtype == "bfloat16" or (dtype == "auto" and os_compat.adds_bfloat16_products())
        self._lock = threading.RLock()
        self._folder: ModelFolder | None = None
        self._fingerprint = ""
        self._encoder: _Encoder | None = None
        self._tokenizer: Any = None
        self._special = 0
        self._query_cache: OrderedDict[str, Vectors] = OrderedDict()

    @property
    def dimension(self) -> int:
        whole = self._read_folder().dimension
        return min(self._kept_dimensions, whole) if self._kept_dimensions else whole

    @property
    def max_tokens(self) -> int:
        """Longest text in tokens, without the special tokens and the prompt that the model adds."""
        self._tokens()
        return self._read_folder().max_tokens - self._special - self._prompt_tokens(self._prompt("passage", "document"))

    @property
    def exposes_states(self) -> bool:
        """True for a plain BERT, whose token states can be read."""
        return bert.is_plain_bert(self._read_folder())

    @property
    def fingerprint(self) -> str:
        with self._lock:
            if not self._fingerprint:
                self._fingerprint = f"{self._read_folder().name}-{self._sha256()[:16]}-{self.dimension}-float"
            return self._fingerprint

    def warm(self) -> None:
        self._load()
        self._tokens()
        ids = self._read("warm", "query")[1]
        for length in range(len(ids), min(_TYPICAL_TOKENS, self._read_folder().max_tokens) + 1):
            # The kernels for a length are compiled at its first use, which takes half as long again as the question.
            self._run([ids[:1] * length])

    def embed_query(self, text: str) -> Vectors:
        cached = self._query_cache.get(text)
        if cached is None:
            cached = self._run([self._read(text, "query")[1]])[0]
            cached.setflags(write=False)
        with self._lock:
            self._query_cache[text] = cached
            self._query_cache.move_to_end(text)  # the least recently asked question is dropped first
            while len(self._query_cache) > _CACHED_QUESTIONS:
                self._query_cache.popitem(last=False)
        return cached

    def embed_passages(self, texts: Sequence[str | Tokenised]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        read = (text if isinstance(text, Tokenised) else self.tokenised(text) for text in texts)
        return self._run([text.ids for text in read])

    def tokenised(self, text: str) -> Tokenised:
        count, ids = self._read(text, "passage", "document")
        return Tokenised(count, np.asarray(ids, np.int32))  # a list of numbers takes ten times the memory

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return list(self._tokens().encode(text, add_special_tokens=False).offsets)

    def embed_with_spans(
        self, passages: Sequence[Tokenised], spans: Sequence[Spans], layers: int
    ) -> tuple[Vectors, list[SpanEmbeddings | None]]:
        rows, inside = self._open().encode_inside([text.ids for text in passages], spans, layers)
        return self._checked(rows), inside

    def token_spans(self, text: str, spans: Spans) -> Spans:
        prompt = self._prompt("passage", "document")
        offsets, shift = self._tokens().encode(prompt + text).offsets, len(prompt)
        return find_tokens_in_spans(offsets, [(start + shift, end + shift) for start, end in spans])

    def states(self, texts: Sequence[str], layers: int) -> list[TokenStates]:
        """Return the token states of each text, truncated to the window, after `layers` layers."""
        encoder = self._open()
        read = [self._tokens().encode(text) for text in texts]
        window = self._read_folder().max_tokens
        rows = encoder.states([tokenised.ids[:window] for tokenised in read], layers)
        return [
            TokenStates(np.array(tokenised.offsets[: len(row)], np.int64).reshape(-1, 2), row)
            for tokenised, row in zip(read, rows, strict=True)
        ]

    def _open(self) -> bert.BertEncoder:
        if not isinstance(encoder := self._load(), bert.BertEncoder):
            raise EngineRefused("This embedding model does not show the states of its tokens.")
        return encoder

    def _run(self, ids: Sequence[Sequence[int]]) -> Vectors:
        return self._checked(self._load().encode(ids))

    def _checked(self, rows: Vectors) -> Vectors:
        if rows.shape[1] > self.dimension:
            rows = rows[:, : self.dimension]
            rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        norms = np.linalg.norm(rows, axis=1)
        if not np.all(np.abs(norms - 1) < _NORM_TOLERANCE):  # also false for values that are not finite
            raise EngineBroken("The embedding model returned an invalid vector.")
        return rows

    def _read(self, text: str, *prompts: str) -> tuple[int, list[int]]:
        """Return the number of tokens of the text itself, and the token ids with prompt and special tokens, truncated
        to the window."""
        prompt = self._prompt(*prompts)
        ids = self._tokens().encode(prompt + text).ids
        count = len(ids) - self._special - self._prompt_tokens(prompt)
        window = self._read_folder().max_tokens
        if len(ids) <= window:
            return count, ids
        return count, [*ids[: window - 1], ids[-1]] if self._special == 2 else ids[:window]

    def _prompt(self, *names: str) -> str:
        return next((found for name in names if (found := self._read_folder().prompts.get(name))), "")

    def _prompt_tokens(self, prompt: str) -> int:
        return len(self._tokens().encode(prompt, add_special_tokens=False).ids) if prompt else 0

    def _read_folder(self) -> ModelFolder:
        if self._folder is None:
            with self._lock:
                if self._folder is None:
                    name = self._model or PACKAGE
                    self._folder = read_model_folder(
                        locate_model(self._model), Path(name).name if Path(name).is_dir() else name
                    )
        return self._folder

    def _sha256(self) -> str:
        digest = self._read_folder().sha256()
        if self._pinned and digest != self._pinned:
            raise EngineBroken(
                f"The weights of the embedding model {self._read_folder().name} are not those that are pinned: their "
                f"SHA-256 is {digest}. Look at EMBED_MORE."
            )
        return digest

    def _tokens(self) -> Any:
        if self._tokenizer is None:
            with self._lock:
                if self._tokenizer is None:
                    tokenizer = _load_tokenizer_of(self._read_folder().path)
                    self._special = tokenizer.num_special_tokens_to_add(False)
                    self._tokenizer = tokenizer
        return self._tokenizer

    def _load(self) -> _Encoder:
        if self._encoder is None:
            with self._lock:
                if self._encoder is None:
                    folder = self._read_folder()
                    self._sha256()  # the hash is checked before the weights are loaded
                    kind: Any = bert.BertEncoder if bert.is_plain_bert(folder) else _LibraryEncoder
                    self._encoder = kind(folder, half=self._half, threads=self._threads)
        return self._encoder


class _LibraryEncoder:
    """Encoder that runs any model through sentence-transformers."""

    def __init__(self, folder: ModelFolder, *, half: bool, threads: int) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        self._torch = torch
        self._model = SentenceTransformer(
            str(folder.path), device="cpu", trust_remote_code=False, local_files_only=True,
            model_kwargs={"use_safetensors": True, "dtype": torch.float32},
        )  # fmt: skip
        self._half, self._threads = half, threads

    def encode(self, texts: Sequence[Sequence[int]]) -> Vectors:
        torch = self._torch
        threads = self._threads if len(texts) > 1 else 1
        if torch.get_num_threads() != threads:  # setting of the calling thread
            torch.set_num_threads(threads)
        rows: list[Any] = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
        start = 0
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            while start < len(order):
                longest = len(texts[order[start]])
                batch = order[start : start + max(1, bert.PASS_TOKENS // longest)]
                padded = self._model.tokenizer.pad(
                    {"input_ids": [np.asarray(texts[at]).tolist() for at in batch]}, return_tensors="pt"
                )
                pooled = self._model(dict(padded))["sentence_embedding"].float()
                for at, row in zip(batch, torch.nn.functional.normalize(pooled, dim=1), strict=True):
                    rows[at] = row.numpy()
                start += len(batch)
        return np.stack(rows).astype(np.float32)


def _load_tokenizer_of(path: Path) -> Any:
    file = path / "tokenizer.json"
    if not file.is_file():
        raise EngineBroken(f"The embedding model {path.name} has no tokenizer.json.")
    return load_tokenizer(file)
