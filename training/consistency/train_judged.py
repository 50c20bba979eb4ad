"""Go on training the packaged NLI model on sentences that people judged, and write its weights.

Start from the weights of `./run train consistency`. The model reads a claim with the sentences of all passages that
cover it best, up to 256 tokens. Each epoch has other falsified claims, and other rows of the large sets: in all 47,000
pairs, some 45 minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from apps.engines.embed.model_folder import locate_model
from training.consistency.judged import build_pairs, read_rows, split_held_out
from training.consistency.pairs import ClaimPair
from training.consistency.train import ConsistencyNetwork, write_weights
from training.pair_network import cut_batches, read_base

BATCH = 32
PEAK_RATE = 1.2e-4  # learning rate of the encoder; three times that for the head
MAX_TOKENS = 256
SEED = 11  # of the first epoch; each later one has the next
EPOCHS = 4
WARM_UP = 20  # steps
FALLING = 0.3  # share of the steps
FROZEN = 3  # lowest layers, which stay as they are: a third less time
SAVED_EACH = 20  # steps
# Probability that the written weights map to one half: fewer than one in twenty held-out false English rows has a
# source then.
THRESHOLD = 0.62


def load_start(model: ConsistencyNetwork, base: dict[str, Tensor], file: Path) -> None:
    """Set the model to the encoder's weights with the changes of a weight file, and to its head."""
    trained = {name: value.float() for name, value in load_file(file).items()}
    state = {f"bert.{name}": value for name, value in base.items()}
    for key, value in trained.items():
        name, _, kind = key.rpartition(".")
        if key.startswith("head."):
            state[key] = value
        elif kind == "added":
            state[f"bert.{name}"] = state[f"bert.{name}"] + value
        elif kind == "down":
            state[f"bert.{name}"] = state[f"bert.{name}"] + trained[f"{name}.up"] @ value
    missing = model.load_state_dict(state, strict=False).missing_keys
    if missing:
        raise ValueError(f"{file} and the encoder lack {', '.join(missing)}.")


def compute_rate(step: int, steps: int) -> float:
    """Return the share of the peak learning rate at a step, from 1: it rises, stays, and falls in the last quarter."""
    return min(1.0, step / WARM_UP, (steps + 1 - step) / (FALLING * steps))


def train_epoch(model: ConsistencyNetwork, batches: Sequence[Sequence[ClaimPair]], checkpoint: Path) -> None:
    """Train on all batches, from the checkpoint on if there is one, and write one each SAVED_EACH steps."""
    head = list(model.head.parameters())
    body = [value for name, value in model.get_trained_parameters().items() if not name.startswith("head.")]
    optimizer = torch.optim.AdamW([{"params": body}, {"params": head}], lr=PEAK_RATE, weight_decay=0.01)
    done = 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["done"]
    began, mean = time.monotonic(), 0.0
    for step, batch in enumerate(batches[done:], done + 1):
        for group, peak in zip(optimizer.param_groups, (PEAK_RATE, 3 * PEAK_RATE), strict=True):
            group["lr"] = peak * compute_rate(step, len(batches))
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(batch)
        wanted = torch.tensor([float(pair.supported) for pair in batch])
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), wanted)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*body, *head], 1.0)
        optimizer.step()
        mean = 0.98 * mean + 0.02 * loss.item() if mean else loss.item()
        if step % 10 == 0:
            print(f"step {step} of {len(batches)}: loss {mean:.3f}, {time.monotonic() - began:.0f} s", flush=True)
        if step % SAVED_EACH == 0 or step == len(batches):
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "done": step}
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)


def _read_pairs(data: Path, file: Path, seed: int) -> list[ClaimPair]:
    """Return the pairs of an epoch: those of an earlier start, kept beside the checkpoint, or new ones."""
    if file.is_file():
        return [ClaimPair(**row) for row in json.loads(file.read_text(encoding="utf-8"))]
    rows, _ = split_held_out(read_rows(data / "open_train.jsonl.gz"))
    pairs = build_pairs(rows, random.Random(seed))
    file.write_text(json.dumps([asdict(pair) for pair in pairs]), encoding="utf-8")
    return pairs


def main(arguments: Sequence[str]) -> None:
    """Train on the open set and write the weights into a folder. A second run goes on from the checkpoint."""
    parser = argparse.ArgumentParser(prog="train judged_claims", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/claims"), help="folder of the open set")
    parser.add_argument("--start", type=Path, required=True, help="folder of the weights to go on from")
    parser.add_argument("--checkpoint", type=Path, required=True, help="file of the running training")
    parser.add_argument("--steps", type=int, help=f"batches of {BATCH} pairs; all by default")
    parser.add_argument("--out", type=Path, required=True, help="folder of the written weights")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # two were slower beside other work
    torch.manual_seed(SEED)
    batches: list[list[ClaimPair]] = []
    for seed in range(SEED, SEED + EPOCHS):
        pairs = _read_pairs(options.data, options.checkpoint.with_suffix(f".{seed}.pairs"), seed)
        batches += cut_batches(pairs, BATCH, lambda pair: len(pair.claim) + len(pair.source), random.Random(seed))
    batches = batches[: options.steps]
    folder = locate_model("")
    base = read_base(folder)
    model = ConsistencyNetwork(folder, MAX_TOKENS)
    for layer in model.bert.encoder.layer[:FROZEN]:
        layer.requires_grad_(False)
    load_start(model, base, options.start / "consistency.safetensors")
    train_epoch(model, batches, options.checkpoint)
    model.bert.encoder.requires_grad_(True)  # the lowest layers' changes are written, too
    print("SHA-256 of the weights:", write_weights(model, base, options.out, "consistency_en", THRESHOLD))
