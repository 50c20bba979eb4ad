"""Tiny sequence-pair classifiers of transformers with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_WORDS = "when does the ferry leave leaves at nine tea is green a boat opened in 1931 library books six members"


def build(place: Path, labels: int, bias: Sequence[float] | None = None, names: Sequence[str] | None = None) -> Path:
    """Write a model with config, tokenizer and safetensors, and return its folder. With `bias` its logits are exactly
    that."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = place / "pairs"
    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_WORDS.split()]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, num_labels=labels,
    )  # fmt: skip
    if names:
        config.id2label = dict(enumerate(names))
        config.label2id = {name: at for at, name in enumerate(names)}
    torch.manual_seed(5)
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        if bias is None:
            model.classifier.weight.mul_(20)
        else:
            model.classifier.weight.zero_()
            model.classifier.bias.copy_(torch.tensor(bias))
    model.save_pretrained(folder, safe_serialization=True)
    return folder
