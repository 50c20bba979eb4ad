"""Shared parts of trainings of the packaged encoder on pairs of texts: encoder, batches, the file of its changes."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel

T = TypeVar("T")


class PairNetwork(nn.Module):  # type: ignore[misc]
    """Packaged encoder that reads two texts as one sequence, with a head over the first state and the mean of the first
    text's states."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.bert = BertModel.from_pretrained(  # "eager": a third faster backwards on a core than the fused attention
            folder, local_files_only=True, add_pooling_layer=False, attn_implementation="eager"
        )
        self.bert.embeddings.word_embeddings.requires_grad_(False)
        self.bert.embeddings.position_embeddings.requires_grad_(False)
        for module in self.bert.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        width = self.bert.config.hidden_size
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 1))

    def encode(self, read: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return one logit per pair, shape (n,), and the states of its tokens, shape (n, tokens, width)."""
        mask, kinds = read["attention_mask"], read["token_type_ids"]
        states = self.bert(input_ids=read["input_ids"], attention_mask=mask, token_type_ids=kinds).last_hidden_state
        first = (mask * (1 - kinds)).unsqueeze(-1)
        joined = torch.cat([states[:, 0], (states * first).sum(1) / first.sum(1)], 1)
        return self.head(joined).squeeze(-1), states

    def get_trained_parameters(self) -> dict[str, nn.Parameter]:
        """Return the parameters that training changes, by name."""
        return {name: value for name, value in self.named_parameters() if value.requires_grad}


def read_base(folder: Path) -> dict[str, Tensor]:
    """Return the weights of the packaged encoder by name."""
    return {name.removeprefix("bert."): value for name, value in load_file(folder / "model.safetensors").items()}


def cut_batches(items: Sequence[T], size: int, length: Callable[[T], int], rng: random.Random) -> list[list[T]]:
    """Return the items in batches of similar length, shuffled; a rest smaller than `size` is left out."""
    ordered = sorted(items, key=length)
    batches = [list(ordered[at : at + size]) for at in range(0, len(ordered) - size + 1, size)]
    rng.shuffle(batches)
    return batches


def collect_changes(model: PairNetwork, base: Mapping[str, Tensor], rank: int) -> dict[str, Tensor]:
    """Return what the engines load, as float16: the heads, and the change of each other array, of a matrix as a product
    of two of `rank`."""
    out: dict[str, Tensor] = {}
    for name, value in model.get_trained_parameters().items():
        if not name.startswith("bert."):
            out[name] = value.detach().half()
            continue
        name = name.removeprefix("bert.")
        change = value.detach().float() - base[name].float()
        if change.dim() == 2 and min(change.shape) > rank:
            left, sizes, right = torch.linalg.svd(change, full_matrices=False)
            root = sizes[:rank].sqrt()
            out[f"{name}.up"] = (left[:, :rank] * root).half().contiguous()
            out[f"{name}.down"] = (root[:, None] * right[:rank]).half().contiguous()
        else:
            out[f"{name}.added"] = change.half()
    return out


def write_changes(changes: dict[str, Tensor], card: dict[str, Any], folder: Path, name: str) -> str:
    """Write `NAME.safetensors` and `NAME.json` into the folder, and return the SHA-256 of the first."""
    file = folder / f"{name}.safetensors"
    save_file(changes, file)
    (folder / f"{name}.json").write_text(json.dumps(card) + "\n", encoding="utf-8")
    return hashlib.sha256(file.read_bytes()).hexdigest()
