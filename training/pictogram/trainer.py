"""Training of the pictogram painter. An interrupted training continues from its checkpoint:

checkpoint.safetensors   weights, their moving average, the optimizer's two moments; metadata: step and network sizes
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from apps.engines.image.pictogram import engine
from apps.engines.image.pictogram.engine import LoadedPainter
from apps.engines.image.pictogram.network import PictogramNet
from apps.engines.image.pictogram.network_config import NetworkConfig
from apps.engines.image.pictogram.sampler import sample_pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BETAS = (0.9, 0.95)
_MIN_REMAINING_TIME = 0.2
_EMPTY_PROMPT_SHARE = 0.1  # share of pictures trained with an empty prompt, for classifier-free guidance
_MIXED_SHARE, _MAX_MIX = 0.3, 0.4  # share of sketches that are mixed with another, and the largest mixing weight
_SKETCH_NOISE = 0.04  # standard deviation of the noise on sketches
_CHECKPOINT_S = 300  # seconds between two checkpoints


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Hyperparameters of a training."""

    steps: int = 8000
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup_steps: int = 200  # steps until the full learning rate
    average_decay: float = 0.998  # decay of the moving average of the weights
    seed: int = 0


class TrainingBatch(NamedTuple):
    """Batch of training pictures with their vectors and sketches."""

    pictures: Tensor  # (n, 3, SIDE, SIDE), from -1 to 1
    vectors: Tensor  # (n, MEANING)
    sketches: Tensor  # (n, 3, sketch, sketch)


def set_thread_count(number: int) -> None:
    """Set the number of torch threads; 0 leaves the default."""
    if number:
        torch.set_num_threads(number)


class TrainingPictures:
    """Training pictures (n, 3, 64, 64), uint8, and for each the vectors (captions, 384) of its names and captions."""

    def __init__(self, pictures: NDArray[np.uint8], vectors: NDArray[np.float32]) -> None:
        self.pictures, self.vectors = pictures, vectors

    def draw(self, size: int, sketches: Tensor, generator: torch.Generator) -> TrainingBatch:
        """Return a random batch of `size` pictures, some with an empty prompt. Sketches get noise, and some are mixed
        with another picture's, as for prompts outside the training data."""
        rows, others = torch.randint(len(self.pictures), (2, size), generator=generator)
        pictures = torch.from_numpy(self.pictures[rows.numpy()]).float() / 127.5 - 1
        picks = torch.randint(self.vectors.shape[1], (size,), generator=generator)
        vectors = torch.from_numpy(self.vectors[rows.numpy(), picks.numpy()])
        has_prompt = (torch.rand(size, 1, generator=generator) >= _EMPTY_PROMPT_SHARE).float()
        mixed = (torch.rand(size, 1, generator=generator) - 1 + _MIXED_SHARE).clamp(min=0) / _MIXED_SHARE * _MAX_MIX
        shown = sketches[rows] * (1 - mixed) + sketches[others] * mixed
        shown = shown + _SKETCH_NOISE * torch.randn(shown.shape, generator=generator)
        side = math.isqrt(shown.shape[1] // 3)
        return TrainingBatch(pictures, vectors * has_prompt, (shown * has_prompt).view(size, 3, side, side))


def train(
    pictures: TrainingPictures,
    shape: NetworkConfig,
    plan: TrainingPlan,
    folder: Path,
    log: Callable[[str], object],
    seconds: float = math.inf,
) -> dict[str, Tensor]:
    """Train for `plan.steps` steps or `seconds`, continuing from the checkpoint in `folder` if it has the same network
    sizes. Return the memory and the moving average of the weights, by name."""
    torch.manual_seed(plan.seed)
    net = PictogramNet(shape)
    with torch.no_grad():
        net.memory.store(pictures.vectors, pictures.pictures)
    state = _State(net, plan)
    step = state.load(folder / "checkpoint.safetensors", shape)
    generator = torch.Generator().manual_seed(plan.seed + step)
    started = saved = logged = time.monotonic()
    losses: list[float] = []
    while step < plan.steps and time.monotonic() - started < seconds:
        losses.append(
            _train_step(
                net, state, pictures.draw(plan.batch_size, net.memory.sketches, generator), step, plan, generator
            )
        )
        step += 1
        now = time.monotonic()
        if now - logged > 30:
            log(f"step {step:,} of {plan.steps:,}: loss {sum(losses) / len(losses):.4f}, {now - started:.0f} s")
            logged, losses = now, []
        if now - saved > _CHECKPOINT_S:
            state.save(folder / "checkpoint.safetensors", shape, step)
            saved = now
    state.save(folder / "checkpoint.safetensors", shape, step)
    return state.average | {f"memory.{name}": value for name, value in net.memory.named_parameters()}


def _train_step(
    net: PictogramNet, state: _State, batch: TrainingBatch, step: int, plan: TrainingPlan, generator: torch.Generator
) -> float:
    pictures, vectors, sketches = batch
    times = torch.rand(len(pictures), generator=generator)
    at = times[:, None, None, None]
    noisy = at * pictures + (1 - at) * torch.randn(pictures.shape, generator=generator)
    predicted = net(noisy, times, vectors, sketches)
    weight = 1 / (1 - at).clamp(
        min=_MIN_REMAINING_TIME
    )  # weighting between a loss on the picture and one on the velocity
    loss = (weight * F.mse_loss(predicted, pictures, reduction="none")).mean()
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    state.step(step, plan)
    return float(loss.detach())


class _State:
    """Optimizer and moving average of the weights."""

    def __init__(self, net: PictogramNet, plan: TrainingPlan) -> None:
        self.net = net
        # The memory is not trained.
        self.trained = {name: value for name, value in net.named_parameters() if value.requires_grad}
        self.optimizer = torch.optim.AdamW(
            self.trained.values(), lr=plan.learning_rate, betas=_BETAS, weight_decay=0.01
        )
        self.average = {name: value.detach().clone() for name, value in self.trained.items()}

    def step(self, step: int, plan: TrainingPlan) -> None:
        left = max(0.0, 1 - step / plan.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = plan.learning_rate * min(1.0, (step + 1) / plan.warmup_steps) * min(1.0, left / 0.3 + 0.01)
        self.optimizer.step()
        decay = min(plan.average_decay, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in self.trained.items():
                self.average[name].lerp_(value, 1 - decay)

    def save(self, path: Path, shape: NetworkConfig, step: int) -> None:
        """Write the checkpoint atomically."""
        tensors: dict[str, Tensor] = {}
        for name, value in self.trained.items():
            moments = self.optimizer.state.get(value, {})
            tensors |= {f"net.{name}": value.detach(), f"average.{name}": self.average[name]}
            tensors |= {f"{key}.{name}": moments[key] for key in ("exp_avg", "exp_avg_sq") if key in moments}
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path.with_suffix(".part"), {"step": str(step), "shape": json.dumps(asdict(shape))})
        path.with_suffix(".part").replace(path)

    def load(self, path: Path, shape: NetworkConfig) -> int:
        """Load the checkpoint and return its step; 0 if there is none of these sizes."""
        if not path.exists():
            return 0
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            if json.loads(metadata["shape"]) != asdict(shape):
                return 0
            step = int(metadata["step"])
            names = set(file.keys())
            with torch.no_grad():
                for name, value in self.trained.items():
                    value.copy_(file.get_tensor(f"net.{name}"))
                    self.average[name].copy_(file.get_tensor(f"average.{name}"))
                    if f"exp_avg.{name}" in names:
                        moments = {key: file.get_tensor(f"{key}.{name}") for key in ("exp_avg", "exp_avg_sq")}
                        self.optimizer.state[value] = {"step": torch.tensor(float(step)), **moments}
        return step


def save_painter(path: Path, weights: dict[str, Tensor], shape: NetworkConfig, names: Sequence[str]) -> str:
    """Write the weights file in bfloat16 and return its SHA-256."""
    tensors = {f"net.{name}": value.bfloat16().contiguous() for name, value in weights.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {"shape": json.dumps(asdict(shape)), "names": json.dumps(list(names))})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def draw_batch(loaded: LoadedPainter, vectors: NDArray[np.float32], seeds: Sequence[int]) -> NDArray[np.float32]:
    """Return pictures of shape (n, 3, 64, 64), -1 to 1, one per vector (384,) and seed, with the default steps and
    guidance. For measurements."""
    meaning = torch.from_numpy(np.asarray(vectors, np.float32))
    drawn = sample_pictures(loaded.net, meaning, list(seeds), engine.STEPS, engine.GUIDANCE)
    return np.asarray(drawn.numpy(), np.float32)
