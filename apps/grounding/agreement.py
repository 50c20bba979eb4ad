"""Compare what a sentence asserts with one or two sentences of a source, without a model.

Entry points: `find_disagreement`, and `find_disagreement_of_places` for what a judge found. Numbers, units, names,
codes, dates, quantifiers, modality, negation and contraries must stand in the source. What they say of each
other is left to a model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from apps.grounding import support_limits as limits
from apps.grounding.claim_features import (
    NUMBER_WORD_STEMS,
    ClaimFeatures,
    extract_features,
    normalise_token,
    number_value,
    split_tokens,
    split_words,
)
from apps.grounding.lexicons import ENGLISH, LEXICONS, UNITS, Lexicon, iter_opposite_forms, merge_forms
from apps.grounding.restatement import find_changed_meaning
from apps.lib.text.analyzer import stem_word
from apps.lib.text.sentences import find_sentences

# Paths, options, files, identifiers, versions, abbreviations, names with hyphens: what cannot be said in other words.
_CODE = re.compile(
    r"(?<![\w/~.-])(?:--?[A-Za-z][\w-]*|(?:~|\.{1,2})?/[\w.+~-]+(?:/[\w.+~-]*)*|\d+(?:\.\d+){2,}|"
    r"[A-Za-z_][\w-]*(?:\.[A-Za-z]\w*)+|\w+_\w*|[A-Za-z]+-?\d[\w-]*|[A-Z]{2,}[A-Z0-9]*|[a-z]+[A-Z]\w*|"
    r"[^\W\d_a-zß-ÿ][^\W_]*(?:-[^\W\d_a-zß-ÿ][^\W_]*)+)(?!\w)"
)
_POINTS_BACK = re.compile(  # a pronoun among the first words
    r"\W*(?:[\w,]+ ){0,2}(?:it|he|she|they|this|these|those|that|such|both|its|his|her|their|er|sie|es|dies|diese|"
    r"dieser|dieses|sein|seine|ihr|ihre|este|esta|estos|estas|esto|él|ella|ellos|ellas|su|sus)\b",
    re.IGNORECASE,
)
_IS = re.compile(r"\b(?:is|was|are|were|ist|war|sind|waren|es|era|son|fue|heißt|named|called)\b|:", re.IGNORECASE)
_CAPITAL_RUN = re.compile(r"[^\W\d_a-zß-ÿ][\w.'’-]*(?::?\s+[^\W\d_a-zß-ÿ][\w.'’-]*)+")  # "Cashier: Emily Gray"
_NO_CODE = frozenset({"e.g", "i.e", "z.b", "d.h", "u.a", "p.ej", "a.m", "p.m", "etc"})
_NOT_BEFORE = re.compile(r"\b(?:not|nicht|no)\s+$")
_AMOUNT = re.compile(r"\s*(?:[$€£]\s*)?([^\W_]+)")
_BEFORE_AMOUNTS = frozenset({"over", "above", "under", "below", "über", "unter"})
_SAME_MODALS = {"may": frozenset({"may", "can"}), "can": frozenset({"may", "can"})}


@dataclass(frozen=True, slots=True)
class Assertions:
    """Assertions of one text. `amounts` are pairs of a number and the unit behind or before it, by their common names.

    `units` are all units that the text names, with or without a number.
    """

    facts: ClaimFeatures
    codes: frozenset[str]  # case-folded
    dates: frozenset[str]  # months and weekdays, case-folded
    amounts: frozenset[tuple[float, str]]
    units: frozenset[str]
    quantifiers: frozenset[tuple[str, int]]  # kinds, each with a number from 0 for each time that it stands there
    modals: frozenset[str]


@lru_cache(maxsize=4_000)
def read_assertions(text: str, hint: str = "en") -> Assertions:
    """Return what a short text asserts, read in its own language, or in `hint` where its words do not tell it."""
    features = extract_features(text, hint)
    lexicon = LEXICONS.get(features.language, ENGLISH)
    tokens = split_tokens(text)
    bare = [normalise_token(token) for token in tokens]
    return Assertions(
        features,
        frozenset(_find_codes(text)),
        frozenset(word for word in bare if word in lexicon.calendar),
        frozenset(_find_units(tokens, bare, lexicon)),
        frozenset(UNITS[word] for word in bare if word in UNITS and (len(word) > 2 or word in "$€£%°")),
        _number(_find_kinds(text, features.language, lexicon.quantifiers)),
        frozenset(_find_kinds(text, features.language, lexicon.modals)),
    )


def find_disagreement(claim: str, source: str, *, context: str = "", hint: str = "en") -> str:
    """Return the first kind of assertion in which a claim goes beyond its source or against it; "" for none.

    `source` is one sentence or two adjacent ones, `context` the title and heading above them: names and codes may
    stand there. `hint` is the language of both where their words do not tell it. Kinds: number, unit, code, date,
    name, quantifier, modality, negation, antonym, words; recombined: the claim mixes words of two sentences, or gives a
    name what stands beside another name; and those of `find_changed_meaning`.
    """
    claimed, whole = read_assertions(claim, hint), source
    sentences = [source[start:end] for start, end in find_sentences(source)]
    if len(sentences) > 1 and not _restates_all(claimed, sentences, hint):
        if not _POINTS_BACK.match(sentences[-1]):
            return "recombined"
        context, source = f"{context} {sentences[0]}", sentences[-1]  # only the names come from the sentence before
    stated = read_assertions(source, hint)
    around = read_assertions(context, hint) if context else None
    known = stated.facts.terms | (around.facts.terms if around else frozenset())
    checks = {
        **_compare_facts(claimed, stated, known, f"{context}\n{source}".casefold()),
        "modality": _agree_in_modality(claimed, stated),
        "negation": _agree_in_negation(claimed.facts, source, hint),
        "antonym": not _says_contrary(claimed.facts, stated.facts),
        "words": _covers(claimed.facts, known),
        "recombined": not _names_another(claim, source, hint),
    }
    kind = next((kind for kind, agrees in checks.items() if not agrees), "")
    return kind or find_changed_meaning(claim, whole, stated.facts.language)


def find_disagreement_of_places(claim: str, places: Sequence[str], *, context: str = "", hint: str = "en") -> str:
    """Return the first kind of assertion that a claim does not have from any of several places of the sources, read
    together; "" for none. Kinds and arguments as in `find_disagreement`, without words and recombined: whether the
    places say it in other words, and of whom, is left to a judge, except where the claim turns around what one says.
    """
    claimed, source = read_assertions(claim, hint), " ".join(places)
    stated = read_assertions(source, hint)
    known = stated.facts.terms | read_assertions(context, hint).facts.terms
    denying = [place for place in places if extract_features(place, hint).negations]
    checks = {
        **_compare_facts(claimed, stated, known, f"{context}\n{source}".casefold()),
        "modality": _has_modals(claimed, stated)
        and not any(_drops_modal(claimed, read_assertions(place, hint)) for place in places),
        "negation": _agree_in_negation(
            claimed.facts, " ".join(denying) if claimed.facts.negations and denying else source, hint
        ),
        "antonym": not _says_contrary(claimed.facts, stated.facts),
    }
    kind = next((kind for kind, agrees in checks.items() if not agrees), "")
    return kind or next(filter(None, (find_changed_meaning(claim, place, hint) for place in places)), "")


def _compare_facts(claimed: Assertions, stated: Assertions, known: frozenset[str], full_text: str) -> dict[str, bool]:
    """Return by kind whether all that a claim names stands in a source. `known`: content words of source and context,
    `full_text`: both, case-folded."""
    return {
        "number": claimed.facts.numbers <= stated.facts.numbers,
        "unit": all(_has_unit(number, unit, stated) for number, unit in claimed.amounts),
        "code": all(code in stated.codes or _contains_word(code, full_text) for code in claimed.codes),
        "date": claimed.dates <= stated.dates or all(_contains_word(word, full_text) for word in claimed.dates),
        "name": not _unknown_names(claimed.facts, known),
        "quantifier": claimed.quantifiers <= stated.quantifiers,
    }


def get_word_overlap(claim: str, source: str, hint: str = "en") -> float:
    """Return the share of the content words of a claim that stand in the source, 0 to 1; 0 where it has none."""
    claim_terms, source_terms = extract_features(claim, hint).terms, extract_features(source, hint).terms
    return len(claim_terms & source_terms) / len(claim_terms) if claim_terms else 0.0


def _restates_all(claimed: Assertions, sentences: list[str], hint: str) -> bool:
    """Return whether a claim says much of each sentence, so that it is made of all of them."""
    stated_terms = [extract_features(sentence, hint).terms for sentence in sentences]
    return all(
        len(terms & claimed.facts.terms) >= limits.MIN_SHARE_OF_EACH_SENTENCE * len(terms) for terms in stated_terms
    )


def _covers(claimed: ClaimFeatures, known: frozenset[str]) -> bool:
    """Return whether a source has enough of the content words of a claim: all of a few, half of many.

    Numbers, quantifiers and modal verbs do not count, since they are compared apart.
    """
    missing = {word for word in claimed.terms - known - _compared_apart(claimed.language) if not word[0].isdigit()}
    min_share = limits.MIN_COVERED if claimed.language == "en" else limits.MIN_COVERED_NOT_ENGLISH
    return (
        not missing
        if len(claimed.terms) <= limits.FEW_CONTENT_WORDS
        else len(missing) <= (1 - min_share) * len(claimed.terms)
    )


@lru_cache(maxsize=4)
def _compared_apart(language: str) -> frozenset[str]:
    lexicon = LEXICONS.get(language, ENGLISH)
    return NUMBER_WORD_STEMS | {stem_word(word) for word in (*lexicon.quantifiers, *lexicon.modals)}


def _find_codes(text: str) -> Iterator[str]:
    for found in _CODE.finditer(text):
        code = found[0].rstrip("./-").casefold()
        if code not in _NO_CODE and len(code) > 1:
            yield code


def _contains_word(word: str, text: str) -> bool:
    """Return whether a case-folded word stands in a case-folded text as a word of its own."""
    return re.search(rf"(?<![\w]){re.escape(word)}(?!\w)", text) is not None


def _find_units(tokens: list[str], bare: list[str], lexicon: Lexicon) -> Iterator[tuple[float, str]]:
    """Yield each number with its unit: "5 km", "5km", "$5", "five days"."""
    for at, token in enumerate(bare):
        number = number_value(token, lexicon)
        if number is None:
            continue
        attached = re.fullmatch(r"\d+(?:[.,]\d+)*([^\W\d_]{1,4})", tokens[at])
        behind = attached[1].casefold() if attached else bare[at + 1] if at + 1 < len(bare) else ""
        before = bare[at - 1] if at else ""
        if behind in UNITS:
            yield number, UNITS[behind]
        elif before in ("$", "€", "£"):
            yield number, UNITS[before]


def _has_unit(number: float, unit: str, stated: Assertions) -> bool:
    """Return whether the source gives the number that unit; where it gives it none, whether it names the unit."""
    units = {other for value, other in stated.amounts if value == number}
    return unit in units if units else unit in stated.units


@lru_cache(maxsize=16)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")


def _number(kinds: Iterator[str]) -> frozenset[tuple[str, int]]:
    """Return each kind with a number from 0 for each time that it comes."""
    counts = Counter(kinds)
    return frozenset((kind, number) for kind, count in counts.items() for number in range(count))


def _find_kinds(text: str, language: str, table: Mapping[str, str]) -> Iterator[str]:
    """Yield the kind of each word or phrase of a table that a text holds."""
    folded = text.casefold()
    lexicon = LEXICONS.get(language, ENGLISH)
    for match in _pattern(tuple(table)).finditer(folded) if table else ():
        if match[0] in _BEFORE_AMOUNTS:
            amount = _AMOUNT.match(folded, match.end())
            if amount is None or number_value(amount[1], lexicon) is None:
                continue
        if table[match[0]] == "only" and _NOT_BEFORE.search(folded, 0, match.start()):
            continue
        yield table[match[0]]


def _unknown_names(claimed: ClaimFeatures, known: frozenset[str]) -> frozenset[str]:
    """Return the names of a sentence that the source lacks.

    German writes all nouns as names: there a form or compound of a known word is known too.
    """
    missing = claimed.names - known
    if claimed.language != "de":
        return missing
    return frozenset(
        name
        for name in missing
        if not any(
            name[: limits.GERMAN_FAMILY_LETTERS] == word[: limits.GERMAN_FAMILY_LETTERS]
            for word in known
            if len(word) >= limits.GERMAN_FAMILY_LETTERS <= len(name)
        )
    )


def _names_another(claim: str, source: str, hint: str) -> bool:
    """Return whether a claim says that somebody "is" what the source writes beside another name only.

    So "The treasurer is Ann Gray" goes against "President Ann Gray, Treasurer Bo Lind".
    """
    parts = _IS.split(claim, maxsplit=1)
    if len(parts) < 2:
        return False
    claim_terms, sides = extract_features(claim, hint).terms, [extract_features(part, hint) for part in parts]
    runs = [extract_features(found[0], hint).terms for found in _CAPITAL_RUN.finditer(source)]
    for described, bearer in (sides, sides[::-1]):
        if any(run & bearer.terms for run in runs):
            beside = [run for run in runs if described.term_order[:1] and described.term_order[0] in run]
            if beside and all(run - claim_terms and not run & bearer.terms for run in beside):
                return True
    return False


def _agree_in_modality(claimed: Assertions, stated: Assertions) -> bool:
    """Return whether a claim says must, should, may or can only as the source does, and drops no may or should."""
    return _has_modals(claimed, stated) and not _drops_modal(claimed, stated)


def _has_modals(claimed: Assertions, stated: Assertions) -> bool:
    return all(_SAME_MODALS.get(modal, frozenset({modal})) & stated.modals for modal in claimed.modals)


def _drops_modal(claimed: Assertions, stated: Assertions) -> bool:
    """Return whether a claim restates a source that says may or should, and says neither."""
    covered = len(stated.facts.terms & claimed.facts.terms) >= limits.RESTATING_SHARE * len(stated.facts.terms)
    return not claimed.modals and covered and bool(stated.modals & {"may", "should"})


def _agree_in_negation(claimed: ClaimFeatures, source: str, hint: str) -> bool:
    """Return whether a claim denies just what the sentence of the source denies that shares most with it."""
    sentences = [extract_features(source[start:end], hint) for start, end in find_sentences(source)]
    stated = max(sentences, key=lambda one: len(one.terms & claimed.terms), default=extract_features(source, hint))
    if (
        bool(claimed.negated_terms & stated.terms) != bool(stated.negated_terms & claimed.terms)
        or claimed.negations > stated.negations
    ):
        return False
    restated = len(stated.terms & claimed.terms) >= limits.NEGATION_KEEPING_SHARE * len(stated.terms)
    return not restated or claimed.negations == stated.negations


def _says_contrary(claimed: ClaimFeatures, stated: ClaimFeatures) -> bool:
    """Return whether one says a contrary of a word of the other, as "rose" and "fell"."""
    known = OPPOSITE_STEMS[claimed.language]
    return any(known[term] & (stated.terms - claimed.terms) for term in claimed.terms - stated.terms if term in known)


def is_verbatim(claim: str, source: str) -> bool:
    """Return whether the words of a claim, four or more, stand in a row in the source, whatever its punctuation."""
    words, source_words = split_words(claim), split_words(source)
    return len(words) >= limits.MIN_REPEATED_WORDS and f" {' '.join(words)} " in f" {' '.join(source_words)} "


OPPOSITE_STEMS = {  # code of the language -> stem -> stems of its contraries
    code: merge_forms(
        (stem_word(form), frozenset(map(stem_word, others))) for form, others in iter_opposite_forms(lexicon)
    )
    for code, lexicon in LEXICONS.items()
}
