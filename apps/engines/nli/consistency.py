"""Packaged NLI model: whether a source supports a claim, by the packaged encoder fine-tuned in `training/consistency`.

The packaged sentence encoder reads claim and source as one sequence. Low-rank updates of its weights and a small head
are committed here; the encoder itself comes with its package. Scores hold for English, German and Spanish prose.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.engines.embed import model_folder
from apps.engines.types import EngineBroken
from apps.engines.weight_files import WeightFile, read_weights
from apps.lib import os_compat

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = Path(__file__).parent / "weights"
NAME = "consistency"
# SHA-256 of the committed weights; other files are not loaded. `./run train consistency` prints the new one.
SHA256 = "4ef7074b4333ebd0804434af01328ac2201fd6f2f4abb69abff0de6d1e6ac598"
MAX_TOKENS = 160  # of claim and source together; the longer of the two is truncated


class ConsistencyModel:
    """Packaged NLI model. Sync and thread-safe; one pass at a time, on one core."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._network: _Network | None = None

    def warm(self) -> None:
        """Load the weights. Raise EngineBroken if they are missing or damaged."""
        self.entailment_scores([("A door is open.", "The door is open.")])

    def entailment_scores(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return for each (source, claim) the probability, 0 to 1, that the source supports all of the claim.

        Raise EngineBroken if the weights are missing or damaged, or a score is not finite.
        """
        if not pairs:
            return []
        with self._lock:
            if self._network is None:
                self._network = _Network(
                    model_folder.locate_model(""), read_weights(WEIGHTS, NAME, SHA256, "the check of sentences")
                )
            scores = self._network.score([(claim, source) for source, claim in pairs])
        if not np.isfinite(scores).all():
            raise EngineBroken("The check of sentences gave a score that is not a finite number.")
        return scores


class _Network:
    """BERT with token types for claim and source, and a head over the first state and the mean of the claim's
    states."""

    def __init__(self, path: Path, trained: WeightFile) -> None:
        import torch
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        model = model_folder.read_model_folder(path, model_folder.PACKAGE)
        model.sha256()  # raises EngineBroken if the packaged encoder is damaged
        self._torch = torch
        self._heads = int(model.config["num_attention_heads"])
        self._eps = float(model.config.get("layer_norm_eps", 1e-12))
        self._layers = int(model.config["num_hidden_layers"])
        self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")
        self._tokenizer.enable_padding()
        dtype = torch.bfloat16 if os_compat.multiplies_bfloat16() else torch.float32
        weights = {name.removeprefix("bert."): tensor for name, tensor in load_file(model.weights[0]).items()}
        self._weights = {name: tensor.to(dtype) for name, tensor in _merge(weights, trained.arrays, torch).items()}

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return one probability for each (claim, source)."""
        torch = self._torch
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # setting of the calling thread
        encodings = self._tokenizer.encode_batch(list(pairs))
        ids, type_ids, mask = (
            torch.tensor([getattr(one, name) for one in encodings]) for name in ("ids", "type_ids", "attention_mask")
        )
        with torch.inference_mode():
            states = self._states(ids, type_ids, mask)
            claim = (mask * (1 - type_ids)).unsqueeze(-1).to(states.dtype)
            joined = torch.cat([states[:, 0], (states * claim).sum(1) / claim.sum(1)], 1)
            hidden = torch.nn.functional.gelu(self._linear(joined, "head.0"))
            scores: list[float] = torch.sigmoid(self._linear(hidden, "head.2").float()).squeeze(-1).tolist()
        return scores

    def _states(self, ids: Tensor, kinds: Tensor, mask: Tensor) -> Tensor:
        """Return the states of all tokens after the last layer, shape (n, tokens, width)."""
        torch, weights = self._torch, self._weights
        positions = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = weights["embeddings.word_embeddings.weight"][ids] + positions
        x = self._norm(x + weights["embeddings.token_type_embeddings.weight"][kinds], "embeddings.LayerNorm")
        attention_mask = mask.bool()[:, None, None, :]
        for number in range(self._layers):
            layer = f"encoder.layer.{number}"
            q, k, v = (
                self._linear(x, f"{layer}.attention.self.{name}").unflatten(-1, (self._heads, -1)).transpose(1, 2)
                for name in ("query", "key", "value")
            )
            attended = (
                torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=attention_mask)
                .transpose(1, 2)
                .flatten(2)
            )
            out = f"{layer}.attention.output"
            x = self._norm(x + self._linear(attended, f"{out}.dense"), f"{out}.LayerNorm")
            inner = torch.nn.functional.gelu(self._linear(x, f"{layer}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        return x

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return self._torch.nn.functional.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return self._torch.nn.functional.layer_norm(x, [x.shape[-1]], weight, bias, self._eps)


def _merge(weights: dict[str, Tensor], trained: dict[str, Any], torch: Any) -> dict[str, Tensor]:
    """Return the encoder's weights with the updates added: `NAME.up @ NAME.down` to a matrix, `NAME.added` to other
    arrays. Arrays of the head are added unchanged."""
    merged = dict(weights)
    for key, array in trained.items():
        value = torch.from_numpy(array)
        name, _, kind = key.rpartition(".")
        if key.startswith("head."):
            merged[key] = value
        elif kind == "added":
            merged[name] = merged[name] + value
        elif kind == "down":
            merged[name] = merged[name] + torch.from_numpy(trained[f"{name}.up"]) @ value
    return merged
