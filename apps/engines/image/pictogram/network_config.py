"""Sizes of the built-in painter's network, for those who must not load torch to know them."""

from __future__ import annotations

from dataclasses import dataclass

SIDE = 64  # pixels
MEANING = 384  # numbers of a sentence vector


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """How large the network is; kept with the weights."""

    width: int = 192
    depth: int = 6
    heads: int = 4
    patch: int = 8  # pixels
    words: int = 2  # tokens that the sentence vector becomes
    sketch: int = 16  # pixels of a side of what is remembered of a picture
    pictures: int = 0  # that are remembered
    captions: int = 6  # by which each is found again
