"""Sentences given to the grounding check: true ones, true ones lightly edited, and perturbed ones of every kind.

`build_claims(kind, cases, count, seed)` draws them. Equal cases and seed give equal claims.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from apps.grounding.passage import Passage
from benchmarks.lib.datasets import DatasetText
from benchmarks.trust.cases import TrustCase, build_passages, split_sentences
from benchmarks.trust.edits import edit_lightly, join_places, open_sentence, swap_synonym
from benchmarks.trust.perturbations import (
    exchange_names,
    find_names,
    list_variants,
    place_names,
    plant_references,
    recombine,
    swap_names,
)

PERTURBED = (
    "number", "name", "negation_en", "negation_de", "negation_es", "antonym", "modality", "quantifier", "reference",
    "recombined", "other_question", "exchanged_names", "exchanged_numbers", "order", "hedge", "unit", "currency",
)  # fmt: skip
TRUE = ("verbatim", "light_edit", "synonym", "two_places")
_OPENED = 0.4  # share of claims that begin with words such as "According to the document, "
_A_SENTENCE = 2  # claims of one kind per sentence
_NAMES = 150  # drawn of a set, from which a name is replaced
_WHO = re.compile(
    r"^\W*(?:who|whose|wer|wem|wen|quién|quiénes|a quién|which (?:person|player|king|president))\b", re.IGNORECASE
)
_SAME_QUESTION = 0.4  # share of a question's words from which a sentence may answer the question


@dataclass(frozen=True, slots=True)
class Claim:
    """Sentence of an answer with the question and the passages that the answer was given."""

    kind: str
    language: str
    question: str
    text: str
    base: str  # the true sentence that the claim was made from
    passages: dict[int, Passage]


def build_claims(kind: str, cases: Sequence[TrustCase], count: int, seed: int = 7) -> list[Claim]:
    """Return up to `count` claims of one kind, of as many different sentences as there are."""
    rng = Random(f"{seed} {kind}")  # noqa: S311
    makers: Mapping[str, Callable[[Sequence[TrustCase], Random], Callable[[TrustCase], Iterator[Claim]]]] = {
        "verbatim": _verbatim, "light_edit": _lightly, "name": _named, "reference": _referred,
        "recombined": _recombined, "other_question": _other_question, "exchanged_names": _exchanged_names,
        "synonym": _with_synonyms, "two_places": _of_two_places,
    }  # fmt: skip
    language = kind.partition("_")[2] if kind.startswith("negation_") else ""
    pool = [case for case in cases if not language or case.language == language]
    rng.shuffle(pool)
    make = makers[kind](cases, rng) if kind in makers else _changed("negation" if language else kind, rng)
    return _take(pool, make, count)


def _take(pool: Sequence[TrustCase], make: Callable[[TrustCase], Iterator[Claim]], count: int) -> list[Claim]:
    """Return a first claim of every sentence, then a second, until there are enough. No text comes twice."""
    seen: set[str] = set()
    open_cases = {case.sentence: make(case) for case in reversed(pool)}
    found: list[Claim] = []
    for _ in range(_A_SENTENCE):
        for sentence in list(dict.fromkeys(case.sentence for case in pool)):
            if len(found) == count:
                return found
            claim = next((claim for claim in open_cases[sentence] if claim.text not in seen), None)
            if claim is not None:
                seen.add(claim.text)
                found.append(claim)
    return found


def _claim(kind: str, case: TrustCase, text: str, rng: Random, paragraphs: Sequence[DatasetText] = ()) -> Claim:
    given = paragraphs or case.paragraphs
    passages = build_passages(given, rng.randrange(len(given)))
    return Claim(kind, case.language, case.question, text, case.sentence, passages)


def _opened(text: str, case: TrustCase, rng: Random) -> str:
    return open_sentence(text, case.language, rng) if rng.random() < _OPENED else text


def _verbatim(cases: Sequence[TrustCase], rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    def make(case: TrustCase) -> Iterator[Claim]:
        yield _claim("verbatim", case, case.sentence, rng)

    return make


def _lightly(cases: Sequence[TrustCase], rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    def make(case: TrustCase) -> Iterator[Claim]:
        edited = edit_lightly(case.sentence, case.language, rng)
        unchanged = edited == case.sentence
        text = open_sentence(edited, case.language, rng) if unchanged else _opened(edited, case, rng)
        yield _claim("light_edit", case, text, rng)

    return make


def _with_synonyms(cases: Sequence[TrustCase], rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    """Make claims with one or two words changed for others of the same meaning."""

    def make(case: TrustCase) -> Iterator[Claim]:
        once = swap_synonym(case.sentence, case.language, rng)
        if once != case.sentence:
            yield _claim("synonym", case, swap_synonym(once, case.language, rng) if rng.random() < 0.5 else once, rng)

    return make


def _of_two_places(cases: Sequence[TrustCase], rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    """Make claims that say in one sentence what two sentences of the paragraph say, not next to each other if it has
    others."""

    def make(case: TrustCase) -> Iterator[Claim]:
        sentences = split_sentences(case.own.text)
        at = sentences.index(case.sentence) if case.sentence in sentences else 0
        others = [other for other in sentences if other != case.sentence]
        others.sort(key=lambda other: abs(sentences.index(other) - at) < 2)
        texts = [join_places(case.sentence, other, case.language) for other in others]
        for text in [text for text in texts if text is not None][:1]:
            yield _claim("two_places", case, text, rng)

    return make


def _exchanged_names(cases: Sequence[TrustCase], rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    known = known_names(cases)

    def make(case: TrustCase) -> Iterator[Claim]:
        variants = exchange_names(case.sentence, known[case.language])
        rng.shuffle(variants)
        for text in variants:
            yield _claim("exchanged_names", case, _opened(text, case, rng), rng)

    return make


def _changed(kind: str, rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    """Make claims of kinds that need the sentence alone."""

    def make(case: TrustCase) -> Iterator[Claim]:
        base = edit_lightly(case.sentence, case.language, rng)
        variants = list_variants(kind, base, case.language)
        rng.shuffle(variants)
        for text in variants:
            yield _claim(kind, case, _opened(text, case, rng), rng)

    return make


def _named(cases: Sequence[TrustCase], rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    """Make claims with names from other documents; for a question that asks who, with another answer to such a
    question."""
    known = known_names(cases)
    people: dict[str, list[tuple[str, str]]] = {}  # by language: title of the document, name
    pools: dict[str, list[tuple[str, tuple[str, str]]]] = {}
    for text, language in {case.own.id: (case.own, case.language) for case in cases}.values():
        pools.setdefault(language, []).extend((text.title, name) for name in place_names(text.text, known[language]))
    for case in cases:
        if _WHO.match(case.question) and _is_person(case.gold[0]):
            people.setdefault(case.language, []).append((case.own.title, case.gold[0]))

    def make(case: TrustCase) -> Iterator[Claim]:
        gold, variants = case.gold[0], list[str]()
        if _WHO.match(case.question) and _is_person(gold):
            others = [
                name for title, name in people[case.language] if title != case.own.title and name not in case.sentence
            ]
            place = rf"(?<!\w){re.escape(gold)}(?!['’\w])"
            variants = [re.sub(place, name, case.sentence) for name in rng.sample(others, min(3, len(others)))]
            variants = [text for text in variants if text != case.sentence]
        pool = [name for title, name in pools.get(case.language, []) if title != case.own.title]
        generic = swap_names(case.sentence, rng.sample(pool, min(_NAMES, len(pool))), known[case.language])
        rng.shuffle(generic)
        for text in (*variants, *generic[:3]):
            yield _claim("name", case, _opened(text, case, rng), rng)

    return make


def known_names(cases: Sequence[TrustCase]) -> dict[str, frozenset[str] | None]:
    """Return by language the words that are names; None if capital letters mark names. In German these
    are the names of the English set."""
    english = {case.own.text for case in cases if case.language == "en"}
    words = frozenset(
        word for text in english for name in find_names(text) for word in re.findall(r"[^\W\d_]{3,}", name)
    )
    return {"en": None, "es": None, "de": words}


def _is_person(text: str) -> bool:
    return (
        re.fullmatch(r"[A-ZÀ-Þ][\w'’-]+(?: (?:[A-ZÀ-Þ]\. |(?:de|von|van|of) )?[A-ZÀ-Þ][\w'’-]+){0,3}", text) is not None
    )


def _referred(cases: Sequence[TrustCase], rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    """Make claims with a wrong place. Three sentences of the paragraph get a printed place, as in a handbook; the claim
    names another."""

    def make(case: TrustCase) -> Iterator[Claim]:
        sentences = split_sentences(case.own.text)
        others = [s for s in sentences if s != case.sentence and s.endswith(".")][:2]
        printed, claims = plant_references(case.sentence, others, case.language, rng.randrange(1000))
        given = dict(zip((case.sentence, *others), printed, strict=True))
        text = " ".join(given.get(sentence, sentence) for sentence in sentences)
        own = DatasetText(case.own.id, case.own.title, text)
        rng.shuffle(claims)
        for claim in claims:
            yield _claim("reference", case, claim, rng, (own, *case.paragraphs[1:]))

    return make


def _recombined(cases: Sequence[TrustCase], rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    known = known_names(cases)

    def make(case: TrustCase) -> Iterator[Claim]:
        others = [sentence for sentence in split_sentences(case.own.text) if sentence != case.sentence]
        groups = [group for group in recombine(case.sentence, others, case.language, known[case.language]) if group]
        rng.shuffle(groups)
        for text in (rng.choice(group) for group in groups):
            yield _claim("recombined", case, _opened(text, case, rng), rng)

    return make


def _other_question(cases: Sequence[TrustCase], rng: Random) -> Callable[[TrustCase], Iterator[Claim]]:
    """Make claims from true sentences of the passages that answer another question, and not this one."""
    by_paragraph: dict[str, list[TrustCase]] = {}
    for case in cases:
        by_paragraph.setdefault(case.own.id, []).append(case)

    def make(case: TrustCase) -> Iterator[Claim]:
        others = [other for text in case.paragraphs for other in by_paragraph.get(text.id, [])]
        rng.shuffle(others)
        for other in others:
            if not may_answer(case, other.sentence):
                text = edit_lightly(other.sentence, case.language, rng)
                yield _claim("other_question", case, _opened(text, case, rng), rng)

    return make


def may_answer(case: TrustCase, sentence: str) -> bool:
    """Return whether a sentence might answer the question of a case: by a gold answer, or by much of the question."""
    if sentence == case.sentence or any(_words(answer) <= _words(sentence) for answer in case.gold):
        return True
    asked = {word[:5] for word in _words(case.question) if len(word) > 3}
    said = {word[:5] for word in _words(sentence)}
    return len(asked & said) > _SAME_QUESTION * len(asked)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
