"""How the built-in painter learns. Checkpoints are safetensors too, and a training that was broken off goes on.

checkpoint.safetensors   weights, their moving average, the optimizer's two moments; the step and the shape as metadata
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from apps.engines.image.pictogram.network import PictogramNet
from apps.engines.image.pictogram.network_config import NetworkConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BETAS = (0.9, 0.95)
_HEAVIEST = 0.2
_WITHOUT = 0.1  # of the pictures are learnt without words, so that words can be weighed against none
_MIXED, _MOST_MIXED = 0.3, 0.4  # share of sketches that are mixed with another, and by how much at most
_UNSURE = 0.04  # standard deviation of what a sketch is off by
_KEEP_S = 300  # between two checkpoints


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    steps: int = 8000
    batch: int = 64
    rate: float = 1e-3
    warm: int = 200  # steps until the full rate
    average: float = 0.998  # of the moving average of the weights
    seed: int = 0


class TrainingBatch(NamedTuple):
    pictures: Tensor  # (n, 3, SIDE, SIDE), from -1 to 1
    vectors: Tensor  # (n, MEANING)
    sketches: Tensor  # (n, 3, sketch, sketch)


def set_thread_count(number: int) -> None:
    """0: as many as there are."""
    if number:
        torch.set_num_threads(number)


class TrainingPictures:
    """Pictures (n, 3, 64, 64) as uint8, and for each the vectors (captions, 384) of its names and words."""

    def __init__(self, pictures: NDArray[np.uint8], vectors: NDArray[np.float32]) -> None:
        self.pictures, self.vectors = pictures, vectors

    def draw(self, size: int, sketches: Tensor, chance: torch.Generator) -> TrainingBatch:
        """So many pictures, some of them without words. A sketch is what is remembered of the picture, not quite sure
        and mixed with that of another, as for words that were never heard."""
        rows, others = torch.randint(len(self.pictures), (2, size), generator=chance)
        pictures = torch.from_numpy(self.pictures[rows.numpy()]).float() / 127.5 - 1
        picks = torch.randint(self.vectors.shape[1], (size,), generator=chance)
        vectors = torch.from_numpy(self.vectors[rows.numpy(), picks.numpy()])
        kept = (torch.rand(size, 1, generator=chance) >= _WITHOUT).float()
        mixed = (torch.rand(size, 1, generator=chance) - 1 + _MIXED).clamp(min=0) / _MIXED * _MOST_MIXED
        seen = sketches[rows] * (1 - mixed) + sketches[others] * mixed
        seen = seen + _UNSURE * torch.randn(seen.shape, generator=chance)
        side = math.isqrt(seen.shape[1] // 3)
        return TrainingBatch(pictures, vectors * kept, (seen * kept).view(size, 3, side, side))


def train(
    lessons: TrainingPictures,
    shape: NetworkConfig,
    plan: TrainingPlan,
    folder: Path,
    say: Callable[[str], object],
    seconds: float = math.inf,
) -> dict[str, Tensor]:
    """What is remembered, and the moving average of the weights after `plan.steps` steps or as many as `seconds` allow;
    they go on from the checkpoint in `folder` where there is one of this shape."""
    torch.manual_seed(plan.seed)
    net = PictogramNet(shape)
    with torch.no_grad():
        net.memory.keep(lessons.vectors, lessons.pictures)
    state = _State(net, plan)
    step = state.load(folder / "checkpoint.safetensors", shape)
    chance = torch.Generator().manual_seed(plan.seed + step)
    began = kept = told = time.monotonic()
    losses: list[float] = []
    while step < plan.steps and time.monotonic() - began < seconds:
        losses.append(_learn(net, state, lessons.draw(plan.batch, net.memory.sketches, chance), step, plan, chance))
        step += 1
        now = time.monotonic()
        if now - told > 30:
            say(f"step {step:,} of {plan.steps:,}: loss {sum(losses) / len(losses):.4f}, {now - began:.0f} s")
            told, losses = now, []
        if now - kept > _KEEP_S:
            state.save(folder / "checkpoint.safetensors", shape, step)
            kept = now
    state.save(folder / "checkpoint.safetensors", shape, step)
    return state.average | {f"memory.{name}": value for name, value in net.memory.named_parameters()}


def _learn(
    net: PictogramNet, state: _State, lesson: TrainingBatch, step: int, plan: TrainingPlan, chance: torch.Generator
) -> float:
    pictures, vectors, sketches = lesson
    times = torch.rand(len(pictures), generator=chance)
    at = times[:, None, None, None]
    noisy = at * pictures + (1 - at) * torch.randn(pictures.shape, generator=chance)
    meant = net(noisy, times, vectors, sketches)
    weight = 1 / (1 - at).clamp(min=_HEAVIEST)  # between an error of the picture and one of the velocity
    loss = (weight * F.mse_loss(meant, pictures, reduction="none")).mean()
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    state.step(step, plan)
    return float(loss.detach())


class _State:
    """The optimizer, and the moving average of the weights."""

    def __init__(self, net: PictogramNet, plan: TrainingPlan) -> None:
        self.net = net
        # What is remembered stays as it is.
        self.learnt = {name: value for name, value in net.named_parameters() if value.requires_grad}
        self.optimizer = torch.optim.AdamW(self.learnt.values(), lr=plan.rate, betas=_BETAS, weight_decay=0.01)
        self.average = {name: value.detach().clone() for name, value in self.learnt.items()}

    def step(self, step: int, plan: TrainingPlan) -> None:
        left = max(0.0, 1 - step / plan.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = plan.rate * min(1.0, (step + 1) / plan.warm) * min(1.0, left / 0.3 + 0.01)
        self.optimizer.step()
        kept = min(plan.average, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in self.learnt.items():
                self.average[name].lerp_(value, 1 - kept)

    def save(self, path: Path, shape: NetworkConfig, step: int) -> None:
        """Whole or not at all."""
        tensors: dict[str, Tensor] = {}
        for name, value in self.learnt.items():
            moments = self.optimizer.state.get(value, {})
            tensors |= {f"net.{name}": value.detach(), f"average.{name}": self.average[name]}
            tensors |= {f"{key}.{name}": moments[key] for key in ("exp_avg", "exp_avg_sq") if key in moments}
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path.with_suffix(".part"), {"step": str(step), "shape": json.dumps(asdict(shape))})
        path.with_suffix(".part").replace(path)

    def load(self, path: Path, shape: NetworkConfig) -> int:
        """The step at which the checkpoint was made; 0 where there is none of this shape."""
        if not path.exists():
            return 0
        with safe_open(path, "pt") as file:
            said = file.metadata()
            if json.loads(said["shape"]) != asdict(shape):
                return 0
            step = int(said["step"])
            there = set(file.keys())
            with torch.no_grad():
                for name, value in self.learnt.items():
                    value.copy_(file.get_tensor(f"net.{name}"))
                    self.average[name].copy_(file.get_tensor(f"average.{name}"))
                    if f"exp_avg.{name}" in there:
                        moments = {key: file.get_tensor(f"{key}.{name}") for key in ("exp_avg", "exp_avg_sq")}
                        self.optimizer.state[value] = {"step": torch.tensor(float(step)), **moments}
        return step
