"""Forward pass of a plain BERT: the numbers of the transformers library in a third of its time for a short text.

Weights are packed once for the CPU's matrix kernels; query, key and value are one product. The texts of a pass are
concatenated and only attend within themselves, so no padding is computed. Pooling uses float32, whatever the dtype of
the weights.

The layers are TorchScript: one call that releases the GIL once. Called from Python, their ninety steps each waited for
the GIL again while other threads were busy. A pass takes one core, and several passes run side by side. One pass over
all cores would wait at each step for a core that another thread uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from apps.engines.embed.span_pooling import pool_spans

if TYPE_CHECKING:
    from apps.engines.embed.model_folder import ModelFolder
    from apps.engines.embed.protocol import SpanEmbeddings, Spans
    from apps.engines.types import Vectors

PASS_TOKENS = 4096  # tokens of one pass at most: large enough for the kernels, small enough for the caches
MIN_PARALLEL_TOKENS = 512  # fewer tokens are not worth a second core
_PACK_ROWS = 16  # tokens of a usual question: the shape for which the weights are packed
_READ_TEXTS = 32  # texts whose states are computed in one pass
_WARM_UP_PASSES = 3  # passes after which TorchScript has finished optimising

_LAYERS = """
def layers(ids: Tensor, position_ids: Tensor, counts: List[int], lengths: List[int], words: Tensor, positions: Tensor,
           norm: List[Tensor], weights: List[List[Tensor]], heads: int, eps: float, tap: int) -> List[Tensor]:
    width = words.size(1)
    x = torch.embedding(words, ids) + torch.embedding(positions, position_ids)
    x = torch.layer_norm(x, [width], norm[0], norm[1], eps)
    states: List[Tensor] = []
    for number in range(len(weights)):
        w = weights[number]
        mixed = linear(x, w[0], w[1])
        attended: List[Tensor] = []
        start = 0
        for i in range(len(counts)):
            end = start + counts[i] * lengths[i]
            qkv = mixed[start:end].view([counts[i], lengths[i], 3, heads, -1]).permute([2, 0, 3, 1, 4])
            q, k, v = qkv.unbind(0)
            attended.append(torch.ops.aten.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape([-1, width]))
            start = end
        x = x + linear(torch.cat(attended), w[2], w[3])
        x = torch.layer_norm(x, [width], w[4], w[5], eps)
        x = x + linear(linear_gelu(x, w[6], w[7]), w[8], w[9])
        x = torch.layer_norm(x, [width], w[10], w[11], eps)
        if number + 1 == tap:
            states.append(x)
    states.append(x)
    return states
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


def is_plain_bert(folder: ModelFolder) -> bool:
    """Return whether this is a plain BERT with mean or first-token pooling, which BertEncoder supports."""
    plain = folder.config.get("model_type") == "bert" and folder.config.get("hidden_act") == "gelu"
    absolute = folder.config.get("position_embedding_type", "absolute") == "absolute"
    pooled = folder.module_kinds in (("Transformer", "Pooling"), ("Transformer", "Pooling", "Normalize")) and bool(
        folder.pooling
    )
    return plain and absolute and pooled and len(folder.weights) == 1


class BertEncoder:
    """Encoder of token ids as unit vectors. Immutable once built, so safe to call from several threads."""

    def __init__(self, folder: ModelFolder, *, half: bool, threads: int) -> None:
        import torch
        from safetensors.torch import load_file

        self._torch = torch
        self._dtype = torch.bfloat16 if half else torch.float32
        self._mean = folder.pooling == "mean"
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
        self._layers = torch.jit.CompilationUnit((_PACKED if can_pack_weights(torch) else _PLAIN) + _LAYERS).layers
        self._threads = threads
        self._cores = ThreadPoolExecutor(threads, "embed")  # shared by all callers, so that no core runs two passes
        for _ in range(_WARM_UP_PASSES):
            self.encode([[0] * _PACK_ROWS])

    def encode(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """Return unit vectors of shape (n, width), float32, in the order of `texts`, which are token ids with special
        tokens. A short batch, such as a question, runs on the caller's thread at once; larger ones are queued for all
        cores."""
        return self.encode_inside(texts, [()] * len(texts), 0)[0]

    def encode_inside(
        self, texts: Sequence[Sequence[int]], spans: Sequence[Spans], layers: int
    ) -> tuple[Vectors, list[SpanEmbeddings | None]]:
        """Return the vectors of `encode`, and for each text with token spans their embeddings after `layers` layers;
        None for texts without spans. Both come from one pass."""
        ids = [np.asarray(text, np.int32) for text in texts]
        batches = _batches([len(text) for text in texts], self._threads)

        def encode_batch(batch: list[int]) -> tuple[Vectors, list[SpanEmbeddings | None]]:
            return self._pass([ids[at] for at in batch], [spans[at] for at in batch], layers)

        if len(batches) == 1:
            return self._pass(ids, spans, layers)
        vectors = np.empty((len(texts), self._width), np.float32)
        span_embeddings: list[SpanEmbeddings | None] = [None] * len(texts)
        for batch, (vectors_of_batch, spans_of_batch) in zip(
            batches, self._cores.map(encode_batch, batches), strict=True
        ):
            vectors[batch] = vectors_of_batch
            for at, pieces in zip(batch, spans_of_batch, strict=True):
                span_embeddings[at] = pieces
        return vectors, span_embeddings

    def states(self, texts: Sequence[Sequence[int]], layers: int) -> list[NDArray[np.float32]]:
        """Return for each text the states of its tokens after `layers` layers, shape (tokens, width). Runs on the
        caller's thread."""
        ids = [np.asarray(text, np.int32) for text in texts]
        states_by_text: list[NDArray[np.float32]] = []
        for start in range(0, len(ids), _READ_TEXTS):
            batch = ids[start : start + _READ_TEXTS]
            with self._torch.inference_mode():
                order, lengths, counts, (hidden,) = self._hidden(batch, layers)
            rows: list[Any] = [None] * len(batch)
            ends = np.cumsum(np.repeat(lengths, counts))
            for at, piece in zip(order, np.split(hidden.float().numpy(), ends[:-1]), strict=True):
                rows[at] = piece
            states_by_text += rows
        return states_by_text

    def _pass(
        self, texts: Sequence[NDArray[np.int32]], spans: Sequence[Spans], layers: int
    ) -> tuple[Vectors, list[SpanEmbeddings | None]]:
        torch = self._torch
        inside: list[SpanEmbeddings | None] = [None] * len(texts)
        unit: Vectors = np.empty((len(texts), self._width), np.float32)
        with torch.inference_mode():
            state_layer = layers if any(spans) else 0
            order, lengths, counts, (*early_states, last) = self._hidden(texts, len(self._weights), state_layer)
            end = 0
            for at in order if early_states else ():
                start, end = end, end + len(texts[at])
                if spans[at]:
                    inside[at] = pool_spans(early_states[0][start:end].float().numpy(), spans[at])
            hidden, means, start = last.float(), [], 0
            for length, count in zip(lengths, counts, strict=True):
                group = hidden[start : start + length * count].view(count, length, -1)
                means.append(group.mean(1) if self._mean else group[:, 0])
                start += length * count
            unit[order] = torch.nn.functional.normalize(torch.cat(means), dim=1).numpy()
        return unit, inside

    def _hidden(
        self, texts: Sequence[NDArray[np.int32]], layers: int, state_layer: int = 0
    ) -> tuple[list[int], tuple[int, ...], tuple[int, ...], list[Any]]:
        """Run the layers on texts sorted by length; texts of one length share one attention call. Return the order, the
        lengths, the number of texts per length, and the states after `layers` layers. States after `state_layer` layers
        precede them if `state_layer` is one of the layers."""
        torch = self._torch
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # setting of the calling thread
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        lengths, counts = zip(*Counter(len(texts[at]) for at in order).items(), strict=True)
        ids = torch.from_numpy(np.concatenate([texts[at] for at in order]))
        positions = torch.cat(
            [torch.arange(length).repeat(count) for length, count in zip(lengths, counts, strict=True)]
        )
        hidden = self._layers(
            ids, positions, list(counts), list(lengths), self._words, self._positions, self._norm,
            self._weights[:layers], self._heads, self._eps, state_layer,
        )  # fmt: skip
        return order, lengths, counts, hidden

    def _layer(self, weights: dict[str, Any], at: str) -> list[Any]:
        torch = self._torch

        def pair(name: str) -> tuple[Any, Any]:
            return weights[f"{at}{name}.weight"], weights[f"{at}{name}.bias"]

        parts = [pair(f"attention.self.{name}") for name in ("query", "key", "value")]
        qkv = torch.cat([weight for weight, _ in parts]), torch.cat([bias for _, bias in parts])
        pack = compile_packer(torch)
        return [
            *pack(qkv), *pack(pair("attention.output.dense")), *pair("attention.output.LayerNorm"),
            *pack(pair("intermediate.dense")), *pack(pair("output.dense")), *pair("output.LayerNorm"),
        ]  # fmt: skip


def can_pack_weights(torch: Any) -> bool:
    """Return whether this torch build has packed matrix products (x86 builds do)."""
    return bool(torch.backends.mkldnn.is_available()) and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def compile_packer(torch: Any) -> Any:
    """Return a function that packs a (weight, bias) pair for the matrix kernels, or returns it unchanged where packing
    is not available."""
    if not can_pack_weights(torch):
        return lambda pair: pair
    return lambda pair: (torch.ops.mkldnn._reorder_linear_weight(pair[0], _PACK_ROWS), pair[1])


def _batches(lengths: Sequence[int], cores: int) -> list[list[int]]:
    """Return the indices of the texts in batches of similar token counts, longest texts first. There is a single batch
    or a multiple of `cores`, none much above PASS_TOKENS."""
    total = sum(lengths)
    count = 1 if total <= MIN_PARALLEL_TOKENS else -(-total // (PASS_TOKENS * cores)) * cores
    batches: list[list[int]] = [[]]
    tokens = 0
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if batches[-1] and tokens + lengths[at] / 2 > total * len(batches) / count:
            batches.append([])
        batches[-1].append(at)
        tokens += lengths[at]
    return batches
