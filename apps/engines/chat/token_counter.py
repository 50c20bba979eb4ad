"""Token counts of texts: by the model's own tokenizer, or a safe over-estimate if that is not available."""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from apps.engines.tokenizer import load_tokenizer
from apps.engines.types import EngineBroken

log = logging.getLogger(__name__)

_CACHED = 20_000  # texts; the same passages are counted again for many questions
_WORD = re.compile(r"[A-Za-z]+")


class TokenCounter:
    """Cached token counter. `path` is a `tokenizer.json` or the folder that holds one, "" for estimates. Thread-safe;
    the file is read at first use."""

    def __init__(self, path: str = "") -> None:
        self._path = _file(path)
        self._tokenizer: Any = None
        self._load_attempted = False
        self._counts: OrderedDict[bytes, int] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, without special tokens."""
        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        with self._lock:
            cached = {key: self._counts[key] for key in keys if key in self._counts}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in cached}
        if missing:
            counted = dict(zip(missing, self._encode(list(missing.values())), strict=True))
            cached |= counted
            self._remember(counted)
        return [cached[key] for key in keys]

    def _encode(self, texts: list[str]) -> list[int]:
        tokenizer = self._load()
        if tokenizer is None:
            return [estimate_tokens(text) for text in texts]
        # A lone surrogate is not valid Unicode; the server would get the replacement character, too.
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        return [len(item) for item in tokenizer.encode_batch_fast(clean, add_special_tokens=False)]

    def _remember(self, counted: dict[bytes, int]) -> None:
        with self._lock:
            self._counts.update(counted)
            while len(self._counts) > _CACHED:
                self._counts.popitem(last=False)

    def _load(self) -> Any:
        if self._load_attempted:
            return self._tokenizer
        with self._lock:
            if not self._load_attempted:
                self._tokenizer = self._read()
                self._load_attempted = True
        return self._tokenizer

    def _read(self) -> Any:
        if self._path is None:
            return None
        try:
            return load_tokenizer(self._path)
        except EngineBroken as error:
            log.warning("%s Tokens are estimated.", error)
            return None


def estimate_tokens(text: str) -> int:
    """Return an over-estimate of the tokens that common tokenizers make of prose. The estimate is one token per three
    letters of a word, and one per other byte except spaces."""
    letters = _WORD.findall(text)
    tokens = sum((len(word) + 2) // 3 for word in letters)
    rest = len(text.encode("utf-8", "surrogatepass")) - sum(map(len, letters)) - text.count(" ")
    return tokens + rest


def _file(path: str) -> Path | None:
    if not path:
        return None
    given = Path(path)
    file = given / "tokenizer.json" if given.is_dir() else given
    return file if file.is_file() else None
