"""Figures of quotes on questions with their paragraphs: is the answer quoted first, at all, and is silence kept.

Each question of `data/reader` is put to the product's own choice of quotes over its paragraphs, ranked by relevance as
a search would. Rows without an answer measure what is quoted in vain.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from apps.documents.retrieval.relevance import compute_coverage, estimate_relevance
from apps.engines import registry
from apps.grounding.passage import Passage
from apps.grounding.quote_selection import Quote, select_quotes
from apps.lib.text.analyzer import extract_terms
from apps.lib.text.text_normalization import normalize_text

LANGUAGES = ("en", "es", "pt")  # whose letters the packaged encoder reads
_SEED = 5
_COVERED = 0.5  # share of the answering sentence's words that a quote holds, where the answer is not a phrase of it
_NOWHERE = UUID(int=0)


def measure_reading(data: Path, count: int) -> dict[str, float]:
    """Return the shares of questions whose first quote, and any quote, holds the answer, by kind and language; of
    questions without an answer the share that is quoted something. `count`: questions at most."""
    path = data / "reader" / "open_dev.jsonl.gz"
    if not path.is_file():
        print(f"{path} is not there: quotes are not measured on it.", file=sys.stderr)
        return {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["language"] in LANGUAGES and is_measurable(row)]
    random.Random(_SEED).shuffle(rows)  # noqa: S311
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows[:count]:
        quotes = select_quotes(row["question"], rank_paragraphs(row), {})
        if row["kind"] == "none":
            found["quoted_in_vain"].append(float(bool(quotes)))
            continue
        right = [holds_answer(quote, row) for quote in quotes]
        for name in ("", f".{row['kind']}", f".{row['language']}"):
            found[f"first_quote_right{name}"].append(float(any(right[:1])))
            found[f"quotes_right{name}"].append(float(any(right)))
        found["silent"].append(float(not quotes))
    return {
        name: figure
        for key, values in sorted(found.items())
        for name, figure in ((f"reading.{key}", sum(values) / len(values)), (f"reading.{key}.n", float(len(values))))
    }


def is_measurable(row: Mapping[str, Any]) -> bool:
    """Return whether a quote can be told to answer: not of sums and counts, which no row of a table holds."""
    if row["kind"] in ("none", "yesno", "long") or row["answer_sentence"]:
        return True
    own = normalize_text(row["paragraphs"][0]).casefold()
    return any(answer and normalize_text(answer).casefold() in own for answer in row["answers"])


def rank_paragraphs(row: Mapping[str, Any]) -> dict[int, Passage]:
    """Return the paragraphs of a row as numbered passages, the most relevant first."""
    asked = frozenset(extract_terms(row["question"]))
    texts = row["paragraphs"]
    engine = registry.get_embedder()
    near = engine.embed_passages(texts) @ engine.embed_query(row["question"])
    idf = dict.fromkeys(asked, 1.0)
    scored = []
    for text, cosine in zip(texts, near, strict=True):
        covered = compute_coverage(idf, set(extract_terms(text)))
        scored.append((estimate_relevance(float(cosine), covered, covered), float(cosine), text))
    scored.sort(key=lambda one: -one[0])
    return {at: _make_passage(row, *one) for at, one in enumerate(scored, 1)}


def _make_passage(row: Mapping[str, Any], relevance: float, cosine: float, text: str) -> Passage:
    return Passage(0, _NOWHERE, _NOWHERE, row["title"], "", 1, "", (), text, 0, len(text), text, relevance, cosine, 0.0)


def holds_answer(quote: Quote, row: Mapping[str, Any]) -> bool:
    """Return whether a quote holds one of the answers, or most of the sentence that answers."""
    text = normalize_text(quote.text).casefold()
    if row["kind"] in ("span", "table", "list") and any(
        answer and normalize_text(answer).casefold() in text for answer in row["answers"]
    ):
        return True
    wanted = row["answer_sentence"] or (row["paragraphs"][0] if row["kind"] in ("yesno", "long") else "")
    return _shares_words(text, wanted) if wanted else False


def _shares_words(text: str, wanted: str) -> bool:
    """Return whether a text holds most of a sentence; of a paragraph, whether most of the text is its."""
    here, there = set(extract_terms(text)), set(extract_terms(wanted))
    return len(here & there) >= _COVERED * min(len(here), len(there)) > 0
