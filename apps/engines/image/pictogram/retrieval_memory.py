"""Retrieval memory of the pictogram painter: a sketch of each training picture, found by its captions.

A network small enough for any CPU learns the style of pictograms in hours, but the look of each of two thousand only in
days. The memory supplies the latter: the prompt recalls a sketch with a sixteenth of a picture's numbers, and the
network completes it. The recall is one softmax over caption vectors (a modern Hopfield network; Ramsauer et al. 2020).
Among similarly near pictures random noise decides, so that each seed gives another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.engines.image.pictogram.network_config import MEANING, SIDE, NetworkConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_INVERSE_TEMPERATURE = 50.0  # inverse temperature of the softmax: a difference in cosine of 0.02 is a factor of e
_NOISE_TEMPERATURE = 0.3  # temperature after the random noise: mostly a single picture


class RetrievalMemory(nn.Module):  # type: ignore[misc]
    """Memory of caption vectors (keys) and sketches (values). Not trained."""

    def __init__(self, shape: NetworkConfig) -> None:
        super().__init__()
        self.keys = nn.Parameter(torch.zeros(shape.pictures, shape.captions, MEANING), requires_grad=False)
        self.sketches = nn.Parameter(torch.zeros(shape.pictures, 3 * shape.sketch**2), requires_grad=False)
        self.shape = shape

    def store(self, keys: NDArray[np.float32], pictures: NDArray[np.uint8]) -> None:
        """Store the training pictures. `keys` (pictures, captions, MEANING) are unit vectors; `pictures` (pictures, 3,
        SIDE, SIDE)."""
        scaled = torch.from_numpy(pictures).float() / 127.5 - 1
        self.keys.copy_(torch.from_numpy(keys))
        self.sketches.copy_(F.avg_pool2d(scaled, SIDE // self.shape.sketch).flatten(1))

    def recall(self, meaning: Tensor, seeds: list[int]) -> Tensor:
        """Return the sketches (n, 3, sketch, sketch) for vectors (n, MEANING) and their seeds."""
        cosines = torch.einsum("nd,pcd->npc", meaning, self.keys).amax(2)  # cosine of each picture's nearest caption
        chance = [torch.rand(cosines.shape[1], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        gumbel = -torch.log(-torch.log(torch.stack(chance).clamp(1e-9, 1 - 1e-7)))
        share = F.softmax((_INVERSE_TEMPERATURE * cosines + gumbel) / _NOISE_TEMPERATURE, 1)
        return cast(Tensor, share @ self.sketches).view(len(meaning), 3, self.shape.sketch, self.shape.sketch)

    def alignment(self, picture: Tensor, meaning: Tensor) -> float:
        """Return the cosine of a vector (MEANING,) with the nearest caption of the stored picture that looks most like
        `picture` (3, SIDE, SIDE)."""
        sketch = F.avg_pool2d(picture[None], SIDE // self.shape.sketch).flatten()
        nearest = int(((self.sketches - sketch) ** 2).mean(1).argmin())
        return float((self.keys[nearest] @ meaning).max())


def enlarge_sketch(sketch: Tensor) -> Tensor:
    """Return the sketches enlarged to (n, 3, SIDE, SIDE)."""
    return F.interpolate(sketch, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
