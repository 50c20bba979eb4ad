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
from training.pii_tagger.deduplication import find_dissimilar
from training.pii_tagger.templates import EMPTY, PHRASES
from training.pii_tagger.trainer import TaggerExample
from training.pii_tagger.values import ValueFaker
from training.text_classifier.train import SEED, hash_text

FOLDS = 4
ROUNDS = 5
_PER_PHRASE = 12  # fillings of each written phrase
_PER_TEMPLATE = 20  # fillings of each template of the set
_PER_EMPTY_PHRASE = 4
_LOWER_CASE_SHARE = 0.07  # share of sentences in lower case
_PLACEHOLDER = re.compile(r"\{([A-Z_]+)\}")
_KINDS_OF_PIECES = dict.fromkeys(("STREET", "NUMBER", "UNIT", "ZIP", "ADDRESS"), "STREET_ADDRESS") | {
    "ZIPCODE": "ZIP_CODE"
}


@dataclass(frozen=True, slots=True)
class TemplateSentence:
    """Training sentence with its true spans. `template` is -1 for a written phrase."""

    text: str
    spans: tuple[TaggedSpan, ...]
    template: int = -1


def read_sentences(data: Path) -> list[TemplateSentence]:
    """Return the sentences of the open half, each once."""
    sentences: dict[str, TemplateSentence] = {}
    for path in sorted((data / "presidio_pii").glob("*.json")):
        for row in json.loads(path.read_bytes()):
            spans = [
                TaggedSpan(span["start_position"], span["end_position"], span["entity_type"]) for span in row["spans"]
            ]
            sentences.setdefault(
                row["full_text"], TemplateSentence(row["full_text"], tuple(sorted(spans)), row["template_id"])
            )
    return list(sentences.values())


def assign_folds(items: Iterable[TemplateSentence]) -> dict[int, int]:
    """Return the fold of each template, drawn at random since the set is ordered by topic."""
    templates = sorted({item.template for item in items})
    random.Random(SEED).shuffle(templates)
    return {template: at % FOLDS for at, template in enumerate(templates)}


def train(data: Path, folder: Path, log: Any) -> dict[str, Any]:
    """Write weights, held-out results and card into `folder`; return the card."""
    items = read_sentences(data)
    fold = assign_folds(items)
    phrases = list(fill_phrases())
    phrase_examples = build_examples([sentence for _, sentence in phrases])
    log(f"{len(items)} sentences of the set and {len(phrase_examples)} written ones; {FOLDS + 1} taggers are trained")
    set_examples = build_examples(items)
    held_out: dict[int, list[list[Any]]] = {}
    for number in range(FOLDS):
        training_items = [item for item in items if fold[item.template] != number]
        dissimilar = find_dissimilar(
            (*PHRASES, *EMPTY), (extract_pattern(item) for item in items if fold[item.template] == number)
        )
        other_examples = [
            example for (phrase, _), example in zip(phrases, phrase_examples, strict=True) if phrase in dissimilar
        ]
        weights = _fit(
            training_items,
            [set_examples[at] for at, item in enumerate(items) if fold[item.template] != number],
            other_examples,
        )
        for item, example in zip(items, set_examples, strict=True):
            if fold[item.template] == number:
                held_out[hash_text(item.text)] = [
                    [one.start, one.end, one.kind] for one in tag_sentence(weights, item, example)
                ]
        held_out_count = len(phrase_examples) - len(other_examples)
        log(f"fold {number + 1} of {FOLDS} is done, without {held_out_count} written ones that resemble it")
    weights = _fit(items, set_examples, phrase_examples)
    card = {
        "embedder": registry.get_embedder().fingerprint,
        "layers": LAYERS,
        "seed": SEED,
        "sentences": {"presidio_pii": len(items), "phrases": len(phrase_examples)},
        "templates": len(fold),
    }
    _store(folder, weights, held_out, card)
    return card


def load_held_out_spans(folder: Path) -> dict[int, list[TaggedSpan]]:
    """Return for each sentence of the open half, by `hash_text`, the spans found by a tagger that did not see its
    template."""
    rows = json.loads((folder / "pii_tagger_held_out.json").read_bytes())
    return {int(key): [TaggedSpan(*one) for one in found] for key, found in rows.items()}


def fill_phrases() -> Iterator[tuple[str, TemplateSentence]]:
    """Yield each written phrase several times, with the sentence made from it."""
    values = ValueFaker(random.Random(SEED))
    for phrase in PHRASES:
        for _ in range(_PER_PHRASE):
            yield phrase, fill_pattern(phrase, values.draw_value, values.rng)
    for text in EMPTY:
        yield from [(text, TemplateSentence(text, ()))] * _PER_EMPTY_PHRASE


def fill_pattern(pattern: str, make: Callable[[str], str], rng: random.Random) -> TemplateSentence:
    """Return the pattern with values from `make` in its placeholders, sometimes in lower case."""
    text, at, spans = "", 0, []
    for placeholder in _PLACEHOLDER.finditer(pattern):
        text += pattern[at : placeholder.start()]
        value, kind, at = make(placeholder[1]), _KINDS_OF_PIECES.get(placeholder[1], placeholder[1]), placeholder.end()
        spans.append(TaggedSpan(len(text), len(text) + len(value), kind))
        text += value
    text += pattern[at:]
    lower = text.lower()
    return TemplateSentence(
        lower if rng.random() < _LOWER_CASE_SHARE and len(lower) == len(text) else text, tuple(spans)
    )


def extract_pattern(item: TemplateSentence) -> str:
    """Return the sentence with placeholders instead of its values."""
    text, at = "", 0
    for span in item.spans:
        text += item.text[at : span.start].replace("{", "(").replace("}", ")")
        text += f"{{{_get_placeholder(span.kind, item.text[span.start : span.end])}}}"
        at = span.end
    return text + item.text[at:].replace("{", "(").replace("}", ")")


def build_examples(items: list[TemplateSentence]) -> list[TaggerExample]:
    """Return the training examples of the sentences."""
    texts = [item.text for item in items]
    reader: Any = registry.get_classifier_embedder()
    return [
        trainer.build_example(extract_word_features(item.text, find_pattern_spans(item.text), inside), item.spans)
        for item, inside in zip(items, reader.states(texts, LAYERS), strict=True)
    ]


def find_pattern_spans(text: str) -> list[TaggedSpan]:
    """Return the spans that pattern detectors find."""
    return [TaggedSpan(found.start, found.end, found.kind) for found in find_pii(text)]


def tag_sentence(weights: Weights, item: TemplateSentence, example: TaggerExample) -> list[TaggedSpan]:
    """Return the spans that the weights find in the sentence."""
    words = example.features.words
    return (
        extract_spans(item.text, words, decode_viterbi(compute_emission_scores(weights, example.features)))
        if words
        else []
    )


def _fit(
    items: list[TemplateSentence], set_examples: list[TaggerExample], phrase_examples: list[TaggerExample]
) -> Weights:
    """Train on the sentences themselves, the same templates with new values, and the written phrases."""
    values_by_placeholder = defaultdict(list)
    patterns = defaultdict(set)
    for item in items:
        patterns[item.template].add(extract_pattern(item))
        for span in item.spans:
            value = item.text[span.start : span.end]
            values_by_placeholder[_get_placeholder(span.kind, value)].append(value)
    values = ValueFaker(random.Random(SEED + 1), values_by_placeholder)
    refilled = []
    for _, variants in sorted(patterns.items()):
        ordered = sorted(variants)
        refilled += [
            fill_pattern(ordered[at % len(ordered)], values.draw_value, values.rng) for at in range(_PER_TEMPLATE)
        ]
    return trainer.train([*set_examples, *build_examples(refilled), *phrase_examples], SEED, ROUNDS)


def _get_placeholder(kind: str, value: str) -> str:
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
    (folder / "pii_tagger.safetensors").write_bytes(raw)
    card["sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / "pii_tagger.json").write_text(json.dumps(card, indent=1) + "\n")
    rows = {str(key): found for key, found in sorted(held_out.items())}
    (folder / "pii_tagger_held_out.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n")
