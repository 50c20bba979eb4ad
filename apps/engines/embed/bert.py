"""The forward pass of BERT, written out: the same numbers as the library's with a third of its time for a short text.

The weights are packed once for the matrix kernels of the processor, query, key and value are one product, and nothing
is asked at run time that the configuration already answers. Pooling is done in float32, whatever the weights are.

The layers are TorchScript: one call that lets go of the interpreter once. Its ninety steps called from Python each
waited for it again, for as long as other threads had work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from apps.engines.base import Vectors
    from apps.engines.embed.folder import Folder

ENOUGH_TOKENS = 768  # of one pass: smaller ones leave the kernels idle
PADDING = 0.02  # of a pass may be computed on nothing
BATCH_TOKENS = 4096  # padded tokens of one pass: large enough for the kernels, small enough for the caches
_PACK_ROWS = 16  # tokens of a usual question: the shape that the weights are packed for
_SETTLED = 3  # passes after which TorchScript has planned its own

_LAYERS = """
def layers(ids: Tensor, mask: Optional[Tensor], words: Tensor, positions: Tensor, norm: List[Tensor],
           weights: List[List[Tensor]], heads: int, eps: float) -> Tensor:
    texts, tokens, width = ids.size(0), ids.size(1), words.size(1)
    x = torch.layer_norm(torch.embedding(words, ids) + positions[:tokens], [width], norm[0], norm[1], eps)
    for w in weights:
        q, k, v = linear(x, w[0], w[1]).view([texts, tokens, 3, heads, -1]).permute([2, 0, 3, 1, 4]).unbind(0)
        seen = torch.ops.aten.scaled_dot_product_attention(q, k, v, mask)
        x = x + linear(seen.transpose(1, 2).reshape([texts, tokens, width]), w[2], w[3])
        x = torch.layer_norm(x, [width], w[4], w[5], eps)
        x = x + linear(linear_gelu(x, w[6], w[7]), w[8], w[9])
        x = torch.layer_norm(x, [width], w[10], w[11], eps)
    return x
"""
_PACKED = """
def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    scalars: List[Optional[number]] = []
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", scalars, "")

def linear_gelu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    scalars: List[Optional[number]] = []
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "gelu", scalars, "none")
"""
_PLAIN = """
def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.ops.aten.linear(x, weight, bias)

def linear_gelu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.ops.aten.gelu(torch.ops.aten.linear(x, weight, bias))
"""


def fits(folder: Folder) -> bool:
    """Whether this is a plain BERT with mean or first-token pooling."""
    plain = folder.config.get("model_type") == "bert" and folder.config.get("hidden_act") == "gelu"
    absolute = folder.config.get("position_embedding_type", "absolute") == "absolute"
    pooled = folder.kinds in (("Transformer", "Pooling"), ("Transformer", "Pooling", "Normalize")) and bool(
        folder.pooling
    )
    return plain and absolute and pooled and len(folder.weights) == 1


class Bert:
    """Token numbers to unit vectors. Immutable once built, so safe to call from several threads."""

    def __init__(self, folder: Folder, *, half: bool) -> None:
        import torch
        from safetensors.torch import load_file

        self._torch = torch
        self._dtype = torch.bfloat16 if half else torch.float32
        self._mean = folder.pooling == "mean"
        self._pad = int(folder.config.get("pad_token_id") or 0)
        self._heads = int(folder.config["num_attention_heads"])
        self._eps = float(folder.config.get("layer_norm_eps", 1e-12))
        self._width = int(folder.config["hidden_size"])
        tensors = {name.removeprefix("bert."): tensor for name, tensor in load_file(folder.weights[0]).items()}
        weights = {name: tensor.to(self._dtype) for name, tensor in tensors.items() if tensor.is_floating_point()}
        names = "embeddings.word_embeddings", "embeddings.position_embeddings", "embeddings.token_type_embeddings"
        self._words, positions, types = (weights[f"{name}.weight"] for name in names)
        self._positions = positions + types[0]
        self._norm = [weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"]]
        layers = range(int(folder.config["num_hidden_layers"]))
        self._weights = [self._layer(weights, f"encoder.layer.{number}.") for number in layers]
        self._layers = torch.jit.CompilationUnit((_PACKED if _packs(torch) else _PLAIN) + _LAYERS).layers
        for _ in range(_SETTLED):
            self.encode([[self._pad] * _PACK_ROWS])

    def encode(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """One row a text, in order. Long texts share a pass with long ones, so that little is computed on padding."""
        rows = np.empty((len(texts), self._width), np.float32)
        order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
        start = 0
        with self._torch.inference_mode():
            while start < len(order):
                longest = len(texts[order[start]])
                batch = order[start : start + fitting([len(texts[at]) for at in order[start:]])]
                rows[batch] = self._pass([texts[at] for at in batch], longest)
                start += len(batch)
        return rows

    def _pass(self, texts: list[Sequence[int]], longest: int) -> Vectors:
        torch = self._torch
        lengths = torch.tensor([len(text) for text in texts])
        ids = torch.tensor([[*text, *[self._pad] * (longest - len(text))] for text in texts])
        if int(lengths.min()) == longest:
            hidden = self._hidden(ids, None).float()
            pooled = hidden.mean(1) if self._mean else hidden[:, 0]
        else:
            real = torch.arange(longest)[None, :] < lengths[:, None]
            mask = torch.zeros(real.shape, dtype=self._dtype).masked_fill_(~real, torch.finfo(self._dtype).min)
            hidden = self._hidden(ids, mask[:, None, None, :]).float()
            pooled = (hidden * real[..., None]).sum(1) / lengths[:, None] if self._mean else hidden[:, 0]
        unit: Vectors = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return unit

    def _hidden(self, ids: Any, mask: Any) -> Any:
        return self._layers(ids, mask, self._words, self._positions, self._norm, self._weights, self._heads, self._eps)

    def _layer(self, weights: dict[str, Any], at: str) -> list[Any]:
        torch = self._torch

        def pair(name: str) -> tuple[Any, Any]:
            return weights[f"{at}{name}.weight"], weights[f"{at}{name}.bias"]

        parts = [pair(f"attention.self.{name}") for name in ("query", "key", "value")]
        qkv = torch.cat([weight for weight, _ in parts]), torch.cat([bias for _, bias in parts])
        pack = _packer(torch)
        return [
            *pack(qkv), *pack(pair("attention.output.dense")), *pair("attention.output.LayerNorm"),
            *pack(pair("intermediate.dense")), *pack(pair("output.dense")), *pair("output.LayerNorm"),
        ]  # fmt: skip


def _packs(torch: Any) -> bool:
    """Whether this build has the processor's packed matrix products (x86 does)."""
    return bool(torch.backends.mkldnn.is_available()) and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _packer(torch: Any) -> Any:
    if not _packs(torch):
        return lambda pair: pair
    return lambda pair: (torch.ops.mkldnn._reorder_linear_weight(pair[0], _PACK_ROWS), pair[1])


def fitting(lengths: Sequence[int]) -> int:
    """How many of the texts, longest first, share the next pass: as many as fit, ended where padding would cost more
    than a further pass."""
    most = max(1, min(len(lengths), BATCH_TOKENS // lengths[0]))
    real = 0
    for count, length in enumerate(lengths[:most]):
        padded = count * lengths[0]
        if padded >= ENOUGH_TOKENS and padded + lengths[0] - real - length > PADDING * padded:
            return count
        real += length
    return most
