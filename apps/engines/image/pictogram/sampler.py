"""Sampler of the pictogram network: flow matching from noise to a picture in any number of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from apps.engines.image.pictogram.network import PictogramNet
from apps.engines.image.pictogram.network_config import SIDE

NOISE = 0.3  # scale of the initial noise against training: less makes cleaner and less varied drawings (truncation)
NEAR = 0.05  # least distance of the time from its end, as in training


@dataclass(frozen=True, slots=True)
class KeptRegion:
    """Region of a picture that stays while the rest is drawn anew."""

    pixels: Tensor  # (3, SIDE, SIDE) from -1 to 1
    part: Tensor  # (1, SIDE, SIDE): 1 is drawn anew, 0 stays

    def over(self, x: Tensor, noise: Tensor, now: float) -> Tensor:
        """Return `x` with the kept region replaced by its original, as noisy as time `now` requires."""
        known = (1 - now) * noise + now * self.pixels
        return self.part * x + (1 - self.part) * known


def sample_pictures(
    net: PictogramNet,
    meaning: Tensor,
    seeds: list[int],
    steps: int,
    guidance: float,
    on_step: Callable[[int, Tensor], None] = lambda step, picture: None,
    kept: KeptRegion | None = None,
) -> Tensor:
    """Draw pictures (n, 3, SIDE, SIDE), -1 to 1, one per row of `meaning` (n, 384) and seed.

    `guidance` 1 uses the network's prediction; more moves it away from that for an empty prompt. `on_step` gets the
    number of each step, from 1, and the predicted pictures; an exception in it ends the drawing. `kept` is restored
    after each step with matching noise, so that the network sees it and draws what fits.
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
            on_step(step + 1, meant)
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
