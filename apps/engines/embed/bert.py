"""Forward pass of a plain BERT: the numbers of the transformers library in a fraction of its time.

The layers are functions of `torch.nn.functional`. Query, key and value are one product. The texts of a pass are
concatenated and only attend within themselves, so no padding is computed. Pooling uses float32, whatever the dtype of
the weights. `docs/develop/decisions/023-the-encoder-is-plain-functions.md` says what else was measured.

A pass takes one core, and several passes run side by side. One pass over all cores would wait at each step for a core
that another thread uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from apps.engines.embed.span_pooling import pool_spans

if TYPE_CHECKING:
    from torch import Tensor

    from apps.engines.embed.model_folder import ModelFolder
    from apps.engines.embed.protocol import SpanEmbeddings, Spans
    from apps.engines.types import Vectors

_Pair = tuple["Tensor", "Tensor"]  # weight and bias

_WORDS = "embeddings.word_embeddings.weight"
PASS_TOKENS = 4096  # tokens of one pass at most: large enough for the kernels, small enough for the caches
MIN_PARALLEL_TOKENS = 512  # fewer tokens are not worth a second core
_READ_TEXTS = 32  # texts whose states are computed in one pass


def is_plain_bert(folder: ModelFolder) -> bool:
    """Return whether this is a plain BERT with mean or first-token pooling, which BertEncoder supports."""
    plain = folder.config.get("model_type") == "bert" and folder.config.get("hidden_act") == "gelu"
    absolute = folder.config.get("position_embedding_type", "absolute") == "absolute"
    pooled = folder.module_kinds in (("Transformer", "Pooling"), ("Transformer", "Pooling", "Normalize")) and bool(
        folder.pooling
    )
    return plain and absolute and pooled and len(folder.weights) == 1


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights and biases of one layer."""

    qkv: _Pair
    attended: _Pair
    attention_norm: _Pair
    inner: _Pair
    outer: _Pair
    norm: _Pair


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
        weights = {
            name: tensor.to(self._dtype)
            for name, tensor in tensors.items()
            if tensor.is_floating_point() and name != _WORDS
        }
        # Rows stay in the file's own memory map and precision until a text needs them: 250,000 words would be 200 MB.
        self._words = tensors[_WORDS]
        names = "embeddings.position_embeddings", "embeddings.token_type_embeddings"
        positions, types = (weights[f"{name}.weight"] for name in names)
        self._positions = positions + types[0]
        self._norm = weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"]
        layers = range(int(folder.config["num_hidden_layers"]))
        self._weights = [self._layer(weights, f"encoder.layer.{number}.") for number in layers]
        self._threads = threads
        self._cores = ThreadPoolExecutor(threads, "embed")  # shared by all callers, so that no core runs two passes

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
            means = []
            for rows, count, length in zip(self._split(last.float(), counts, lengths), counts, lengths, strict=True):
                group = rows.view(count, length, -1)
                means.append(group.mean(1) if self._mean else group[:, 0])
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
        x = self._layer_norm(self._words[ids].to(self._dtype) + self._positions[positions], self._norm)
        hidden = []
        for number, layer in enumerate(self._weights[:layers], 1):
            x = self._run_layer(x, layer, counts, lengths)
            if number == state_layer:
                hidden.append(x)
        return order, lengths, counts, [*hidden, x]

    def _run_layer(self, x: Tensor, layer: _Layer, counts: Sequence[int], lengths: Sequence[int]) -> Tensor:
        """Return the states after a layer, shape (tokens, width)."""
        functional = self._torch.nn.functional
        mixed = functional.linear(x, *layer.qkv)
        attended = []
        for group, count, length in zip(self._split(mixed, counts, lengths), counts, lengths, strict=True):
            q, k, v = group.view(count, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
            pooled = functional.scaled_dot_product_attention(q, k, v)
            attended.append(pooled.transpose(1, 2).reshape(-1, self._width))
        x = self._layer_norm(x + functional.linear(self._torch.cat(attended), *layer.attended), layer.attention_norm)
        inner = functional.gelu(functional.linear(x, *layer.inner))
        return self._layer_norm(x + functional.linear(inner, *layer.outer), layer.norm)

    def _layer_norm(self, x: Tensor, norm: _Pair) -> Tensor:
        return self._torch.nn.functional.layer_norm(x, [self._width], *norm, self._eps)

    @staticmethod
    def _split(x: Tensor, counts: Sequence[int], lengths: Sequence[int]) -> Sequence[Tensor]:
        """Return the rows of each group of texts of one length."""
        groups: Sequence[Tensor] = x.split([count * length for count, length in zip(counts, lengths, strict=True)])
        return groups

    def _layer(self, weights: dict[str, Tensor], at: str) -> _Layer:
        def pair(name: str) -> _Pair:
            return weights[f"{at}{name}.weight"], weights[f"{at}{name}.bias"]

        parts = [pair(f"attention.self.{name}") for name in ("query", "key", "value")]
        return _Layer(
            qkv=(self._torch.cat([weight for weight, _ in parts]), self._torch.cat([bias for _, bias in parts])),
            attended=pair("attention.output.dense"),
            attention_norm=pair("attention.output.LayerNorm"),
            inner=pair("intermediate.dense"),
            outer=pair("output.dense"),
            norm=pair("output.LayerNorm"),
        )


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
