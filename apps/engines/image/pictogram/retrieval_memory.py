"""What the painter remembers: a sketch of each picture that it has seen, found again by what people call it.

A network small enough for any processor learns how pictograms look in hours, and what each of two thousand looks like
only in days. So the second is not left to it: the words recall a sketch, a sixteenth of the numbers of a picture, by
the attention of one softmax over the vectors of captions (a modern Hopfield network; Ramsauer et al. 2020), and the
network draws that out. Where several are about as near, chance decides among them, so that each seed has its own.
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

_SHARP = 50.0  # of the softmax: two captions that differ by a cosine of 0.02 differ by e
_SURE = 0.3  # temperature after chance has spoken: mostly one of them


class RetrievalMemory(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: NetworkConfig) -> None:
        super().__init__()
        self.keys = nn.Parameter(torch.zeros(shape.pictures, shape.captions, MEANING), requires_grad=False)
        self.sketches = nn.Parameter(torch.zeros(shape.pictures, 3 * shape.sketch**2), requires_grad=False)
        self.shape = shape

    def keep(self, keys: NDArray[np.float32], pictures: NDArray[np.uint8]) -> None:
        """`keys` (pictures, captions, MEANING), vectors of length 1; `pictures` (pictures, 3, SIDE, SIDE)."""
        whole = torch.from_numpy(pictures).float() / 127.5 - 1
        self.keys.copy_(torch.from_numpy(keys))
        self.sketches.copy_(F.avg_pool2d(whole, SIDE // self.shape.sketch).flatten(1))

    def recalled(self, meaning: Tensor, seeds: list[int]) -> Tensor:
        """(n, 3, sketch, sketch): what each vector (n, MEANING), for its seed, brings to mind."""
        near = torch.einsum("nd,pcd->npc", meaning, self.keys).amax(2)  # the nearest caption of each picture
        chance = [torch.rand(near.shape[1], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        gumbel = -torch.log(-torch.log(torch.stack(chance).clamp(1e-9, 1 - 1e-7)))
        share = F.softmax((_SHARP * near + gumbel) / _SURE, 1)
        return cast(Tensor, share @ self.sketches).view(len(meaning), 3, self.shape.sketch, self.shape.sketch)

    def alignment(self, picture: Tensor, meaning: Tensor) -> float:
        """How near a vector (MEANING,) is to what that is called which a picture (3, SIDE, SIDE) looks like most."""
        sketch = F.avg_pool2d(picture[None], SIDE // self.shape.sketch).flatten()
        nearest = int(((self.sketches - sketch) ** 2).mean(1).argmin())
        return float((self.keys[nearest] @ meaning).max())


def enlarge_sketch(sketch: Tensor) -> Tensor:
    """(n, 3, SIDE, SIDE)."""
    return F.interpolate(sketch, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
