"""Judge whether a number of a passage is what a question asks for, or belongs to something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from apps.grounding import support_limits as limits
from apps.grounding.claim_features import ClaimFeatures, extract_features, is_amount, split_tokens
from apps.lib.text.analyzer import normalise_text, stem_word
from apps.lib.text.identifiers import PART_WORDS

_LABEL = re.compile(  # numbers that count items, sections, pages and notes, and say nothing of amounts
    r"(?:^|(?<=[.!?]\s))[^\S\n]*+(?:[-*+•–]\s+)?"
    r"(?:\(?\d{1,3}[.)](?=\s+\S)|\d{1,3}(?:\.\d{1,3})+\.?(?=\s+[A-ZÄÖÜÁÉÍÓÚÑ¿]))|"
    rf"\[\d{{1,3}}\]|(?<!§)§++\s*+[\d.]+|\b(?i:(?:{PART_WORDS})s?)\s+\d+(?:\.\d+)*",
    re.MULTILINE,
)
_SIGNS = re.compile(r"[%‰$€£¥°]|(?<![\w)])[-−](?=\d)")


def find_amounts(text: str, language: str = "en") -> frozenset[str]:
    """Return the numbers of a text as `extract_features` writes them, without those that only label: "2." of a list,
    "6.14" of a section, "[1]" of a note, "page 5"."""
    return extract_features(_LABEL.sub(" ", text), language).numbers


def has_fitting_numbers(question: str, answer: str, passage: str) -> bool:
    """Return whether the numbers of an answer, all of which are in the passage, stand there beside what is asked about.

    Of "it was painted in 1902 and lifts 41 tons" only 41 is what it lifts. The signs beside them must be known too.
    """
    signs = set(_SIGNS.findall(answer))
    if not signs <= {*_SIGNS.findall(question), *_SIGNS.findall(passage)}:
        return False
    numbers = extract_features(answer).numbers
    near = _measure_nearness(extract_features(question), split_tokens(passage)) if numbers else {}
    min_nearness = limits.LEAST_NEARNESS * max(near.values(), default=0.0)
    return all(near.get(number, min_nearness) >= min_nearness for number in numbers)


def _measure_nearness(asked: ClaimFeatures, tokens: Sequence[str]) -> dict[str, float]:
    """Return how near each number stands to the words that are asked about: the sum of one by the distance to each."""
    stems = [stem_word(normalise_text(token).replace("’", "'").removesuffix("'s")) for token in tokens]
    positions = [[at for at, found in enumerate(stems) if found == term] for term in asked.terms]
    found: dict[str, float] = {}
    for amount, group in groupby(range(len(tokens)), key=lambda at: is_amount(tokens[at])):
        inside = list(group)
        first, last = inside[0], inside[-1]
        near = sum(max((1 / max(1, first - at, at - last) for at in some), default=0.0) for some in positions)
        for number in extract_features(" ".join(tokens[first : last + 1])).numbers if amount else ():
            found[number] = max(found.get(number, 0.0), near)
    return found
