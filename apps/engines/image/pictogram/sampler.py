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
    mask: Tensor  # (1, SIDE, SIDE): 1 is drawn anew, 0 stays

    def apply(self, x: Tensor, noise: Tensor, time: float) -> Tensor:
        """Return `x` with the kept region replaced by its original, as noisy as time `time` requires."""
        original = (1 - time) * noise + time * self.pixels
        return self.mask * x + (1 - self.mask) * original


def sample_pictures(
    net: PictogramNet,
    meaning: Tensor,
    seeds: list[int],
    steps: int,
    guidance: float,
    on_step: Callable[[int, Tensor], None] = lambda step, picture: None,
    kept_region: KeptRegion | None = None,
) -> Tensor:
    """Draw pictures (n, 3, SIDE, SIDE), -1 to 1, one per row of `meaning` (n, 384) and seed.

    `guidance` 1 uses the network's prediction; more moves it away from that for an empty prompt. `on_step` gets the
    number of each step, from 1, and the predicted pictures; an exception in it ends the drawing. `kept_region` is
    restored after each step with matching noise, so that the network sees it and draws what fits."""
    noise = [torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    x = initial_noise = NOISE * torch.stack(noise)
    with torch.inference_mode():
        sketch = net.memory.recall(meaning, seeds)
    times = [1 - (1 - step / steps) ** 1.3 for step in range(steps + 1)]
    predicted = x
    with torch.inference_mode():
        for step in range(steps):
            time, next_time = times[step], times[step + 1]
            predicted = _predict(net, x, time, meaning, sketch, guidance)
            velocity = (predicted - x) / max(1 - time, NEAR)
            x = x + velocity * (next_time - time) if step + 1 < steps else predicted
            if kept_region is not None:
                x, predicted = (
                    kept_region.apply(x, initial_noise, next_time),
                    kept_region.apply(predicted, initial_noise, 1),
                )
            on_step(step + 1, predicted)
    return predicted.clamp(-1, 1)


def _predict(net: PictogramNet, x: Tensor, at_time: float, meaning: Tensor, sketch: Tensor, guidance: float) -> Tensor:
    time = torch.full((len(x),), at_time)
    if guidance == 1 or at_time > 0.9:
        conditioned: Tensor = net(x, time, meaning, sketch)
        return conditioned
    conditions = torch.cat([meaning, torch.zeros_like(meaning)]), torch.cat([sketch, torch.zeros_like(sketch)])
    outputs = net(torch.cat([x, x]), torch.cat([time, time]), *conditions)
    with_prompt, without_prompt = outputs.chunk(2)
    guided: Tensor = without_prompt + guidance * (with_prompt - without_prompt)
    return guided
