"""Training of the tagger of personal data: the network of `pii_tagger.py` in torch. Deterministic on one machine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from apps.engines.classify.pii_tagger import DILATIONS, Weights
from apps.engines.classify.pii_tagger_features import BUCKETS, SHAPE, TAGS, WordFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apps.engines.classify.protocol import TaggedSpan

_STATE_WIDTH, _LETTERS_WIDTH, _HIDDEN_WIDTH = 96, 32, 128
_BATCH, _GROUP = 32, 320
_LEARNING_RATE = 3e-3
_DROPOUT = 0.3
_NO_LETTERS_SHARE = 0.15  # share of words shown without their letters, so that the model learns from context
_NO_STATE_SHARE = 0.1
_PAD = -100


@dataclass(frozen=True, slots=True)
class TaggerExample:
    """Training example: features of a text and the index in TAGS of each word's tag, shape (words,)."""

    features: WordFeatures
    expected_tags: NDArray[np.int64]


def build_example(features: WordFeatures, expected: Sequence[TaggedSpan]) -> TaggerExample:
    """Return the example of a text whose true spans are `expected`. A word is tagged if it lies wholly inside a span;
    kinds without tags are ignored."""
    tags = np.zeros(len(features.words), np.int64)
    for span in expected:
        if f"B-{span.kind}" not in TAGS:
            continue
        inside = [at for at, (start, end) in enumerate(features.words) if span.start <= start and end <= span.end]
        tags[inside] = TAGS.index(f"I-{span.kind}")
        tags[inside[:1]] = TAGS.index(f"B-{span.kind}")
    half = WordFeatures(features.words, features.ngrams, features.shape, features.states.astype(np.float16))
    return TaggerExample(half, tags)


def train(examples: Sequence[TaggerExample], seed: int, epochs: int) -> Weights:
    """Return the weights by name, rounded to float16 precision, after `epochs` epochs. Examples without words are
    skipped; runs on one thread."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = random.Random(seed)
    items = [item for item in examples if item.features.words]
    net = _net(items[0].features.states.shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), _LEARNING_RATE, weight_decay=0.01)
    steps = epochs * (len(items) // _BATCH + len(items) // _GROUP + 2)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps)
    for _ in range(epochs):
        rng.shuffle(items)
        for start in range(0, len(items), _GROUP):
            group = sorted(items[start : start + _GROUP], key=lambda item: len(item.features.words))
            for at in range(0, len(group), _BATCH):
                inputs, tags = _batch(group[at : at + _BATCH])
                loss = torch.nn.functional.cross_entropy(
                    _forward(net, *inputs).flatten(0, 1), tags.flatten(), ignore_index=_PAD
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
    return {
        name: tensor.detach().numpy().astype(np.float16).astype(np.float32) for name, tensor in net.state_dict().items()
    }


def _net(width: int) -> Any:
    around = {
        f"around{step}": torch.nn.Conv1d(_HIDDEN_WIDTH, _HIDDEN_WIDTH, 3, padding=step, dilation=step)
        for step in DILATIONS
    }
    return torch.nn.ModuleDict(
        {
            "state": torch.nn.Linear(width, _STATE_WIDTH),
            "letters": torch.nn.EmbeddingBag(BUCKETS, _LETTERS_WIDTH, mode="mean"),
            "joined": torch.nn.Linear(_STATE_WIDTH + _LETTERS_WIDTH + SHAPE, _HIDDEN_WIDTH),
            **around,
            "out": torch.nn.Linear(_HIDDEN_WIDTH, len(TAGS)),
        }
    )


def _forward(net: Any, states: Any, shape: Any, bag: Any, starts: Any, mask: Any) -> Any:
    def drop(x: Any) -> Any:
        return torch.nn.functional.dropout(x, _DROPOUT)

    count, longest, _ = states.shape
    letters = net["letters"](bag, starts).view(count, longest, -1) * (torch.rand(count, longest, 1) > _NO_LETTERS_SHARE)
    own = torch.relu(net["state"](states * (torch.rand(count, longest, 1) > _NO_STATE_SHARE)))
    hidden = torch.relu(net["joined"](torch.cat([drop(own), drop(letters), shape], 2))) * mask
    for step in DILATIONS:
        beside = net[f"around{step}"](drop(hidden).transpose(1, 2)).transpose(1, 2)
        hidden = (hidden + torch.relu(beside)) * mask
    return net["out"](drop(hidden))


def _batch(items: Sequence[TaggerExample]) -> tuple[tuple[Any, ...], Any]:
    longest = max(len(item.features.words) for item in items)
    states = torch.zeros(len(items), longest, items[0].features.states.shape[1])
    shape, mask = torch.zeros(len(items), longest, SHAPE), torch.zeros(len(items), longest, 1)
    tags = torch.full((len(items), longest), _PAD)
    bag: list[int] = []
    starts: list[int] = []
    for row, item in enumerate(items):
        count = len(item.features.words)
        states[row, :count] = torch.from_numpy(item.features.states.astype(np.float32))
        shape[row, :count] = torch.from_numpy(item.features.shape)
        tags[row, :count] = torch.from_numpy(item.expected_tags)
        mask[row, :count] = 1
        for at in range(longest):
            starts.append(len(bag))
            bag += item.features.ngrams[at] if at < count else ()
    return (states, shape, torch.tensor(bag), torch.tensor(starts), mask), tags
