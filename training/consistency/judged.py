"""Labelled pairs of a claim and the sentences of its passages that cover it best, from sentences that people judged.

True claims and sentences of the passages are falsified by the rules of `edits`, too, so that other words than the
source's do not become the mark of a false claim.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from apps.grounding.citer import Citer, EvidenceWindow
from apps.grounding.claim_features import extract_features, write_digits
from apps.grounding.support_check import weigh_words
from apps.lib.text.sentences import find_sentences
from benchmarks.trust.cases import build_passage
from training.consistency.edits import (
    EXCHANGING_EDITS,
    FALSIFYING_EDITS,
    LIGHT_EDITS,
    Edit,
    SourceSentence,
    exchange_joined,
    extract_names,
    recombine,
)
from training.consistency.pairs import ClaimPair

LANGUAGES = ("en", "de", "es")
HELD_OUT = {"model": 0.2, "edited": 0.2, "human": 0.06, "made": 0.06}  # share of the documents
MOST_OF_A_SET = 200  # rows, where people wrote them
JOINED_WORDS = 150  # of the sentences that are read together
_NEW = 3.0  # what a word counts that no sentence chosen before covers, beside one that is covered already
_WORDS = (6, 45)  # of a sentence of a passage that is edited
_FALSIFIED = {**FALSIFYING_EDITS, **EXCHANGING_EDITS}
_RARE = frozenset(  # kinds that few sentences allow: tried first in most cases
    {"exchanged_names", "exchanged_numbers", "order", "hedge", "amount", "unit", "reference", "quantifier", "modality"}
)
_RARE_FIRST = 0.6
_FALSIFIED_SHARE = 0.67  # of the true claims of the edited sets
_PASSAGES_EDITED = 0.2  # share of the rows of which a sentence of the passages is edited
_EDITED_SETS = frozenset(  # sets whose true claims are falsified, the more where the set has no false ones
    {"mtragun_reference", "clapnq", "scitldr", "deplain_web", "textcomplexity_de", "wikisplit", "begin", "attr_hagrid",
     "attr_gensearch", "attr_expertqa", "factcheckbench", "summedits_news", "summedits_podcast", "summedits_qmsumm",
     "summedits_sales_call", "summedits_sales_email", "contractnli", "fever_dev", "q2_wow", "faithdial_audit"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """Row of the open set. `origin` is model, edited, human or made."""

    set: str
    origin: str
    language: str
    doc: str
    question: str
    passages: tuple[str, ...]
    sentence: str
    is_supported: bool


def read_rows(path: Path) -> list[JudgedRow]:
    """Return the rows in the languages of the check; partly supported counts as not supported."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [
            JudgedRow(
                row["set"], row["origin"], row["language"], row["doc"], row["question"], tuple(row["passages"]),
                row["sentence"], row["label"] == "supported",
            )
            for row in map(json.loads, lines)
            if row["language"] in LANGUAGES
        ]  # fmt: skip


def split_held_out(rows: Sequence[JudgedRow]) -> tuple[list[JudgedRow], list[JudgedRow]]:
    """Return the rows to train on and those to measure with; the documents of a set are split by their hash."""
    parts: dict[bool, list[JudgedRow]] = {True: [], False: []}
    for row in rows:
        share = int(hashlib.sha256(f"{row.set} {row.doc}".encode()).hexdigest()[:8], 16) / 16**8
        parts[share < HELD_OUT[row.origin]].append(row)
    return parts[False], parts[True]


def build_pairs(rows: Sequence[JudgedRow], rng: random.Random) -> list[ClaimPair]:
    """Return the rows as pairs, balanced within each set, with falsified ones of their true claims and with edited
    sentences of their passages."""
    by_set: dict[str, list[JudgedRow]] = defaultdict(list)
    for row in rows:
        by_set[row.set].append(row)
    pairs: list[ClaimPair] = []
    for name, found in sorted(by_set.items()):
        rng.shuffle(found)
        written = [row for row in found if row.origin in ("model", "edited")]
        kept = found if written else found[:MOST_OF_A_SET]
        for row in kept:
            evidence = _Evidence(row)
            pairs.append(_pair(row, evidence, row.sentence, row.is_supported, row.set))
            if row.is_supported and name in _EDITED_SETS:
                pairs += _falsify(row, evidence, rng)
            if rng.random() < _PASSAGES_EDITED:
                pairs += _edit_passages(row, evidence, rng)
    rng.shuffle(pairs)
    return pairs


class _Evidence:
    """Sentences of the passages of a row, chosen by claim: all of them where they are few."""

    def __init__(self, row: JudgedRow) -> None:
        self._row = row
        self._whole = " ".join(" ".join(row.passages).split())

    @cached_property
    def _sentences(self) -> list[EvidenceWindow]:
        passages = {number: build_passage("", text, number) for number, text in enumerate(self._row.passages, 1)}
        return list_sentence_windows(Citer("", passages).windows)

    def select(self, claim: str) -> str:
        """Return the text that the model reads with a claim."""
        if len(self._whole.split()) <= JOINED_WORDS:
            return self._whole
        return " ".join(window.premise.text for window in select_evidence(claim, self._sentences))


def list_sentence_windows(windows: Sequence[EvidenceWindow]) -> list[EvidenceWindow]:
    """Return the windows of one sentence or cell, in the order of the passages."""
    shortest: dict[tuple[int, int], int] = {}
    for window in windows:
        if not window.premise.only_quoted:
            place = (window.source, window.start)
            shortest[place] = min(window.end, shortest.get(place, window.end))
    return sorted(
        (w for w in windows if not w.premise.only_quoted and w.end == shortest[w.source, w.start]),
        key=lambda w: (w.source, w.start),
    )


def select_evidence(claim: str, sentences: Sequence[EvidenceWindow]) -> list[EvidenceWindow]:
    """Return the sentences that cover most of a claim's weighted words together, in the order of the passages.

    Before each goes the sentence to which it may point back. At most JOINED_WORDS words, or one sentence.
    """
    features = extract_features(claim)
    weight = weigh_words(features, [window.facts for window in sentences])
    covered: frozenset[str] = frozenset()
    chosen: set[int] = set()
    left = JOINED_WORDS
    while len(chosen) < len(sentences):
        gains = {
            at: sum(weight[t] * (1.0 if t in covered else _NEW) for t in features.terms & window.own_facts.terms)
            for at, window in enumerate(sentences)
            if at not in chosen
        }
        best = max(gains, key=lambda at: (gains[at], -at))
        before = {best - 1} if best and sentences[best - 1].source == sentences[best].source else set[int]()
        added = ({best} | before) - chosen
        size = sum(len(sentences[at].premise.text.split()) for at in added)
        if chosen and size > left:
            added, size = {best}, len(sentences[best].premise.text.split())
            if size > left:
                break
        chosen |= added
        left -= size
        covered |= sentences[best].own_facts.terms
    return [sentences[at] for at in sorted(chosen)]


def _pair(row: JudgedRow, evidence: _Evidence, claim: str, supported: bool, kind: str) -> ClaimPair:
    source = evidence.select(claim)
    return ClaimPair(
        write_digits(claim, row.language), write_digits(source, row.language), supported, kind, row.language
    )


def _falsify(row: JudgedRow, evidence: _Evidence, rng: random.Random) -> Iterator[ClaimPair]:
    """Yield a true claim falsified once, where a rule applies, in most cases."""
    if rng.random() >= _FALSIFIED_SHARE:
        return
    window = " ".join(row.passages)
    sentence = SourceSentence(row.sentence, row.language, window, tuple(extract_names(window))[:60])
    found = _apply_one(list(_FALSIFIED.items()), sentence, rng)
    if found is not None:
        yield _pair(row, evidence, found[1], False, found[0])


def _edit_passages(row: JudgedRow, evidence: _Evidence, rng: random.Random) -> Iterator[ClaimPair]:
    """Yield a sentence of the passages edited lightly, and falsified."""
    window = " ".join(" ".join(row.passages).split())
    sentences = [window[start:end] for start, end in find_sentences(window)]
    good = [text for text in sentences if _WORDS[0] <= len(text.split()) <= _WORDS[1] and text[0].isupper()]
    if not good:
        return
    pool = tuple(extract_names(window))[:60]
    one = SourceSentence(rng.choice(good), row.language, window, pool)
    found = _apply_one(list(_FALSIFIED.items()), one, rng)
    other = SourceSentence(rng.choice(good), row.language, window, pool)
    if other.text != one.text and rng.random() < 0.2:
        joined = recombine(one, other, rng)
        found = ("recombined", joined) if joined else found
    light: list[tuple[str, Edit]] = [("true", edit) for edit in (*LIGHT_EDITS, exchange_joined)]
    true = _apply_one(light, one, rng) or ("true", one.text)
    if found is not None and found[1] not in window:
        false = (
            _apply_one(light, SourceSentence(found[1], row.language, window, pool), rng) if rng.random() < 0.4 else None
        )
        yield _pair(row, evidence, false[1] if false else found[1], False, found[0])
        yield _pair(row, evidence, true[1], True, "true")


def _apply_one(edits: list[tuple[str, Edit]], sentence: SourceSentence, rng: random.Random) -> tuple[str, str] | None:
    """Return the kind and text of the first of the edits, in random order, that changes the sentence."""
    rng.shuffle(edits)
    if rng.random() < _RARE_FIRST:
        edits.sort(key=lambda one: one[0] not in _RARE)
    for kind, edit in edits:
        text = edit(sentence, rng)
        if text is not None and text.casefold() != sentence.text.casefold():
            return kind, text
    return None
