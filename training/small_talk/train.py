"""Training of the classifier of small talk on `examples.py` and, as questions, those of pubmedqa.

A word of a training message counts as known only if another example has it, too. Messages of users have words that no
example has, and a classifier that never saw one would take each for a sign of a question.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.engines.classify.small_talk import OTHER, compute_form_features, normalise_message
from training.linear_heads import build_ngram_matrix
from training.small_talk.examples import TalkExample, expand_templates

QUESTIONS = "pubmedqa"  # may be trained on, unlike the sets that the tests measure on
_INVERSE_STRENGTH = 5.0  # C of the logistic regression; chosen on "chosen_on" of small_talk.json in the tests
_STEPS = 300
_LONG = 6  # letters of a word that users search for
_SEED = 22
_TOLERANCE = 1e-3


def train(data: Path, folder: Path, log: Callable[[str], Any]) -> dict[str, Any]:
    """Write weights and card into `folder`; return the card. Deterministic up to floating-point differences."""
    examples = [*expand_templates(), *(TalkExample(text, OTHER, 0) for text in read_questions(data))]
    templates_by_word = _find_templates([normalise_message(example.text) for example in examples], examples)
    return fit_and_store(folder, "small_talk", examples, templates_by_word, log)


def fit_and_store(
    folder: Path,
    name: str,
    examples: Sequence[TalkExample],
    templates_by_word: dict[str, set[int]],
    log: Callable[[str], Any],
    **card: Any,
) -> dict[str, Any]:
    """Write weights and card of a classifier under that name; return the card. `templates_by_word` maps each known word
    to the numbers of its templates."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    texts = [normalise_message(example.text) for example in examples]
    features = _features(texts, examples, templates_by_word)
    model = LogisticRegression(C=_INVERSE_STRENGTH, max_iter=_STEPS, tol=_TOLERANCE)
    model.fit(features, [example.kind for example in examples])
    log(f"{len(texts)} messages of {len(model.classes_)} kinds")
    return _store(folder, name, model, {"messages": len(texts), "known": sorted(templates_by_word), **card})


def read_questions(data: Path) -> list[str]:
    """Return the questions of the set, and searches of one or two words from its texts, half with a question mark."""
    lines = (data / QUESTIONS / "queries.jsonl").read_text().splitlines()
    texts = (data / QUESTIONS / "corpus.jsonl").read_text().splitlines()
    rng, searches = random.Random(_SEED), list[str]()
    for line in texts:
        words = [word for word in re.findall(r"[^\W\d_]+", json.loads(line)["text"]) if len(word) >= _LONG]
        at = rng.randrange(len(words) - 1)
        searches.append(" ".join(words[at : at + rng.choice((1, 2))]) + rng.choice(("", "?")))
    return [json.loads(line)["text"] for line in lines] + searches


def _find_templates(texts: Sequence[str], examples: Sequence[TalkExample]) -> dict[str, set[int]]:
    """Return for each word of small talk the templates that have it."""
    templates_by_word: dict[str, set[int]] = defaultdict(set)
    for text, example in zip(texts, examples, strict=True):
        for word in text.split() if example.kind != OTHER else ():
            templates_by_word[word].add(example.template)
    return dict(templates_by_word)


def _features(texts: Sequence[str], examples: Sequence[TalkExample], templates_by_word: dict[str, set[int]]) -> Any:
    from scipy import sparse

    def unknown(at: int, word: str) -> bool:
        templates = templates_by_word.get(word, set())
        return not templates or templates == {examples[at].template}

    return sparse.hstack([build_ngram_matrix(texts), sparse.csr_matrix(compute_form_features(texts, unknown))]).tocsr()


def _store(folder: Path, name: str, model: Any, facts: dict[str, Any]) -> dict[str, Any]:
    from safetensors.numpy import save

    weights = np.asarray(model.coef_)
    words = weights[:, : weights.shape[1] - 3]
    raw = save(
        {
            "words": np.ascontiguousarray(words.astype(np.float16)),
            "form": np.ascontiguousarray(weights[:, words.shape[1] :].astype(np.float32)),
            "bias": np.asarray(model.intercept_, np.float32),
        }
    )
    (folder / f"{name}.safetensors").write_bytes(raw)
    labels = [str(label) for label in model.classes_]
    card = {"labels": labels, **facts, "sha256": hashlib.sha256(raw).hexdigest()}
    (folder / f"{name}.json").write_text(json.dumps(card, ensure_ascii=False) + "\n")
    return card
