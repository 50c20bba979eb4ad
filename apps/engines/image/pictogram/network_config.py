"""Sizes of the pictogram network, in a module of its own so that they can be read without loading torch."""

from __future__ import annotations

from dataclasses import dataclass

SIDE = 64  # pixels
MEANING = 384  # dimension of a sentence vector


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes of the network; stored with the weights."""

    width: int = 192
    depth: int = 6
    heads: int = 4
    patch: int = 8  # pixels
    words: int = 2  # tokens that represent the sentence vector
    sketch: int = 16  # side in pixels of a remembered sketch
    pictures: int = 0  # number of remembered pictures
    captions: int = 6  # captions per picture
