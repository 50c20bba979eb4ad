"""The packaged sentence encoder, fine-tuned to read two texts as one sequence: base of the packaged models that compare
a question or a claim with a text.

What is committed are low-rank updates of its weights and small heads; the encoder itself comes with its package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from apps.engines.embed import model_folder
from apps.engines.types import EngineBroken
from apps.lib import os_compat

if TYPE_CHECKING:
    from torch import Tensor

    from apps.engines.weight_files import WeightFile


@dataclass(frozen=True, slots=True)
class EncodedPairs:
    """Sequences of one pass. Tensors are of shape (n, tokens): `kinds` is 1 for the second text, `mask` 0 for padding.
    `pairs` names the pair of each sequence, `offsets` the characters [start, end) of each token in its text; a pair
    whose second text is too long has several sequences if it was `windowed`."""

    states: Tensor  # (n, tokens, width)
    kinds: Tensor
    mask: Tensor
    offsets: list[list[tuple[int, int]]]
    pairs: list[int]


class PairEncoder:
    """BERT with token types for the two texts. Sync and thread-safe; each pass on the core of its caller."""

    def __init__(
        self, trained: WeightFile, max_tokens: int, truncate: Literal["longest_first", "only_second"], stride: int = 0
    ) -> None:
        """Load and merge the weights. `stride`: tokens that windows of a long second text share; 0 truncates it. Raise
        EngineBroken if the packaged encoder is damaged."""
        import torch
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        path = model_folder.locate_model("")
        model = model_folder.read_model_folder(path, model_folder.PACKAGE)
        model.sha256()  # raises EngineBroken if the packaged encoder is damaged
        self._torch = torch
        self._heads = int(model.config["num_attention_heads"])
        self._eps = float(model.config.get("layer_norm_eps", 1e-12))
        self._layers = int(model.config["num_hidden_layers"])
        self._windowed = stride > 0
        self._counter: Any = Tokenizer.from_file(str(path / "tokenizer.json"))  # reads texts whole
        self._counter.no_truncation()
        self._counter.no_padding()
        self._tokenizer: Any = Tokenizer.from_file(str(path / "tokenizer.json"))
        self._tokenizer.enable_truncation(max_tokens, strategy=truncate, stride=stride)
        self._tokenizer.enable_padding()
        dtype = torch.bfloat16 if os_compat.adds_bfloat16_products() else torch.float32
        weights = {name.removeprefix("bert."): tensor for name, tensor in load_file(model.weights[0]).items()}
        self._weights = {name: tensor.to(dtype) for name, tensor in _merge(weights, trained.arrays, torch).items()}

    def cut(self, text: str, max_tokens: int) -> str:
        """Return the beginning of a text, at most `max_tokens` tokens of it."""
        offsets = self._counter.encode(text, add_special_tokens=False).offsets
        return text if len(offsets) <= max_tokens else text[: offsets[max_tokens - 1][1]]

    def encode(self, pairs: Sequence[tuple[str, str]]) -> EncodedPairs:
        """Return the states of all tokens of the pairs after the last layer."""
        torch = self._torch
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # setting of the calling thread
        sequences = [
            (at, one)
            for at, first in enumerate(self._tokenizer.encode_batch(list(pairs)))
            for one in (first, *(first.overflowing if self._windowed else ()))
        ]
        ids, kinds, mask = (
            torch.tensor([getattr(one, name) for _, one in sequences]) for name in ("ids", "type_ids", "attention_mask")
        )
        states = self._compute_states(ids, kinds, mask)
        return EncodedPairs(
            states, kinds, mask, [one.offsets for _, one in sequences], [at for at, _ in sequences]
        )  # fmt: skip

    def score_pairs(self, read: EncodedPairs) -> Tensor:
        """Return the logit of each sequence by the head over its first state and the mean state of its first text."""
        torch = self._torch
        first = (read.mask * (1 - read.kinds)).unsqueeze(-1).to(read.states.dtype)
        joined = torch.cat([read.states[:, 0], (read.states * first).sum(1) / first.sum(1)], 1)
        hidden = torch.nn.functional.gelu(self.apply_linear(joined, "head.0"))
        return self.apply_linear(hidden, "head.2").float().squeeze(-1)

    def apply_linear(self, x: Tensor, name: str) -> Tensor:
        """Return `x` through the linear layer `name`."""
        return self._torch.nn.functional.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _compute_states(self, ids: Tensor, kinds: Tensor, mask: Tensor) -> Tensor:
        torch, weights = self._torch, self._weights
        positions = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = weights["embeddings.word_embeddings.weight"][ids] + positions
        x = self._norm(x + weights["embeddings.token_type_embeddings.weight"][kinds], "embeddings.LayerNorm")
        attention_mask = mask.bool()[:, None, None, :]
        for number in range(self._layers):
            layer = f"encoder.layer.{number}"
            q, k, v = (
                self.apply_linear(x, f"{layer}.attention.self.{name}").unflatten(-1, (self._heads, -1)).transpose(1, 2)
                for name in ("query", "key", "value")
            )
            attended = (
                torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=attention_mask)
                .transpose(1, 2)
                .flatten(2)
            )
            out = f"{layer}.attention.output"
            x = self._norm(x + self.apply_linear(attended, f"{out}.dense"), f"{out}.LayerNorm")
            inner = torch.nn.functional.gelu(self.apply_linear(x, f"{layer}.intermediate.dense"))
            x = self._norm(x + self.apply_linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        return x

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return self._torch.nn.functional.layer_norm(x, [x.shape[-1]], weight, bias, self._eps)


def _merge(weights: dict[str, Tensor], trained: dict[str, Any], torch: Any) -> dict[str, Tensor]:
    """Return the encoder's weights with the updates added: `NAME.up @ NAME.down` to a matrix, `NAME.added` to other
    arrays. All other arrays are of the heads."""
    merged = dict(weights)
    for key, array in trained.items():
        value = torch.from_numpy(array)
        name, _, kind = key.rpartition(".")
        if kind == "added":
            merged[name] = merged[name] + value
        elif kind == "down":
            merged[name] = merged[name] + torch.from_numpy(trained[f"{name}.up"]) @ value
        elif kind != "up":
            merged[key] = value
    return merged


def raise_if_not_finite(scores: Any, what: str) -> None:
    """Raise EngineBroken if a score is not a finite number. `what` names the model in the message."""
    import numpy as np

    if not np.isfinite(scores).all():
        raise EngineBroken(f"{what} gave a score that is not a finite number.")
