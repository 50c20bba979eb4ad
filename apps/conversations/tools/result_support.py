"""Find the tool result that supports a sentence which no passage supports. Entry point: `attribute_to_tool`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from apps.conversations.core.tool_calls import ToolCallRecord
from apps.grounding.citer import SentenceCitation
from apps.grounding.claim_features import extract_features, is_amount
from apps.grounding.model_citations import strip_model_citations
from apps.grounding.support_check import Premise, get_support_check
from apps.grounding.support_limits import MIN_SUPPORT
from apps.lib.text.analyzer import stem_word
from apps.lib.text.number_parsing import LARGEST, parse_number

MAX_TITLE_CHARACTERS = 100  # characters of a tool's title that are stored
SMALL_NUMBER = 100  # whole numbers below it, and years, stand in many texts: alone they prove nothing
_YEARS = range(1900, 2101)
# Words of an answer that say nothing about a result, in the languages of the interface.
_ANSWERING_WORDS = (
    "answer result sum total difference product equals makes value "
    "das die ist sind es beträgt lautet antwort ergebnis summe differenz produkt "
    "el la es son respuesta resultado suma diferencia producto"
)
_ANSWERING = frozenset(map(stem_word, _ANSWERING_WORDS.split()))


def attribute_to_tool(
    citations: list[SentenceCitation], text: str, calls: Iterable[ToolCallRecord]
) -> list[SentenceCitation]:
    """Return the citations of a sentence; if none has a source, with the tool whose result supports the sentence.

    For `in_pool`.
    """
    if not citations or any(cite.source is not None for cite in citations):
        return citations
    claim = strip_model_citations(text).strip(" \t\n*_#>|-")
    for call in calls:
        if (score := _score_support(claim, call)) >= MIN_SUPPORT:
            return [replace(citations[0], tool=call.title[:MAX_TITLE_CHARACTERS], score=round(score, 4))]
    return citations


def _score_support(claim: str, call: ToolCallRecord) -> float:
    """Return how well a tool result supports the claim, 0 to 1.

    A claim with numbers is supported if the tool returned at least one of them and got or returned all, and none is
    negated. A single small number may agree by chance, so a word must agree too, if the claim has any.
    """
    asked = " ".join(str(value) for value in call.arguments.values())
    claimed = extract_features(claim)
    claim_numbers, result_numbers, question_numbers = (
        claimed.numbers,
        extract_features(call.text).numbers,
        extract_features(asked).numbers,
    )
    if claim_numbers:
        if any(is_amount(term) for term in claimed.negated_terms):  # "not 391"
            return 0.0
        if (
            not claim_numbers & (result_numbers - question_numbers or result_numbers)
            or not claim_numbers <= result_numbers | question_numbers
        ):
            return 0.0
        words = {term for term in claimed.terms if not is_amount(term)} - _ANSWERING
        if len(claim_numbers) > 1 or not words or not _is_small(*claim_numbers):
            return 1.0
        return 1.0 if words & extract_features(f"{call.title} {asked} {call.text}").terms else 0.0
    (verdict,) = get_support_check().judge(claim, [Premise(f"{call.tool} {call.title} {asked} {call.text}")])
    return verdict.score


def _is_small(number: str) -> bool:
    value = parse_number(number, LARGEST)
    return value < SMALL_NUMBER or value in _YEARS
