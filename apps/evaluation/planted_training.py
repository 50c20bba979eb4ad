"""From honest documents and documents with an instruction slipped in to the check for planted instructions, with its
card. Nothing that is marked as a test set is read.

BIPIA's e-mails and attacks go by blocks of five: an e-mail, and every attack that is slipped into it, stand in one
fold, and so do the five attacks of a type. What is held out shares neither letter nor type with what was learnt from.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.engines import registry
from apps.engines.classify import planted, training
from apps.engines.classify.planted import PlantedHeads, windows
from apps.evaluation import safety_asks, safety_planted, safety_sets
from apps.evaluation.safety_training import READ_ME, SEED, fold_of, mark
from apps.lib import sentences
from apps.safety.intake import normalise
from apps.safety.parts import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

CALIBRATED_ON = ("clapnq", "pubmedqa")
_MARKED = 0.005  # of the passages of these sets are marked at the flag cut: of documentation it is six times that
_PASSAGES = 400  # of each of them
_ALMOST_NONE = 0.999  # of them stay below the block cut
_KEPT = 0.98  # of the planted sentences that the sure head finds are given a vector ...
_FOUND = 2.0  # ... from this sum of its on, about where the flag cut comes to lie
_BLOCK = 5
_PART = 8  # what was slipped in weighs one of so many parts


@dataclass(frozen=True, slots=True)
class Planted:
    """A document; `text[start:end]` was slipped in (nothing where both are 0)."""

    set: str
    text: str
    fold: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Sentences:
    texts: list[str]
    vectors: NDArray[np.float32]
    near: NDArray[np.float32]  # how near each stands to its document
    document: NDArray[np.int64]
    truth: NDArray[np.float32]
    fold: NDArray[np.int64]


def documents(data: Path) -> list[Planted]:
    draw = random.Random(SEED)  # noqa: S311
    hosts = list(_hosts())
    found = [Planted("read_me", text, fold_of(name)) for name, text in hosts]
    for row in json.loads((data / "presidio_pii" / "synth_dataset_v2.json").read_bytes()):
        found.append(Planted("presidio_pii", normalise(row["full_text"]), fold_of(str(row["template_id"]))))
    attacks = draw.sample(list(safety_asks.attacks(draw)), 100)
    for text in [*safety_planted.instructions(draw), *attacks]:
        found.append(_slipped(draw.choice(hosts)[1], text, draw))
    for text in safety_planted.honest(draw):
        host = _slipped(draw.choice(hosts)[1], text, draw)
        found.append(Planted("honest", host.text, host.fold))
    return [*found, *bipia(data)]


def bipia(data: Path) -> Iterator[Planted]:
    """The e-mails as they are and with what is slipped in, as `safety_sets.bipia` puts them together."""
    for item in safety_sets.read(data, "bipia"):
        number, text = item.number, normalise(item.text)
        fold = number // _BLOCK % (2 * training.FOLDS) % training.FOLDS
        at = text.find(normalise(item.part)) if item.part else 0
        yield Planted(f"bipia.{item.kind}", text, fold, at, at + len(normalise(item.part)))


def train(data: Path, folder: Path, say: Any) -> dict[str, Any]:
    """Weights, held-out scores and card are in `folder`, beside those of the text classifiers; returns the card."""
    items = documents(data)
    read = _read(items)
    say(f"{len(items)} documents with {len(read.texts)} sentences; heads are trained")
    words = training.matrix(read.texts)
    held_out = np.zeros((2, len(read.texts)), np.float32)
    for fold in range(training.FOLDS):
        heads, out = _fit(read, words, read.fold != fold), np.flatnonzero(read.fold == fold)
        texts = [read.texts[at] for at in out]
        held_out[0, out] = heads.rough(texts)
        held_out[1, out] = heads.sure(texts, read.vectors[out], read.near[out])
    heads = _fit(read, words, np.ones(len(read.texts), bool))
    least = _least(read, held_out)
    line, share = _line(data, folder, heads, least)
    heads = PlantedHeads(heads.meaning, heads.words, heads.form, heads.bias, line, least)
    held_out[1, held_out[0] < least[0]] = -np.inf
    card = {
        "embedder": registry.embed().fingerprint, "seed": SEED, "passages_marked": share,
        "documents": {name: sum(item.set == name for item in items) for name in sorted({item.set for item in items})},
    }  # fmt: skip
    _store(folder, heads, items, _highest(held_out[1], read.document, len(items)), card)
    return card


def held_out(folder: Path) -> dict[int, float]:
    """For each document of BIPIA, by `mark` of its normalised text, the score of heads that had not seen its fold."""
    from safetensors.numpy import load_file

    arrays = load_file(folder / "planted_held_out.safetensors")
    return dict(zip(arrays["marks"].tolist(), arrays["scores"].astype(float).tolist(), strict=True))


def _hosts() -> Iterator[tuple[str, str]]:
    for name in READ_ME:
        try:
            about = importlib.metadata.metadata(name).json.get("description", "")
        except importlib.metadata.PackageNotFoundError:
            continue
        yield from ((name, part) for part in parts(normalise(str(about)))[:20] if len(part) > 150)


def _slipped(host: str, text: str, draw: random.Random) -> Planted:
    """At the start, at the end, in the middle or between two sentences; on a line of its own or not."""
    host = host[: draw.choice((300, 500, 800))]
    ends = [0, len(host), host.find(" ", len(host) // 2) + 1, draw.choice(sentences.spans(host))[1]]
    at, gap = draw.choice(ends), draw.choice(("\n", "\n", " "))
    whole = f"{host[:at]}{gap}{text}{gap}{host[at:]}"
    return Planted("planted", whole, fold_of(text), at + 1, at + 1 + len(text))


def _read(items: list[Planted]) -> Sentences:
    texts, document, truth = [], [], []
    for number, item in enumerate(items):
        own = set(windows(item.text[item.start : item.end]))
        for window in windows(item.text):
            texts.append(window)
            document.append(number)
            truth.append(float(any(window in piece or piece in window for piece in own)))
    embed = registry.embed()
    unique = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    vectors = embed.embed_passages(list(unique))[[unique[text] for text in texts]]
    whole = embed.embed_passages([item.text for item in items])[document]
    near = np.einsum("ij,ij->i", vectors, whole)
    fold = np.array([items[number].fold for number in document])
    return Sentences(texts, vectors, near, np.array(document), np.array(truth, np.float32), fold)


def _fit(read: Sentences, words: Any, rows: NDArray[np.bool_]) -> PlantedHeads:
    """Both heads over the chosen sentences; those that were slipped in weigh together an eighth of all."""
    truth = read.truth[rows]
    weight = np.where(truth == 1, len(truth) / max(1.0, _PART * float(truth.sum())), 1.0)
    texts = [read.texts[at] for at in np.flatnonzero(rows)]
    nothing = np.zeros((len(texts), 0), np.float32)
    rough = training.descend(nothing, words[rows], nothing, truth, weight)
    sure = training.descend(read.vectors[rows], words[rows], planted.form(texts, read.near[rows]), truth, weight)
    half = np.float16  # as they are stored
    return PlantedHeads(
        sure[0].astype(half).astype(np.float32), np.stack([rough[1], sure[1]]).astype(half).astype(np.float32),
        sure[2].astype(np.float32), np.array([rough[3], sure[3]], np.float32),
        np.array([1, 0], np.float32), np.zeros(1, np.float32),
    )  # fmt: skip


def _least(read: Sentences, held_out: NDArray[np.float32]) -> NDArray[np.float32]:
    found = (read.truth == 1) & (held_out[1] >= _FOUND)
    return np.array([np.quantile(held_out[0][found], 1 - _KEPT)], np.float32)


def _line(data: Path, folder: Path, heads: PlantedHeads, least: NDArray[np.float32]) -> tuple[NDArray[np.float32], Any]:
    """What makes scores whose cuts are those of the text classifiers' own label, so that one policy speaks of both."""
    cuts = json.loads((folder / "text.json").read_bytes())["cuts"]["prompt_attack"]
    calm = list(safety_sets.harmless(data, CALIBRATED_ON, _PASSAGES, "passages"))
    read = _read([Planted("calm", normalise(text), 0) for text in calm])
    sums = heads.sure(read.texts, read.vectors, read.near)
    sums[heads.rough(read.texts) < least[0]] = -np.inf
    highest = np.sort(_highest(sums, read.document, len(calm)))
    low = highest[int(len(highest) * (1 - _MARKED))]
    high = max(highest[int(len(highest) * _ALMOST_NONE)], low + 1)
    logits = [np.log(cut / (1 - cut)) for cut in (cuts["flag"], cuts["block"])]
    slope = (logits[1] - logits[0]) / (high - low)
    return np.array([slope, logits[0] - slope * low], np.float32), {"flag": _MARKED, "on": list(CALIBRATED_ON)}


def _highest(sums: NDArray[np.float32], document: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    highest = np.full(count, -np.inf, np.float32)
    np.maximum.at(highest, document, sums)
    return highest


def _store(
    folder: Path, heads: PlantedHeads, items: list[Planted], sums: NDArray[np.float32], card: dict[str, Any]
) -> None:
    from safetensors.numpy import save

    half = {"meaning": heads.meaning.astype(np.float16), "words": heads.words.astype(np.float16)}
    raw = save({**half, "form": heads.form, "bias": heads.bias, "line": heads.line, "least": heads.least})
    (folder / "planted.safetensors").write_bytes(raw)
    card["sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / "planted.json").write_text(json.dumps(card, indent=1) + "\n")
    own = [at for at, item in enumerate(items) if item.set.startswith("bipia.")]
    marks = np.array([mark(items[at].text) for at in own], np.uint32)
    scores = heads.probabilities(sums[own]).astype(np.float16)
    (folder / "planted_held_out.safetensors").write_bytes(save({"marks": marks, "scores": scores}))
