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
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from apps.engines import registry
from apps.engines.classify import indirect_injection, span_embeddings
from apps.engines.classify.indirect_injection import InjectionHeads, find_candidate_sentences, split_pieces
from apps.lib.text import sentences
from apps.lib.text.text_normalization import normalize_text as folded
from apps.safety.text.normalization import normalise
from apps.safety.text.splitting import split_for_classifier
from benchmarks.safety import datasets as safety_datasets
from training import linear_heads
from training.indirect_injection import synthetic
from training.text_classifier import synthetic_requests
from training.text_classifier.train import READ_ME, SEED, assign_fold, hash_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

CALIBRATED_ON = ("clapnq", "pubmedqa")
_FLAGGED_SHARE = 0.005  # share of the passages of these sets that is flagged, ...
_FLAGGED_MANUALS_SHARE = 0.03  # ... and of this product's own documentation, which instructs its readers
_PASSAGES = 400  # of each set
_BELOW_BLOCK_SHARE = 0.999  # share of them below the block threshold
_PREFILTER_RECALL = 0.88  # share of the planted pieces found by the second head that the first one must pass on, ...
_DETECTED_SUM = 3.0  # ... from this sum of the second head on, about where the flag threshold lies
_INLINE_SHARE = 0.1  # share of insertions without a line or full stop of their own
_REPEATED_SHARE = 0.1  # share of insertions that are repeated
_BLOCK = 5
_CLASS_RATIO = 8  # insertions weigh one of this many parts


@dataclass(frozen=True, slots=True)
class InjectionDocument:
    """Training document; `text[start:end]` was inserted (nothing if both are 0)."""

    source: str
    text: str
    fold: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class DocumentPieces:
    """Pieces of all documents: `texts` for the second head, `lines` the sentence of each for the first head."""

    texts: list[str]
    lines: list[str]
    is_first_of_line: NDArray[np.bool_]  # first piece of its line
    line_labels: NDArray[np.float32]  # whether any piece of its line is planted
    vectors: NDArray[np.float32]  # unit rows: embedding of each piece inside its document
    passage_cosines: NDArray[np.float32]  # cosine of each piece with its document
    document: NDArray[np.int64]
    labels: NDArray[np.float32]
    fold: NDArray[np.int64]


def build_documents(data: Path) -> list[InjectionDocument]:
    """Return the training documents of all sources, each also in normalised form if that differs."""
    rng = random.Random(SEED)
    hosts = list(_read_host_texts())
    documents = [InjectionDocument("read_me", text, assign_fold(name)) for name, text in hosts]
    for row in json.loads((data / "presidio_pii" / "synth_dataset_v2.json").read_bytes()):
        documents.append(
            InjectionDocument("presidio_pii", normalise(row["full_text"]), assign_fold(str(row["template_id"])))
        )
    attacks = rng.sample(list(synthetic_requests.make_attacks(rng)), 100)
    for text in [*synthetic.make_instructions(rng), *attacks]:
        documents.append(_insert(rng.choice(hosts)[1], text, rng))
    for text in synthetic.make_harmless_requests(rng):
        host = _insert(rng.choice(hosts)[1], text, rng)
        documents.append(InjectionDocument("honest", host.text, host.fold))
    return [kind for item in [*documents, *read_bipia(data)] for kind in _normalised_variants(item)]


def _normalised_variants(item: InjectionDocument) -> Iterator[InjectionDocument]:
    """Yield the document unchanged, like a page from a tool, and normalised, like passages of uploads."""
    yield item
    whole, part = folded(item.text), folded(item.text[item.start : item.end])
    start = whole.find(part, max(0, len(folded(item.text[: item.start])) - 1)) if part else 0
    if whole != item.text and start >= 0:
        yield replace(item, text=whole, start=start, end=start + len(part))


def read_bipia(data: Path) -> Iterator[InjectionDocument]:
    """Yield the e-mails unchanged and with insertions, as `safety_datasets.read_bipia` composes them."""
    for item in safety_datasets.read_labelled_set(data, "bipia"):
        number, text = item.number, normalise(item.text)
        fold = number // _BLOCK % (2 * linear_heads.FOLDS) % linear_heads.FOLDS
        at = text.find(normalise(item.part)) if item.part else 0
        yield InjectionDocument(f"bipia.{item.kind}", text, fold, at, at + len(normalise(item.part)))


def train(data: Path, folder: Path, log: Any) -> dict[str, Any]:
    """Write weights, held-out scores and card into `folder`, beside those of the text classifiers; return the card."""
    items = build_documents(data)
    pieces = _embed_pieces(items)
    log(f"{len(items)} documents with {len(pieces.texts)} pieces of sentences; heads are trained")
    words = linear_heads.build_ngram_matrix(pieces.lines), linear_heads.build_ngram_matrix(pieces.texts)
    held_out = np.zeros((2, len(pieces.texts)), np.float32)
    for fold in range(linear_heads.FOLDS):
        heads, out = _fit(pieces, words, pieces.fold != fold), np.flatnonzero(pieces.fold == fold)
        held_out[0, out] = heads.prefilter_sums([pieces.lines[at] for at in out])
        held_out[1, out] = heads.classifier_sums(
            [pieces.texts[at] for at in out], pieces.vectors[out], pieces.passage_cosines[out]
        )
    heads = _fit(pieces, words, np.ones(len(pieces.texts), bool))
    threshold = _choose_prefilter_threshold(pieces, held_out)
    line, share = _fit_calibration_line(data, folder, heads, threshold)
    heads = replace(heads, line=line, least=threshold)
    held_out[1, held_out[0] < threshold[0]] = -np.inf
    card = {
        "embedder": registry.get_embedder().fingerprint, "seed": SEED, "passages_marked": share,
        "documents": dict(sorted(Counter(item.source for item in items).items())),
    }  # fmt: skip
    _store(folder, heads, items, _highest(held_out[1], pieces.document, len(items)), card)
    return card


def load_held_out_scores(folder: Path) -> dict[int, float]:
    """Return for each document of BIPIA, by `hash_text` of its normalised text, the score of heads that did not see its
    fold."""
    from safetensors.numpy import load_file

    arrays = load_file(folder / "indirect_injection_held_out.safetensors")
    return dict(zip(arrays["marks"].tolist(), arrays["scores"].astype(float).tolist(), strict=True))


def _read_host_texts() -> Iterator[tuple[str, str]]:
    for name in READ_ME:
        try:
            about = importlib.metadata.metadata(name).json.get("description", "")
        except importlib.metadata.PackageNotFoundError:
            continue
        yield from ((name, part) for part in split_for_classifier(normalise(str(about)))[:20] if len(part) > 150)


def _insert(host: str, text: str, rng: random.Random) -> InjectionDocument:
    """Insert `text` into `host` at the start, the end, the middle or between two sentences, on a line of its own or
    not. Sometimes it is inserted within a sentence, or several times."""
    host = host[: rng.choice((300, 500, 800))]
    middle = host.find(" ", len(host) // 2) + 1
    ends = [0, len(host), middle, rng.choice(sentences.find_sentences(host))[1]]
    at, gap = rng.choice(ends), rng.choice(("\n", "\n", " "))
    if rng.random() < _INLINE_SHARE and "\n" not in text:
        at, gap, text = middle, " ", text.rstrip(".!?").lower()
    elif rng.random() < _REPEATED_SHARE:
        text = gap.join([text] * rng.choice((2, 4, 8)))
    whole = f"{host[:at]}{gap}{text}{gap}{host[at:]}"
    return InjectionDocument("planted", whole, assign_fold(text), at + 1, at + 1 + len(text))


def _embed_pieces(items: list[InjectionDocument]) -> DocumentPieces:
    rows = [
        [each for line in find_candidate_sentences(item.text) for each in _label_pieces(item, line)] for item in items
    ]
    non_empty = [at for at, row in enumerate(rows) if row]
    reader, texts = span_embeddings.require_token_states(registry.get_embedder()), [items[at].text for at in non_empty]
    embedded = span_embeddings.embed_spans_in_context(
        reader, texts, [[each[0] for each in rows[at]] for at in non_empty], indirect_injection.LAYERS
    )
    vectors, passage_cosines = (
        np.concatenate(parts)
        for parts in ([one.vectors for one in embedded], [one.passage_cosines for one in embedded])
    )
    texts_of_pieces, lines, first, labels, line_labels = zip(*(each for row in rows for each in row), strict=True)
    document = np.repeat(np.arange(len(items)), [len(row) for row in rows])
    fold = np.array([item.fold for item in items])[document]
    return DocumentPieces(
        list(texts_of_pieces),
        list(lines),
        np.array(first),
        np.array(line_labels, np.float32),
        vectors,
        passage_cosines,
        document,
        np.array(labels, np.float32),
        fold,
    )


def _label_pieces(item: InjectionDocument, line: str) -> Iterator[tuple[str, str, bool, bool, bool]]:
    """Yield the pieces of a line with their labels; pieces that are only partly inserted are left out."""
    labelled = [
        (piece, is_inserted) for piece in split_pieces(line) if (is_inserted := _is_inserted(item, piece)) is not None
    ]
    line_label = any(truth for _, truth in labelled)
    yield from ((piece, line, at == 0, truth, line_label) for at, (piece, truth) in enumerate(labelled))


def _is_inserted(item: InjectionDocument, piece: str) -> bool | None:
    start = item.text.find(piece)
    overlap = min(start + len(piece), item.end) - max(start, item.start)
    if overlap <= 0:
        return False
    return True if 2 * overlap >= min(len(piece), item.end - item.start) else None


def _fit(pieces: DocumentPieces, words: tuple[Any, Any], rows: NDArray[np.bool_]) -> InjectionHeads:
    """Fit both heads on the chosen pieces. Vectors are centred: half-way through the embedder, most of each vector is
    common to all."""
    lines = rows & pieces.is_first_of_line
    no_features = np.zeros((int(lines.sum()), 0), np.float32)
    prefilter = linear_heads.fit_head(
        no_features, words[0][lines], no_features, pieces.line_labels[lines], _weight(pieces.line_labels[lines])
    )
    texts, labels = [pieces.texts[at] for at in np.flatnonzero(rows)], pieces.labels[rows]
    mean = pieces.vectors[rows].mean(axis=0)
    centred = pieces.vectors[rows] - mean
    scale = float(np.sqrt((centred * centred).sum(axis=1).mean()))
    form = indirect_injection.compute_form_features(texts, pieces.passage_cosines[rows])
    classifier = linear_heads.fit_head(centred / scale, words[1][rows], form, labels, _weight(labels))
    meaning = _round_to_half(classifier[0] / scale)
    bias = np.array([prefilter[3], classifier[3] - mean @ meaning], np.float32)
    return InjectionHeads(
        meaning, _round_to_half(np.stack([prefilter[1], classifier[1]])), classifier[2].astype(np.float32), bias,
        np.array([1, 0], np.float32), np.zeros(1, np.float32), np.array([indirect_injection.LAYERS], np.float32),
    )  # fmt: skip


def _weight(labels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights such that insertions count about an eighth in total."""
    return np.where(labels == 1, len(labels) / max(1.0, _CLASS_RATIO * float(labels.sum())), 1.0).astype(np.float32)


def _round_to_half(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    return weights.astype(np.float16).astype(np.float32)


def _choose_prefilter_threshold(pieces: DocumentPieces, held_out: NDArray[np.float32]) -> NDArray[np.float32]:
    detected = (pieces.labels == 1) & (held_out[1] >= _DETECTED_SUM)
    return np.array([np.quantile(held_out[0][detected], 1 - _PREFILTER_RECALL)], np.float32)


def _fit_calibration_line(
    data: Path, folder: Path, heads: InjectionHeads, threshold: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Any]:
    """Return the calibration line under which the thresholds equal those of the text classifier's own label, so that
    one policy covers both."""
    cuts = json.loads((folder / "linear_classifier.json").read_bytes())["cuts"]["prompt_attack"]
    harmless = _sorted_sums(safety_datasets.read_harmless(data, CALIBRATED_ON, _PASSAGES, "passages"), heads, threshold)
    manuals = _sorted_sums(_read_manuals(), heads, threshold)
    low = max(
        harmless[int(len(harmless) * (1 - _FLAGGED_SHARE))], manuals[int(len(manuals) * (1 - _FLAGGED_MANUALS_SHARE))]
    )
    high = max(harmless[int(len(harmless) * _BELOW_BLOCK_SHARE)], low + 1)
    logits = [np.log(cut / (1 - cut)) for cut in (cuts["flag"], cuts["block"])]
    slope = (logits[1] - logits[0]) / (high - low)
    share = {
        "flag": float((harmless >= low).mean()),
        "manuals": float((manuals >= low).mean()),
        "on": list(CALIBRATED_ON),
    }
    return np.array([slope, logits[0] - slope * low], np.float32), share


def _sorted_sums(texts: Iterable[str], heads: InjectionHeads, threshold: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the highest sum of each text, in ascending order."""
    items = [InjectionDocument("calm", folded(normalise(text)), 0) for text in texts]
    pieces = _embed_pieces(items)
    sums = heads.classifier_sums(pieces.texts, pieces.vectors, pieces.passage_cosines)
    sums[heads.prefilter_sums(pieces.lines) < threshold[0]] = -np.inf
    return np.sort(_highest(sums, pieces.document, len(items)))


def _read_manuals() -> Iterator[str]:
    for path in sorted((settings.BASE_DIR / "docs").rglob("*.md")):
        yield from (part for part in split_for_classifier(path.read_text()) if len(part) > 150)


def _highest(sums: NDArray[np.float32], document: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    highest = np.full(count, -np.inf, np.float32)
    np.maximum.at(highest, document, sums)
    return highest


def _store(
    folder: Path, heads: InjectionHeads, items: list[InjectionDocument], sums: NDArray[np.float32], card: dict[str, Any]
) -> None:
    from safetensors.numpy import save

    half = {"meaning": heads.meaning.astype(np.float16), "words": heads.words.astype(np.float16)}
    rest = {name: getattr(heads, name) for name in ("form", "bias", "line", "least", "layers")}
    raw = save({**half, **rest})
    (folder / "indirect_injection.safetensors").write_bytes(raw)
    card["sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / "indirect_injection.json").write_text(json.dumps(card, indent=1) + "\n")
    bipia_rows = [at for at, item in enumerate(items) if item.source.startswith("bipia.")]
    marks = np.array([hash_text(items[at].text) for at in bipia_rows], np.uint32)
    scores = heads.probabilities(sums[bipia_rows]).astype(np.float16)
    (folder / "indirect_injection_held_out.safetensors").write_bytes(save({"marks": marks, "scores": scores}))
