"""Sequence-pair classifiers of transformers, loaded by hub name or folder: the base of the cross-encoder and the NLI
models."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.engines.types import EngineBroken
from apps.lib import os_compat

if TYPE_CHECKING:
    from apps.engines.types import Vectors

_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]  # no pickled weights and no code
_BATCH_PAIRS = 16  # pairs per forward pass


class PairModel:
    """Sequence-pair classifier. Sync and thread-safe: one forward pass at a time, each with all `threads`."""

    def __init__(self, model: str, threads: int = 0) -> None:
        self._name = model
        self._threads = threads or os_compat.count_usable_cores()
        self._lock = threading.Lock()
        self._model: Any = None
        self._tokenizer: Any = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's label names in lower case, in the order of the columns of `logits`. Raise EngineBroken if the
        model cannot be loaded."""
        with self._lock:
            self._load()
            names = self._model.config.id2label
        return tuple(str(names[place]).lower() for place in range(len(names)))

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """Return raw scores of shape (n, labels), float32, in the order of `pairs`. Pairs longer than the model's
        window are truncated. Raise EngineBroken if the model cannot be loaded or returns a value that is not finite."""
        with self._lock:
            self._load()
            order = sorted(range(len(pairs)), key=lambda at: len(pairs[at][0]) + len(pairs[at][1]))
            rows = np.zeros((len(pairs), self._model.config.num_labels), np.float32)
            for start in range(0, len(order), _BATCH_PAIRS):
                batch = order[start : start + _BATCH_PAIRS]
                rows[batch] = self._pass([pairs[at] for at in batch])
        if not np.isfinite(rows).all():
            raise EngineBroken(f"The model {self._name} gave a score that is not a finite number.")
        return rows

    def _pass(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        import torch

        torch.set_num_threads(self._threads)
        longest = min(int(self._tokenizer.model_max_length), int(self._model.config.max_position_embeddings))
        encoded = self._tokenizer(
            [one for one, _ in pairs], [other for _, other in pairs],
            padding=True, truncation="longest_first", max_length=longest, return_tensors="pt",
        )  # fmt: skip
        with torch.inference_mode():
            rows: Vectors = self._model(**encoded).logits.float().numpy()
        return rows

    def _load(self) -> None:
        if self._model is not None:
            return
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        try:
            folder = str(locate_model(self._name))
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model = AutoModelForSequenceClassification.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
        except (OSError, ValueError, KeyError) as error:
            why = str(error).partition("\n")[0]
            raise EngineBroken(f"The model {self._name} cannot be loaded: {why}") from error
        self._model = model.eval()


def locate_model(model: str) -> Path:
    """Return the folder of a model: `model` itself if it is a folder, else the snapshot of that name from the hub or
    its cache. Only safetensors weights are fetched, never pickles. Network and cache errors of huggingface_hub are not
    translated."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=_WANTED))
