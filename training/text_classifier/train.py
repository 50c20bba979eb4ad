"""Training of the packaged text classifiers on the open data sets and synthetic sentences, with their card."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import random
import re
import zlib
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
from benchmarks.safety.datasets import Labelled
from training import linear_heads
from training.text_classifier import synthetic_groups, synthetic_requests

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 20260101
LABELS = (
    "hate", "harassment", "sexual", "child_exploitation", "violence", "self_harm", "crime", "prompt_attack", "harm",
)  # fmt: skip
_HARMLESS = dict.fromkeys(LABELS, False)
_OFFENSIVE = 3000  # tweets of that kind used; the set has six times as many
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


def examples(data: Path) -> list[Labelled]:
    """Return all training examples, each text once."""
    draw = random.Random(SEED)
    found = [*_tweets(data, draw), *_moderation(data), *_attacks(data, draw), *_harmless(data, draw)]
    found += [
        Labelled("phrases", "", text, {**_but("hate", "harm"), "hate": yes, "harm": yes})
        for text, yes in synthetic_groups.hateful(draw)
    ]
    unique = {item.text: item for item in found if item.text.strip()}
    return list(unique.values())


def train(data: Path, folder: Path, say: Any) -> dict[str, Any]:
    """Write weights, held-out scores and card into `folder`; return the card."""
    items = examples(data)
    say(f"{len(items)} texts are embedded; this takes the longest")
    vectors = registry.get_embedder().embed_passages([neutralise_identity_terms(item.text) for item in items])
    truth = np.array([[_known(item, label) for label in LABELS] for item in items], np.float32)
    weight = np.array([_WEIGHTS.get(item.set, 1.0) for item in items], np.float32)
    fold = np.array([fold_of(item.kind or item.text) for item in items])
    say("heads are trained")
    texts = [neutralise_identity_terms(item.text) for item in items]
    heads, held_out = linear_heads.train(LABELS, linear_heads.LabelledExamples(texts, vectors, truth, weight, fold))
    cuts = _cuts(data, heads, items, held_out)
    card = {
        "labels": list(LABELS),
        "embedder": registry.get_embedder().fingerprint,
        "cuts": cuts,
        "seed": SEED,
        "texts": {name: sum(item.set == name for item in items) for name in sorted({item.set for item in items})},
    }
    _store(folder, heads, items, held_out, card)
    return card


def held_out(folder: Path) -> dict[int, NDArray[np.float32]]:
    """Return for each training text of the open sets, by `mark`, the scores of heads that did not see it."""
    from safetensors.numpy import load_file

    arrays = load_file(folder / "held_out.safetensors")
    rows = arrays["scores"].astype(np.float32) / 255
    return dict(zip(arrays["marks"].tolist(), rows, strict=True))


def mark(text: str) -> int:
    """Return the checksum by which a text is found in the held-out files."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _store(
    folder: Path, heads: LinearHeads, items: list[Labelled], scores: NDArray[np.float32], card: dict[str, Any]
) -> None:
    from safetensors.numpy import save

    folder.mkdir(parents=True, exist_ok=True)
    half = {"meaning": heads.meaning.astype(np.float16), "words": heads.words.astype(np.float16)}
    full = {"bias": heads.bias, "slope": heads.slope, "shift": heads.shift}
    raw = save({**half, **full})
    (folder / "text.safetensors").write_bytes(raw)
    card["sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / "text.json").write_text(json.dumps(card, indent=1) + "\n")
    own = [at for at, item in enumerate(items) if item.set in safety_datasets.READERS]
    marks = np.array([mark(items[at].text) for at in own], np.uint32)
    (folder / "held_out.safetensors").write_bytes(
        save({"marks": marks, "scores": np.round(scores[own] * 255).astype(np.uint8)})
    )


def _cuts(data: Path, heads: LinearHeads, items: list[Labelled], held_out: NDArray[np.float32]) -> dict[str, Any]:
    """Return the thresholds, set on harmless texts: held-out ones, and sets that may be used for calibration."""
    calm = list(safety_datasets.harmless(data, ("clapnq", "pubmedqa", "covidqa"), each=500))
    read = [neutralise_identity_terms(text) for text in calm]
    scores = heads.probabilities(heads.sums(read, registry.get_embedder().embed_passages(read)))
    known = np.array([item.set in ("ordinary", "presidio_pii", "read_me", "bipia") for item in items])
    pool = np.vstack([scores, held_out[known]])
    flags, blocks = np.quantile(pool, 0.995, axis=0), np.quantile(pool, 0.9999, axis=0)
    return {
        label: {
            "flag": round(float(max(0.5, flags[at])), 3),
            "block": round(float(min(0.995, max(0.95, blocks[at] + 0.01))), 3),
        }
        for at, label in enumerate(LABELS)
    }


def _known(item: Labelled, label: str) -> float:
    return float(item.truth[label]) if label in item.truth else float("nan")


def fold_of(text: str) -> int:
    """Return the fold of a text: texts that differ in digits and punctuation only, and parts of one text, share it."""
    return mark(_LETTERS.sub("", text.lower())) % linear_heads.FOLDS


def _but(*labels: str) -> dict[str, bool]:
    return {
        label: False
        for label in ("sexual", "child_exploitation", "self_harm", "crime", "prompt_attack")
        if label not in labels
    }


def _tweets(data: Path, draw: random.Random) -> Iterator[Labelled]:
    tweets = safety_datasets.read(data, "davidson")
    offensive = [item for item in tweets if item.kind == "offensive"]
    kept = {item.text for item in draw.sample(offensive, min(_OFFENSIVE, len(offensive)))}
    for item in tweets:
        if item.kind != "offensive" or item.text in kept:
            yield Labelled(item.set, "", normalise(item.text), {"prompt_attack": False, "crime": False} | item.truth)


def _moderation(data: Path) -> Iterator[Labelled]:
    for item in safety_datasets.read(data, "openai_moderation"):
        calm = {"prompt_attack": False} | ({} if item.truth["harm"] else {"crime": False})
        for part in split_for_classifier(normalise(item.text)):
            yield Labelled(item.set, item.text, part, calm | item.truth)


def _attacks(data: Path, draw: random.Random) -> Iterator[Labelled]:
    wishes = safety_datasets.read(data, "harmful_behaviors")
    for item in wishes:
        yield Labelled(item.set, "", normalise(item.text), {"crime": True, "prompt_attack": False})
    for name in ("jailbreaks", "giskard_injections", "piguard"):
        for item in safety_datasets.read(data, name):
            truth = {"prompt_attack": True} if item.truth["prompt_attack"] else _HARMLESS
            for part in split_for_classifier(normalise(item.text))[:8]:
                yield Labelled(name, item.text, part, truth)
    own = list(synthetic_requests.harmful(draw))
    for text in own:
        yield Labelled("wishes", "", text, {"crime": True, "prompt_attack": False})
    for text in synthetic_requests.wrapped(
        [item.text for item in wishes] + list(synthetic_requests.wishes(draw)), draw
    ):
        yield Labelled("wrapped", "", text, {"crime": True, "prompt_attack": True})
    for text in synthetic_requests.attacks(draw):
        yield Labelled("attacks", "", text, {"prompt_attack": True, "hate": False})


def _harmless(data: Path, draw: random.Random) -> Iterator[Labelled]:
    for text in (*synthetic_requests.ordinary(draw), *synthetic_requests.harmless_wraps(draw)):
        yield Labelled("ordinary", "", text, _HARMLESS)
    for row in json.loads((data / "presidio_pii" / "synth_dataset_v2.json").read_bytes()):
        yield Labelled("presidio_pii", "", normalise(row["full_text"]), _HARMLESS)
    for item in safety_datasets.read(data, "bipia"):
        if item.kind == "untouched":
            for part in split_for_classifier(normalise(item.text)):
                yield Labelled("bipia", item.text, part, _HARMLESS)
    for name in READ_ME:
        try:
            about = importlib.metadata.metadata(name).json.get("description", "")
        except importlib.metadata.PackageNotFoundError:
            continue
        for part in split_for_classifier(normalise(str(about)))[:20]:
            yield Labelled("read_me", name, part, _HARMLESS)
