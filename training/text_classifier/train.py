"""Training of the packaged text classifiers on the open data sets and synthetic sentences, with their card."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.engines import registry
from apps.engines.classify.identity_terms import neutralise_identity_terms
from apps.engines.classify.linear_classifier import LinearHeads
from apps.safety.text.normalization import normalise
from apps.safety.text.splitting import split_for_classifier
from benchmarks.safety import datasets as safety_datasets
from benchmarks.safety.datasets import LabelledText
from training import linear_heads
from training.text_classifier import synthetic_groups, synthetic_requests

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 20260101
LABELS = (
    "hate", "harassment", "sexual", "child_exploitation", "violence", "self_harm", "crime", "prompt_attack", "harm",
)  # fmt: skip
_HARMLESS = dict.fromkeys(LABELS, False)
_MAX_OFFENSIVE = 3000  # tweets of that kind used; the set has six times as many
_WEIGHTS = {"davidson": 0.5, "openai_moderation": 3.0, "jailbreaks": 2.0, "giskard_injections": 3.0, "piguard": 3.0}
# Packages whose read-me texts are used: harmless, long, and many of them about prompts and models.
READ_ME = (
    "openai", "anthropic", "mcp", "transformers", "tokenizers", "sentence-transformers", "huggingface_hub",
    "safetensors", "tiktoken", "xgrammar", "lm-format-enforcer", "interegular", "gguf", "compressed-tensors",
    "accelerate", "Django", "channels", "celery", "aiohttp", "numpy", "scikit-learn", "lxml", "playwright", "pytest",
    "hypothesis", "networkx", "sympy", "rich", "typer", "pydantic", "fastapi", "jsonschema", "cryptography",
    "trafilatura", "python-docx", "fpdf2", "pillow", "redis", "kombu", "psutil", "uvicorn", "websockets",
)  # fmt: skip
_LETTERS = re.compile(r"[^a-z]+")


def build_examples(data: Path) -> list[LabelledText]:
    """Return all training examples, each text once."""
    rng = random.Random(SEED)
    examples = [*_tweets(data, rng), *_moderation(data), *_attacks(data, rng), *_harmless(data, rng)]
    examples += [
        LabelledText("phrases", "", text, {**_absent_labels("hate", "harm"), "hate": yes, "harm": yes})
        for text, yes in synthetic_groups.make_group_sentences(rng)
    ]
    unique = {item.text: item for item in examples if item.text.strip()}
    return list(unique.values())


def train(data: Path, folder: Path, log: Any) -> dict[str, Any]:
    """Write weights, held-out scores and card into `folder`; return the card."""
    items = build_examples(data)
    log(f"{len(items)} texts are embedded; this takes the longest")
    vectors = registry.get_embedder().embed_passages([neutralise_identity_terms(item.text) for item in items])
    expected = np.array([[_get_label(item, label) for label in LABELS] for item in items], np.float32)
    weight = np.array([_WEIGHTS.get(item.source, 1.0) for item in items], np.float32)
    fold = np.array([assign_fold(item.kind or item.text) for item in items])
    log("heads are trained")
    texts = [neutralise_identity_terms(item.text) for item in items]
    heads, held_out = linear_heads.train(LABELS, linear_heads.LabelledExamples(texts, vectors, expected, weight, fold))
    thresholds = _choose_thresholds(data, heads, items, held_out)
    card = {
        "labels": list(LABELS),
        "embedder": registry.get_embedder().fingerprint,
        "cuts": thresholds,
        "seed": SEED,
        "texts": dict(sorted(Counter(item.source for item in items).items())),
    }
    _store(folder, heads, items, held_out, card)
    return card


def load_held_out_scores(folder: Path) -> dict[int, NDArray[np.float32]]:
    """Return for each training text of the open sets, by `hash_text`, the scores of heads that did not see it."""
    from safetensors.numpy import load_file

    arrays = load_file(folder / "linear_classifier_held_out.safetensors")
    rows = arrays["scores"].astype(np.float32) / 255
    return dict(zip(arrays["marks"].tolist(), rows, strict=True))


def hash_text(text: str) -> int:
    """Return the checksum by which a text is found in the held-out files."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _store(
    folder: Path, heads: LinearHeads, items: list[LabelledText], scores: NDArray[np.float32], card: dict[str, Any]
) -> None:
    from safetensors.numpy import save

    folder.mkdir(parents=True, exist_ok=True)
    half = {"meaning": heads.meaning.astype(np.float16), "words": heads.words.astype(np.float16)}
    full = {"bias": heads.bias, "slope": heads.slope, "shift": heads.shift}
    raw = save({**half, **full})
    (folder / "linear_classifier.safetensors").write_bytes(raw)
    card["sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / "linear_classifier.json").write_text(json.dumps(card, indent=1) + "\n")
    rows_of_sets = [at for at, item in enumerate(items) if item.source in safety_datasets.READERS]
    marks = np.array([hash_text(items[at].text) for at in rows_of_sets], np.uint32)
    (folder / "linear_classifier_held_out.safetensors").write_bytes(
        save({"marks": marks, "scores": np.round(scores[rows_of_sets] * 255).astype(np.uint8)})
    )


def _choose_thresholds(
    data: Path, heads: LinearHeads, items: list[LabelledText], held_out: NDArray[np.float32]
) -> dict[str, Any]:
    """Return the thresholds, set on harmless texts: held-out ones, and sets that may be used for calibration."""
    harmless = list(safety_datasets.read_harmless(data, ("clapnq", "pubmedqa", "covidqa"), each=500))
    texts = [neutralise_identity_terms(text) for text in harmless]
    scores = heads.probabilities(heads.sums(texts, registry.get_embedder().embed_passages(texts)))
    is_harmless = np.array([item.source in ("ordinary", "presidio_pii", "read_me", "bipia") for item in items])
    harmless_scores = np.vstack([scores, held_out[is_harmless]])
    flags, blocks = np.quantile(harmless_scores, 0.995, axis=0), np.quantile(harmless_scores, 0.9999, axis=0)
    return {
        label: {
            "flag": round(float(max(0.5, flags[at])), 3),
            "block": round(float(min(0.995, max(0.95, blocks[at] + 0.01))), 3),
        }
        for at, label in enumerate(LABELS)
    }


def _get_label(item: LabelledText, label: str) -> float:
    return float(item.labels[label]) if label in item.labels else float("nan")


def assign_fold(text: str) -> int:
    """Return the fold of a text: texts that differ in digits and punctuation only, and parts of one text, share it."""
    return hash_text(_LETTERS.sub("", text.lower())) % linear_heads.FOLDS


def _absent_labels(*labels: str) -> dict[str, bool]:
    return {
        label: False
        for label in ("sexual", "child_exploitation", "self_harm", "crime", "prompt_attack")
        if label not in labels
    }


def _tweets(data: Path, rng: random.Random) -> Iterator[LabelledText]:
    tweets = safety_datasets.read_labelled_set(data, "davidson")
    offensive = [item for item in tweets if item.kind == "offensive"]
    sampled = {item.text for item in rng.sample(offensive, min(_MAX_OFFENSIVE, len(offensive)))}
    for item in tweets:
        if item.kind != "offensive" or item.text in sampled:
            yield LabelledText(
                item.source, "", normalise(item.text), {"prompt_attack": False, "crime": False} | item.labels
            )


def _moderation(data: Path) -> Iterator[LabelledText]:
    for item in safety_datasets.read_labelled_set(data, "openai_moderation"):
        absent = {"prompt_attack": False} | ({} if item.labels["harm"] else {"crime": False})
        for part in split_for_classifier(normalise(item.text)):
            yield LabelledText(item.source, item.text, part, absent | item.labels)


def _attacks(data: Path, rng: random.Random) -> Iterator[LabelledText]:
    requests = safety_datasets.read_labelled_set(data, "harmful_behaviors")
    for item in requests:
        yield LabelledText(item.source, "", normalise(item.text), {"crime": True, "prompt_attack": False})
    for name in ("jailbreaks", "giskard_injections", "piguard"):
        for item in safety_datasets.read_labelled_set(data, name):
            labels = {"prompt_attack": True} if item.labels["prompt_attack"] else _HARMLESS
            for part in split_for_classifier(normalise(item.text))[:8]:
                yield LabelledText(name, item.text, part, labels)
    harmful_texts = list(synthetic_requests.make_harmful(rng))
    for text in harmful_texts:
        yield LabelledText("wishes", "", text, {"crime": True, "prompt_attack": False})
    for text in synthetic_requests.wrap_requests(
        [item.text for item in requests] + list(synthetic_requests.make_requests(rng)), rng
    ):
        yield LabelledText("wrapped", "", text, {"crime": True, "prompt_attack": True})
    for text in synthetic_requests.make_attacks(rng):
        yield LabelledText("attacks", "", text, {"prompt_attack": True, "hate": False})


def _harmless(data: Path, rng: random.Random) -> Iterator[LabelledText]:
    for text in (*synthetic_requests.make_ordinary(rng), *synthetic_requests.make_harmless_wraps(rng)):
        yield LabelledText("ordinary", "", text, _HARMLESS)
    for row in json.loads((data / "presidio_pii" / "synth_dataset_v2.json").read_bytes()):
        yield LabelledText("presidio_pii", "", normalise(row["full_text"]), _HARMLESS)
    for item in safety_datasets.read_labelled_set(data, "bipia"):
        if item.kind == "untouched":
            for part in split_for_classifier(normalise(item.text)):
                yield LabelledText("bipia", item.text, part, _HARMLESS)
    for name in READ_ME:
        try:
            description = importlib.metadata.metadata(name).json.get("description", "")
        except importlib.metadata.PackageNotFoundError:
            continue
        for part in split_for_classifier(normalise(str(description)))[:20]:
            yield LabelledText("read_me", name, part, _HARMLESS)
