"""Training of the detector of indirect prompt injections, on harmless documents and documents with an inserted
instruction.

Data marked as test sets is not read. BIPIA's e-mails and attacks go by blocks of five. An e-mail and all attacks
inserted into it are in one fold, and so are the five attacks of a type. So held-out texts share neither e-mail nor type
with the training texts.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from apps.documents.chunking.text_normalization import normalize_text as folded
from apps.engines import registry
from apps.engines.classify import indirect_injection, span_embeddings
from apps.engines.classify.indirect_injection import InjectionHeads, find_candidate_sentences, split_pieces
from apps.lib.text import sentences
from apps.safety.text.normalization import normalise
from apps.safety.text.splitting import split_for_classifier
from benchmarks.safety import datasets as safety_datasets
from training import linear_heads
from training.indirect_injection import synthetic
from training.text_classifier import synthetic_requests
from training.text_classifier.train import READ_ME, SEED, fold_of, mark

if TYPE_CHECKING:
    from numpy.typing import NDArray

CALIBRATED_ON = ("clapnq", "pubmedqa")
_MARKED = 0.005  # share of the passages of these sets that is flagged, ...
_MANUALS = 0.03  # ... and of this product's own documentation, which instructs its readers
_PASSAGES = 400  # of each set
_ALMOST_NONE = 0.999  # share of them below the block threshold
_KEPT = 0.88  # share of the planted pieces found by the second head that the first one must pass on, ...
_FOUND = 3.0  # ... from this sum of the second head on, about where the flag threshold lies
_AMONG = 0.1  # share of insertions without a line or full stop of their own
_AGAIN = 0.1  # share of insertions that are repeated
_BLOCK = 5
_PART = 8  # insertions weigh one of this many parts


@dataclass(frozen=True, slots=True)
class Planted:
    """Training document; `text[start:end]` was inserted (nothing if both are 0)."""

    set: str
    text: str
    fold: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of all documents: `texts` for the second head, `lines` the sentence of each for the first head."""

    texts: list[str]
    lines: list[str]
    first: NDArray[np.bool_]  # first piece of its line
    holds: NDArray[np.float32]  # whether any piece of its line is planted
    vectors: NDArray[np.float32]  # unit rows: embedding of each piece inside its document
    near: NDArray[np.float32]  # cosine of each piece with its document
    document: NDArray[np.int64]
    truth: NDArray[np.float32]
    fold: NDArray[np.int64]


def documents(data: Path) -> list[Planted]:
    """Return the training documents of all sources, each also in normalised form if that differs."""
    draw = random.Random(SEED)
    hosts = list(_hosts())
    found = [Planted("read_me", text, fold_of(name)) for name, text in hosts]
    for row in json.loads((data / "presidio_pii" / "synth_dataset_v2.json").read_bytes()):
        found.append(Planted("presidio_pii", normalise(row["full_text"]), fold_of(str(row["template_id"]))))
    attacks = draw.sample(list(synthetic_requests.attacks(draw)), 100)
    for text in [*synthetic.instructions(draw), *attacks]:
        found.append(_slipped(draw.choice(hosts)[1], text, draw))
    for text in synthetic.honest(draw):
        host = _slipped(draw.choice(hosts)[1], text, draw)
        found.append(Planted("honest", host.text, host.fold))
    return [kind for item in [*found, *bipia(data)] for kind in _as_read(item)]


def _as_read(item: Planted) -> Iterator[Planted]:
    """Yield the document unchanged, like a page from a tool, and normalised, like passages of uploads."""
    yield item
    whole, part = folded(item.text), folded(item.text[item.start : item.end])
    start = whole.find(part, max(0, len(folded(item.text[: item.start])) - 1)) if part else 0
    if whole != item.text and start >= 0:
        yield replace(item, text=whole, start=start, end=start + len(part))


def bipia(data: Path) -> Iterator[Planted]:
    """Yield the e-mails unchanged and with insertions, as `safety_datasets.bipia` composes them."""
    for item in safety_datasets.read(data, "bipia"):
        number, text = item.number, normalise(item.text)
        fold = number // _BLOCK % (2 * linear_heads.FOLDS) % linear_heads.FOLDS
        at = text.find(normalise(item.part)) if item.part else 0
        yield Planted(f"bipia.{item.kind}", text, fold, at, at + len(normalise(item.part)))


def train(data: Path, folder: Path, say: Any) -> dict[str, Any]:
    """Write weights, held-out scores and card into `folder`, beside those of the text classifiers; return the card."""
    items = documents(data)
    read = _read(items)
    say(f"{len(items)} documents with {len(read.texts)} pieces of sentences; heads are trained")
    words = linear_heads.build_ngram_matrix(read.lines), linear_heads.build_ngram_matrix(read.texts)
    held_out = np.zeros((2, len(read.texts)), np.float32)
    for fold in range(linear_heads.FOLDS):
        heads, out = _fit(read, words, read.fold != fold), np.flatnonzero(read.fold == fold)
        held_out[0, out] = heads.prefilter_sums([read.lines[at] for at in out])
        held_out[1, out] = heads.classifier_sums([read.texts[at] for at in out], read.vectors[out], read.near[out])
    heads = _fit(read, words, np.ones(len(read.texts), bool))
    least = _least(read, held_out)
    line, share = _line(data, folder, heads, least)
    heads = replace(heads, line=line, least=least)
    held_out[1, held_out[0] < least[0]] = -np.inf
    card = {
        "embedder": registry.get_embedder().fingerprint, "seed": SEED, "passages_marked": share,
        "documents": {name: sum(item.set == name for item in items) for name in sorted({item.set for item in items})},
    }  # fmt: skip
    _store(folder, heads, items, _highest(held_out[1], read.document, len(items)), card)
    return card


def held_out(folder: Path) -> dict[int, float]:
    """Return for each document of BIPIA, by `mark` of its normalised text, the score of heads that did not see its
    fold."""
    from safetensors.numpy import load_file

    arrays = load_file(folder / "planted_held_out.safetensors")
    return dict(zip(arrays["marks"].tolist(), arrays["scores"].astype(float).tolist(), strict=True))


def _hosts() -> Iterator[tuple[str, str]]:
    for name in READ_ME:
        try:
            about = importlib.metadata.metadata(name).json.get("description", "")
        except importlib.metadata.PackageNotFoundError:
            continue
        yield from ((name, part) for part in split_for_classifier(normalise(str(about)))[:20] if len(part) > 150)


def _slipped(host: str, text: str, draw: random.Random) -> Planted:
    """Insert `text` into `host` at the start, the end, the middle or between two sentences, on a line of its own or
    not. Sometimes it is inserted within a sentence, or several times."""
    host = host[: draw.choice((300, 500, 800))]
    middle = host.find(" ", len(host) // 2) + 1
    ends = [0, len(host), middle, draw.choice(sentences.find_sentences(host))[1]]
    at, gap = draw.choice(ends), draw.choice(("\n", "\n", " "))
    if draw.random() < _AMONG and "\n" not in text:
        at, gap, text = middle, " ", text.rstrip(".!?").lower()
    elif draw.random() < _AGAIN:
        text = gap.join([text] * draw.choice((2, 4, 8)))
    whole = f"{host[:at]}{gap}{text}{gap}{host[at:]}"
    return Planted("planted", whole, fold_of(text), at + 1, at + 1 + len(text))


def _read(items: list[Planted]) -> Pieces:
    rows = [[each for line in find_candidate_sentences(item.text) for each in _of_line(item, line)] for item in items]
    held = [at for at, row in enumerate(rows) if row]
    reader, texts = span_embeddings.require_token_states(registry.get_embedder()), [items[at].text for at in held]
    read = span_embeddings.embed_spans_in_context(
        reader, texts, [[each[0] for each in rows[at]] for at in held], indirect_injection.LAYERS
    )
    vectors, near = (
        np.concatenate(parts) for parts in ([one.vectors for one in read], [one.passage_cosines for one in read])
    )
    own, lines, first, slipped, holds = zip(*(each for row in rows for each in row), strict=True)
    document = np.repeat(np.arange(len(items)), [len(row) for row in rows])
    fold = np.array([item.fold for item in items])[document]
    return Pieces(
        list(own),
        list(lines),
        np.array(first),
        np.array(holds, np.float32),
        vectors,
        near,
        document,
        np.array(slipped, np.float32),
        fold,
    )


def _of_line(item: Planted, line: str) -> Iterator[tuple[str, str, bool, bool, bool]]:
    """Yield the pieces of a line with their labels; pieces that are only partly inserted are left out."""
    known = [(piece, truth) for piece in split_pieces(line) if (truth := _slipped_in(item, piece)) is not None]
    holds = any(truth for _, truth in known)
    yield from ((piece, line, at == 0, truth, holds) for at, (piece, truth) in enumerate(known))


def _slipped_in(item: Planted, piece: str) -> bool | None:
    start = item.text.find(piece)
    common = min(start + len(piece), item.end) - max(start, item.start)
    if common <= 0:
        return False
    return True if 2 * common >= min(len(piece), item.end - item.start) else None


def _fit(read: Pieces, words: tuple[Any, Any], rows: NDArray[np.bool_]) -> InjectionHeads:
    """Fit both heads on the chosen pieces. Vectors are centred: half-way through the embedder, most of each vector is
    common to all."""
    lines = rows & read.first
    nothing = np.zeros((int(lines.sum()), 0), np.float32)
    rough = linear_heads.fit_head(nothing, words[0][lines], nothing, read.holds[lines], _weight(read.holds[lines]))
    texts, truth = [read.texts[at] for at in np.flatnonzero(rows)], read.truth[rows]
    common = read.vectors[rows].mean(axis=0)
    own = read.vectors[rows] - common
    scale = float(np.sqrt((own * own).sum(axis=1).mean()))
    form = indirect_injection.compute_form_features(texts, read.near[rows])
    sure = linear_heads.fit_head(own / scale, words[1][rows], form, truth, _weight(truth))
    meaning = _stored(sure[0] / scale)
    bias = np.array([rough[3], sure[3] - common @ meaning], np.float32)
    return InjectionHeads(
        meaning, _stored(np.stack([rough[1], sure[1]])), sure[2].astype(np.float32), bias,
        np.array([1, 0], np.float32), np.zeros(1, np.float32), np.array([indirect_injection.LAYERS], np.float32),
    )  # fmt: skip


def _weight(truth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights such that insertions count about an eighth in total."""
    return np.where(truth == 1, len(truth) / max(1.0, _PART * float(truth.sum())), 1.0).astype(np.float32)


def _stored(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    return weights.astype(np.float16).astype(np.float32)


def _least(read: Pieces, held_out: NDArray[np.float32]) -> NDArray[np.float32]:
    found = (read.truth == 1) & (held_out[1] >= _FOUND)
    return np.array([np.quantile(held_out[0][found], 1 - _KEPT)], np.float32)


def _line(
    data: Path, folder: Path, heads: InjectionHeads, least: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Any]:
    """Return the calibration line under which the thresholds equal those of the text classifier's own label, so that
    one policy covers both."""
    cuts = json.loads((folder / "text.json").read_bytes())["cuts"]["prompt_attack"]
    calm = _sorted(safety_datasets.harmless(data, CALIBRATED_ON, _PASSAGES, "passages"), heads, least)
    manuals = _sorted(_manuals(), heads, least)
    low = max(calm[int(len(calm) * (1 - _MARKED))], manuals[int(len(manuals) * (1 - _MANUALS))])
    high = max(calm[int(len(calm) * _ALMOST_NONE)], low + 1)
    logits = [np.log(cut / (1 - cut)) for cut in (cuts["flag"], cuts["block"])]
    slope = (logits[1] - logits[0]) / (high - low)
    share = {"flag": float((calm >= low).mean()), "manuals": float((manuals >= low).mean()), "on": list(CALIBRATED_ON)}
    return np.array([slope, logits[0] - slope * low], np.float32), share


def _sorted(texts: Iterable[str], heads: InjectionHeads, least: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the highest sum of each text, in ascending order."""
    items = [Planted("calm", folded(normalise(text)), 0) for text in texts]
    read = _read(items)
    sums = heads.classifier_sums(read.texts, read.vectors, read.near)
    sums[heads.prefilter_sums(read.lines) < least[0]] = -np.inf
    return np.sort(_highest(sums, read.document, len(items)))


def _manuals() -> Iterator[str]:
    for path in sorted((settings.BASE_DIR / "docs").rglob("*.md")):
        yield from (part for part in split_for_classifier(path.read_text()) if len(part) > 150)


def _highest(sums: NDArray[np.float32], document: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    highest = np.full(count, -np.inf, np.float32)
    np.maximum.at(highest, document, sums)
    return highest


def _store(
    folder: Path, heads: InjectionHeads, items: list[Planted], sums: NDArray[np.float32], card: dict[str, Any]
) -> None:
    from safetensors.numpy import save

    half = {"meaning": heads.meaning.astype(np.float16), "words": heads.words.astype(np.float16)}
    rest = {name: getattr(heads, name) for name in ("form", "bias", "line", "least", "layers")}
    raw = save({**half, **rest})
    (folder / "planted.safetensors").write_bytes(raw)
    card["sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / "planted.json").write_text(json.dumps(card, indent=1) + "\n")
    own = [at for at, item in enumerate(items) if item.set.startswith("bipia.")]
    marks = np.array([mark(items[at].text) for at in own], np.uint32)
    scores = heads.probabilities(sums[own]).astype(np.float16)
    (folder / "planted_held_out.safetensors").write_bytes(save({"marks": marks, "scores": scores}))
