"""From noise to a picture along straight lines (flow matching), in as many steps as one likes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from apps.engines.image.pictogram.network import PictogramNet
from apps.engines.image.pictogram.network_config import SIDE

NOISE = 0.3  # of the noise that was learnt from: less makes cleaner drawings, which differ less (truncation)
NEAR = 0.05  # of the end: the time is never taken for nearer, as in training


@dataclass(frozen=True, slots=True)
class KeptRegion:
    """What stays of a picture while a part of it is drawn anew."""

    pixels: Tensor  # (3, SIDE, SIDE) from -1 to 1
    part: Tensor  # (1, SIDE, SIDE): 1 where it is drawn anew, 0 where it stays

    def over(self, x: Tensor, noise: Tensor, now: float) -> Tensor:
        """`x` with what stays in its place, as noisy as it would be at that time."""
        known = (1 - now) * noise + now * self.pixels
        return self.part * x + (1 - self.part) * known


def sample_pictures(
    net: PictogramNet,
    meaning: Tensor,
    seeds: list[int],
    steps: int,
    guidance: float,
    seen: Callable[[int, Tensor], None] = lambda step, picture: None,
    kept: KeptRegion | None = None,
) -> Tensor:
    """Pictures (n, 3, SIDE, SIDE) from -1 to 1, one for each row of `meaning` (n, 384) and seed.

    `guidance` 1 takes what the network says; more goes farther from what it would draw without words. `seen` gets the
    number of each step, from 1, and what the pictures are taken for by then; what it raises ends the drawing. `kept` is
    put back after each step, as noisy as the rest: so the network always sees it, and draws what fits in.
    """
    noise = [torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    x = begun = NOISE * torch.stack(noise)
    with torch.inference_mode():
        sketch = net.memory.recalled(meaning, seeds)
    times = [1 - (1 - step / steps) ** 1.3 for step in range(steps + 1)]
    meant = x
    with torch.inference_mode():
        for step in range(steps):
            now, then = times[step], times[step + 1]
            meant = _meant(net, x, now, meaning, sketch, guidance)
            velocity = (meant - x) / max(1 - now, NEAR)
            x = x + velocity * (then - now) if step + 1 < steps else meant
            if kept is not None:
                x, meant = kept.over(x, begun, then), kept.over(meant, begun, 1)
            seen(step + 1, meant)
    return meant.clamp(-1, 1)


def _meant(net: PictogramNet, x: Tensor, now: float, meaning: Tensor, sketch: Tensor, guidance: float) -> Tensor:
    time = torch.full((len(x),), now)
    if guidance == 1 or now > 0.9:
        found: Tensor = net(x, time, meaning, sketch)
        return found
    words = torch.cat([meaning, torch.zeros_like(meaning)]), torch.cat([sketch, torch.zeros_like(sketch)])
    both = net(torch.cat([x, x]), torch.cat([time, time]), *words)
    with_words, without = both.chunk(2)
    guided: Tensor = without + guidance * (with_words - without)
    return guided
