"""Tests of reranker and NLI model by name: any model of transformers' own classes, from safetensors only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.engines.nli.transformers_model import TransformersNli
from apps.engines.pair_model import PairModel
from apps.engines.rank.cross_encoder import CrossEncoder
from apps.engines.rank.none import NoRank
from apps.engines.types import EngineBroken
from tests.engines.nli.tiny_pair_models import build

QUESTION = "when does the ferry leave"
TEXTS = ["the ferry leaves at nine", "tea is green", "a boat " * 400, ""]


def test_scores_are_those_of_the_library(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = build(tmp_path, labels=1)
    found = CrossEncoder(str(folder)).scores(QUESTION, TEXTS)

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for text, score in zip(TEXTS, found, strict=True):
        read = tokenizer(QUESTION, text, truncation="longest_first", max_length=64, return_tensors="pt")
        with torch.inference_mode():
            assert score == pytest.approx(float(torch.sigmoid(model(**read).logits)[0, 0]), abs=1e-5)


def test_two_labels_are_irrelevant_and_relevant(tmp_path: Path) -> None:
    folder = build(tmp_path, labels=2, bias=[0.0, 3.0])

    assert all(score > 0.9 for score in CrossEncoder(str(folder)).scores(QUESTION, TEXTS))


def test_empty_list_of_texts_gives_no_scores(tmp_path: Path) -> None:
    assert CrossEncoder(str(tmp_path / "absent")).scores(QUESTION, []) == []


def test_a_model_of_three_labels_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(EngineBroken, match="tells 3 things apart"):
        CrossEncoder(str(build(tmp_path, labels=3))).scores(QUESTION, TEXTS)


def test_entailment_is_found_by_its_label_wherever_it_stands(tmp_path: Path) -> None:
    names = ["CONTRADICTION", "Entailment", "neutral"]
    folder = build(tmp_path, labels=3, bias=[0.0, 4.0, 0.0], names=names)

    scores = TransformersNli(str(folder)).entailment_scores([(text, QUESTION) for text in TEXTS])

    assert all(0.9 < score < 1 for score in scores)
    assert PairModel(str(folder)).labels == ("contradiction", "entailment", "neutral")


def test_a_model_without_such_a_label_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineBroken, match="SUPPORT_MODEL knows label_0, label_1"):
        TransformersNli(str(build(tmp_path, labels=2))).entailment_scores([("a", "b")])


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    folder = build(tmp_path, labels=1)
    weights = AutoModelForSequenceClassification.from_pretrained(folder).state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")

    with pytest.raises(EngineBroken, match="cannot be loaded"):
        CrossEncoder(str(folder)).scores(QUESTION, TEXTS)


def test_score_that_is_no_finite_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineBroken, match="not a finite number"):
        CrossEncoder(str(build(tmp_path, labels=1, bias=[np.nan]))).scores(QUESTION, TEXTS)


def test_reranker_none_leaves_the_order_as_it_is() -> None:
    assert not NoRank().active
    assert NoRank().scores(QUESTION, TEXTS) == [0.0] * len(TEXTS)
