"""Network of the pictogram painter: a small diffusion transformer that gets noise, a sentence vector and a sketch.

The network predicts the finished picture ("x-prediction"). Pictures lie on a low-dimensional manifold and noise does
not, so a narrow network can learn the former only (Li and He, "Back to basics", 2025).
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.engines.image.pictogram.network_config import MEANING, SIDE, NetworkConfig
from apps.engines.image.pictogram.retrieval_memory import RetrievalMemory, enlarge_sketch

_FILTERS = 32


class TransformerBlock(nn.Module):  # type: ignore[misc]
    """Attention and feed-forward block, both modulated by time and meaning."""

    def __init__(self, shape: NetworkConfig) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.first, self.second = nn.RMSNorm(width), nn.RMSNorm(width)
        self.mixed, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.key = nn.RMSNorm(width // shape.heads), nn.RMSNorm(width // shape.heads)
        self.up, self.down = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.table = nn.Parameter(torch.zeros(6, width))  # this block's own addition to the shared modulation

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        shift, scale, gate, shift2, scale2, gate2 = (modulation + self.table).unsqueeze(2).unbind(1)
        x = x + gate * self._attended(self.first(x) * (1 + scale) + shift)
        return x + gate2 * self.down(F.silu(self.up(self.second(x) * (1 + scale2) + shift2)))

    def _attended(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        parts = self.mixed(x).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        found = F.scaled_dot_product_attention(self.query(parts[0]), self.key(parts[1]), parts[2])
        return cast(Tensor, self.out(found.transpose(1, 2).reshape(batch, tokens, width)))


class PictogramNet(nn.Module):  # type: ignore[misc]
    """Diffusion transformer that starts from a sketch, which its retrieval memory finds for the prompt."""

    def __init__(self, shape: NetworkConfig) -> None:
        super().__init__()
        self.shape = shape
        width, pixels = shape.width, 3 * shape.patch**2
        self.memory = RetrievalMemory(shape)
        self.into = nn.Linear(2 * pixels, width)
        self.places = nn.Parameter(_position_grid(SIDE // shape.patch, shape))
        self.time = nn.Sequential(nn.Linear(128, width), nn.SiLU(), nn.Linear(width, width))
        self.meaning = nn.Linear(MEANING, width)
        self.words = nn.Linear(MEANING, shape.words * width)
        self.nothing = nn.Parameter(torch.zeros(MEANING))  # replaces the vector of an empty prompt
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(TransformerBlock(shape) for _ in range(shape.depth))
        self.last, self.out = nn.RMSNorm(width), nn.Linear(width, pixels)
        # Small convolutions over the whole picture smooth the borders between patches.
        self.seams = nn.Sequential(
            nn.Conv2d(10, _FILTERS, 3, padding=1), nn.SiLU(), nn.Conv2d(_FILTERS, _FILTERS, 3, padding=1), nn.SiLU(),
            nn.Conv2d(_FILTERS, 3, 3, padding=1),
        )  # fmt: skip
        nn.init.zeros_(cast(nn.Conv2d, self.seams[-1]).weight)
        nn.init.zeros_(cast(Tensor, cast(nn.Conv2d, self.seams[-1]).bias))
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        with torch.no_grad():
            for block in self.blocks:
                cast(TransformerBlock, block).table[[2, 5]] = 0.5  # the gates start half open

    def forward(self, noisy: Tensor, time: Tensor, meaning: Tensor, sketch: Tensor) -> Tensor:
        """Return the predicted picture (n, 3, SIDE, SIDE). `noisy` has that shape too, `time` (n,) goes from 0, noise,
        to 1, `meaning` is (n, MEANING) and `sketch` comes from the memory. Zeros in both mean an empty prompt."""
        shape = self.shape
        blank = (meaning.abs().sum(1, keepdim=True) == 0).to(meaning.dtype)
        meaning = meaning * math.sqrt(MEANING) + blank * self.nothing
        large = enlarge_sketch(sketch)
        x = F.pixel_unshuffle(torch.cat([noisy, large], 1), shape.patch).flatten(2).transpose(1, 2)
        words = self.words(meaning).view(len(noisy), shape.words, shape.width)
        x = torch.cat([words, self.into(x)], 1) + self.places
        known = F.silu(self.time(_waves(time)) + self.meaning(meaning))
        modulation = self.modulation(known).view(len(noisy), 6, shape.width)
        for block in self.blocks:
            x = block(x, modulation)
        x = self.out(self.last(x[:, shape.words :]))
        side = SIDE // shape.patch
        drawn = large + F.pixel_shuffle(x.transpose(1, 2).unflatten(2, (side, side)), shape.patch)
        when = time[:, None, None, None].expand(-1, 1, SIDE, SIDE)
        return cast(Tensor, drawn + self.seams(torch.cat([noisy, large, drawn, when], 1)))


def _position_grid(side: int, shape: NetworkConfig) -> Tensor:
    """Return position embeddings of shape (words + side * side, width): sines and cosines of row and column. With
    random embeddings a network of this size took thousands of steps to learn the position of each patch."""
    quarter = shape.width // 4
    rates = 1.0 / 100 ** (torch.arange(quarter) / quarter)
    angles = torch.arange(side)[:, None] * rates
    line = torch.cat([angles.sin(), angles.cos()], 1)  # (side, width / 2)
    rows, columns = line[:, None].expand(side, side, -1), line[None].expand(side, side, -1)
    grid = torch.cat([rows, columns], 2).reshape(side * side, -1)
    return torch.cat([torch.randn(shape.words, shape.width) * 0.5, grid])


def _waves(time: Tensor) -> Tensor:
    """Return the time as sines and cosines, shape (n, 128)."""
    rates = torch.exp(torch.arange(64, device=time.device) * (-math.log(1000.0) / 63)) * 100
    angles = time[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)
