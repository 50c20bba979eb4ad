"""Turn the outcome of a judge for one sentence into citations. Entry point: `cite_judged`.

A judge alone supports nothing: the words that it names are found again in the sources, and every number, name, date,
unit, negation and modal verb of the sentence must stand in the places found. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from apps.engines.judge.protocol import Evidence, Judgement, SentenceJudgement
from apps.grounding import support_limits as limits
from apps.grounding.agreement import find_disagreement_of_places, is_verbatim
from apps.grounding.citer import SentenceCitation, SourceSpan
from apps.grounding.claim_features import ClaimFeatures, extract_features, split_words
from apps.grounding.lexicons import detect_language
from apps.grounding.model_citations import strip_model_citations
from apps.grounding.support_check import weigh_words
from apps.lib.text.table_rows import split_sentences_and_rows


@dataclass(frozen=True, slots=True)
class EvidencePlace:
    """Adjacent sentences of a source that a judge points to; `start` and `end` are in Page.text."""

    source: int
    start: int
    end: int
    text: str
    context: str  # title and heading above them


def cite_judged(
    cite: SentenceCitation,
    text: str,
    judgement: SentenceJudgement,
    sources: Sequence[SourceSpan],
    judge: str,
    least_cover: float = 0.0,
) -> list[SentenceCitation]:
    """Return the citations of a sentence that had only `cite`, which names no source, after the judge's outcome.

    Supported: one for each place. Contradicted: one that names the place. [cite] where the places are not found, where
    they lack something that the sentence says or hold less of its words than `least_cover`, 0 to 1, and for any other
    outcome. `judge` is the model's name.
    """
    claim, evidence = strip_model_citations(text).strip(" \t\n*_#>|-"), judgement.evidence
    if judgement.outcome is Judgement.CONTRADICTED:
        return [_contradict(cite, place, judge) for place in find_places(evidence or (), sources)[:1]] or [cite]
    if judgement.outcome is not Judgement.SUPPORTED:
        return [cite]
    places = select_places(claim, sources) if evidence is None else find_places(evidence, sources)
    if not places or find_veto(claim, places) or measure_cover(claim, places) < least_cover:
        return [cite]
    span = cite.sentence, cite.start, cite.end
    return [
        SentenceCitation(
            *span, place.source, place.start, place.end, 1.0, quoted=is_verbatim(claim, place.text), checked_by=judge
        )
        for place in places
    ]


def _contradict(cite: SentenceCitation, place: EvidencePlace, judge: str) -> SentenceCitation:
    compared = replace(cite, compared=place.source, source_start=place.start, source_end=place.end)
    return replace(compared, contradicted=True, checked_by=judge)


def measure_cover(claim: str, places: Sequence[EvidencePlace]) -> float:
    """Return the share of a claim's content words that the places hold together, 0 to 1; 1 for a claim without any."""
    wanted = extract_features(claim).terms
    held = frozenset[str]().union(*(extract_features(place.text).terms for place in places))
    return len(wanted & held) / len(wanted) if wanted else 1.0


def find_veto(claim: str, places: Sequence[EvidencePlace]) -> str:
    """Return the first kind of assertion of a claim that the places lack, as `find_disagreement_of_places`."""
    texts = [" ".join(place.text.split()) for place in places]
    context = " ".join(dict.fromkeys(place.context for place in places))
    return find_disagreement_of_places(claim, texts, context=context, hint=detect_language(" ".join(texts)))


def find_places(evidence: Sequence[Evidence], sources: Sequence[SourceSpan]) -> list[EvidencePlace]:
    """Return the sentences of the sources in which the named words stand, whatever their white space and case. Each is
    whole, so that no "not" before the words is lost; words that are not found do not count."""
    found = [_find_place(item, sources) for item in evidence[: limits.MAX_PLACES]]
    return list({(place.source, place.start): place for place in found if place is not None}.values())


def _find_place(item: Evidence, sources: Sequence[SourceSpan]) -> EvidencePlace | None:
    words = item.words.split()
    if len(split_words(item.words)) < limits.MIN_EVIDENCE_WORDS:
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    for span in sources:
        if span.number == item.source and (match := pattern.search(span.text)) is not None:
            return _widen(span, match.start(), match.end())
    return None


def _widen(span: SourceSpan, start: int, end: int) -> EvidencePlace:
    """Return the sentences of a span that hold [start, end) of its text."""
    held = [(a, b) for a, b in split_sentences_and_rows(span.text) if a < end and start < b]
    first, last = (held[0][0], held[-1][1]) if held else (start, end)
    return _make_place(span, first, last)


def _make_place(span: SourceSpan, start: int, end: int) -> EvidencePlace:
    title = f"{span.title} {span.heading}".strip()
    return EvidencePlace(span.number, span.start + start, span.start + end, span.text[start:end], title)


def select_places(claim: str, sources: Sequence[SourceSpan]) -> list[EvidencePlace]:
    """Return up to limits.MAX_PLACES sentences of the sources that together hold most of a claim's weighted content
    words, best first: where a judge that names no words will have read it."""
    places = [_make_place(span, *found) for span in sources for found in split_sentences_and_rows(span.text)]
    features = [extract_features(place.text) for place in places]
    wanted = extract_features(claim)
    weight = weigh_words(wanted, features)
    chosen: list[int] = []
    covered: frozenset[str] = frozenset()
    while len(chosen) < limits.MAX_PLACES:
        gains = [(_measure_gain(wanted, one, covered, weight), -at) for at, one in enumerate(features)]
        gain, at = max(gains, default=(0.0, 0))
        if gain < limits.MIN_PLACE_SHARE:
            break
        chosen.append(-at)
        covered |= features[-at].terms
    return [places[at] for at in chosen]


def _measure_gain(
    wanted: ClaimFeatures, place: ClaimFeatures, covered: frozenset[str], weight: Mapping[str, float]
) -> float:
    """Return the share of the claim's weight that a place adds to the terms that are covered already."""
    return sum(weight[term] for term in (wanted.terms & place.terms) - covered) / (sum(weight.values()) or 1.0)
