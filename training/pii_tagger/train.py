"""Training of the tagger of personal data on sentences with placeholders.

The open half of presidio_pii was made from templates. Each template belongs to one fold with all its sentences, so a
held-out sentence has neither wording nor values from training. Written phrases that resemble a template are held out
with it. The templates of the other folds are also filled with new values.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.engines import registry
from apps.engines.classify.pii_tagger import Weights, compute_emission_scores, decode_viterbi, extract_spans
from apps.engines.classify.pii_tagger_features import LAYERS, extract_word_features
from apps.engines.classify.protocol import TaggedSpan
from apps.safety.detectors.pii import find_pii
from training.pii_tagger import trainer
from training.pii_tagger.deduplication import strangers
from training.pii_tagger.templates import EMPTY, PHRASES
from training.pii_tagger.trainer import TaggerExample
from training.pii_tagger.values import Values
from training.text_classifier.train import SEED, mark

FOLDS = 4
ROUNDS = 5
_EACH = 12  # fillings of each written phrase
_ANEW = 20  # fillings of each template of the set
_EMPTY = 4
_LOWER = 0.07  # share of sentences in lower case
_PLACE = re.compile(r"\{([A-Z_]+)\}")
_PIECES = dict.fromkeys(("STREET", "NUMBER", "UNIT", "ZIP", "ADDRESS"), "STREET_ADDRESS") | {"ZIPCODE": "ZIP_CODE"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """Training sentence with its true spans. `template` is -1 for a written phrase."""

    text: str
    spans: tuple[TaggedSpan, ...]
    template: int = -1


def sentences(data: Path) -> list[Sentence]:
    """Return the sentences of the open half, each once."""
    found: dict[str, Sentence] = {}
    for path in sorted((data / "presidio_pii").glob("*.json")):
        for row in json.loads(path.read_bytes()):
            truth = [
                TaggedSpan(span["start_position"], span["end_position"], span["entity_type"]) for span in row["spans"]
            ]
            found.setdefault(row["full_text"], Sentence(row["full_text"], tuple(sorted(truth)), row["template_id"]))
    return list(found.values())


def folds(items: Iterable[Sentence]) -> dict[int, int]:
    """Return the fold of each template, drawn at random since the set is ordered by topic."""
    templates = sorted({item.template for item in items})
    random.Random(SEED).shuffle(templates)
    return {template: at % FOLDS for at, template in enumerate(templates)}


def train(data: Path, folder: Path, say: Any) -> dict[str, Any]:
    """Write weights, held-out results and card into `folder`; return the card."""
    items = sentences(data)
    fold = folds(items)
    phrases = list(written())
    learnt = examples([sentence for _, sentence in phrases])
    say(f"{len(items)} sentences of the set and {len(learnt)} written ones; {FOLDS + 1} taggers are trained")
    own = examples(items)
    held_out: dict[int, list[list[Any]]] = {}
    for number in range(FOLDS):
        seen = [item for item in items if fold[item.template] != number]
        far = strangers((*PHRASES, *EMPTY), (pattern(item) for item in items if fold[item.template] == number))
        others = [example for (phrase, _), example in zip(phrases, learnt, strict=True) if phrase in far]
        weights = _fit(seen, [own[at] for at, item in enumerate(items) if fold[item.template] != number], others)
        for item, example in zip(items, own, strict=True):
            if fold[item.template] == number:
                held_out[mark(item.text)] = [[one.start, one.end, one.kind] for one in tagged(weights, item, example)]
        say(f"fold {number + 1} of {FOLDS} is done, without {len(learnt) - len(others)} written ones that resemble it")
    weights = _fit(items, own, learnt)
    card = {
        "embedder": registry.get_embedder().fingerprint,
        "layers": LAYERS,
        "seed": SEED,
        "sentences": {"presidio_pii": len(items), "phrases": len(learnt)},
        "templates": len(fold),
    }
    _store(folder, weights, held_out, card)
    return card


def held_out(folder: Path) -> dict[int, list[TaggedSpan]]:
    """Return for each sentence of the open half, by `mark`, the spans found by a tagger that did not see its
    template."""
    rows = json.loads((folder / "tagger_held_out.json").read_bytes())
    return {int(key): [TaggedSpan(*one) for one in found] for key, found in rows.items()}


def written() -> Iterator[tuple[str, Sentence]]:
    """Yield each written phrase several times, with the sentence made from it."""
    values = Values(random.Random(SEED))
    for phrase in PHRASES:
        for _ in range(_EACH):
            yield phrase, filled(phrase, values.make, values.draw)
    for text in EMPTY:
        yield from [(text, Sentence(text, ()))] * _EMPTY


def filled(pattern: str, make: Callable[[str], str], draw: random.Random) -> Sentence:
    """Return the pattern with values from `make` in its placeholders, sometimes in lower case."""
    text, at, found = "", 0, []
    for place in _PLACE.finditer(pattern):
        text += pattern[at : place.start()]
        value, kind, at = make(place[1]), _PIECES.get(place[1], place[1]), place.end()
        found.append(TaggedSpan(len(text), len(text) + len(value), kind))
        text += value
    text += pattern[at:]
    lower = text.lower()
    return Sentence(lower if draw.random() < _LOWER and len(lower) == len(text) else text, tuple(found))


def pattern(item: Sentence) -> str:
    """Return the sentence with placeholders instead of its values."""
    text, at = "", 0
    for span in item.spans:
        text += item.text[at : span.start].replace("{", "(").replace("}", ")")
        text += f"{{{_piece(span.kind, item.text[span.start : span.end])}}}"
        at = span.end
    return text + item.text[at:].replace("{", "(").replace("}", ")")


def examples(items: list[Sentence]) -> list[TaggerExample]:
    """Return the training examples of the sentences."""
    texts = [item.text for item in items]
    reader: Any = registry.get_classifier_embedder()
    return [
        trainer.build_example(extract_word_features(item.text, forms(item.text), inside), item.spans)
        for item, inside in zip(items, reader.states(texts, LAYERS), strict=True)
    ]


def forms(text: str) -> list[TaggedSpan]:
    """Return the spans that pattern detectors find."""
    return [TaggedSpan(found.start, found.end, found.kind) for found in find_pii(text)]


def tagged(weights: Weights, item: Sentence, example: TaggerExample) -> list[TaggedSpan]:
    """Return the spans that the weights find in the sentence."""
    words = example.features.words
    return (
        extract_spans(item.text, words, decode_viterbi(compute_emission_scores(weights, example.features)))
        if words
        else []
    )


def _fit(items: list[Sentence], own: list[TaggerExample], learnt: list[TaggerExample]) -> Weights:
    """Train on the sentences themselves, the same templates with new values, and the written phrases."""
    known = defaultdict(list)
    patterns = defaultdict(set)
    for item in items:
        patterns[item.template].add(pattern(item))
        for span in item.spans:
            value = item.text[span.start : span.end]
            known[_piece(span.kind, value)].append(value)
    values = Values(random.Random(SEED + 1), known)
    anew = []
    for _, ways in sorted(patterns.items()):
        ordered = sorted(ways)
        anew += [filled(ordered[at % len(ordered)], values.make, values.draw) for at in range(_ANEW)]
    return trainer.train([*own, *examples(anew), *learnt], SEED, ROUNDS)


def _piece(kind: str, value: str) -> str:
    """Return the placeholder for a value: pieces of an address are drawn differently."""
    if kind != "STREET_ADDRESS":
        return kind
    if value.isdigit():
        return "ZIP" if len(value) == 5 else "NUMBER"
    if re.match(r"\s*(?:Suite|Apt)", value):
        return "UNIT"
    return "ADDRESS" if re.search(r"[\n,]|Suite|Apt|corner| and ", value) else "STREET"


def _store(folder: Path, weights: Weights, held_out: dict[int, Any], card: dict[str, Any]) -> None:
    import numpy as np
    from safetensors.numpy import save

    raw = save({name: np.ascontiguousarray(array.astype(np.float16)) for name, array in weights.items()})
    (folder / "tagger.safetensors").write_bytes(raw)
    card["sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / "tagger.json").write_text(json.dumps(card, indent=1) + "\n")
    rows = {str(key): found for key, found in sorted(held_out.items())}
    (folder / "tagger_held_out.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n")
