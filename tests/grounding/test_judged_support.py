"""What a judge's outcome is worth: words found again in the sources, and facts that must stand in the places found."""

from __future__ import annotations

import pytest

from apps.engines.judge.protocol import Evidence, Judgement, SentenceJudgement
from apps.grounding.citer import SentenceCitation, SourceSpan
from apps.grounding.judged_support import cite_judged, find_places, find_veto, select_places
from apps.grounding.sentence_state import SentenceState, get_sentence_state

TEXT = (
    "The harbour crane was built in 1931. It lifts 41 tons, but it may not\n  turn at night. "
    "Ann Gray led the works until 1950. No ship paid a fee before the war."
)
SOURCES = [SourceSpan(2, "Harbour", "Cranes", 100, TEXT), SourceSpan(7, "Log", "", 0, "The tower is 20 m high.")]
SUPPORTED, CONTRADICTED = Judgement.SUPPORTED, Judgement.CONTRADICTED


def judged(
    sentence: str, *words: str, outcome: Judgement = SUPPORTED, source: int = 2, named: bool = True
) -> list[SentenceCitation]:
    cite = SentenceCitation(4, 0, len(sentence), None, 0, 0, 0.2)
    evidence = tuple(Evidence(source, one) for one in words) if named else None
    return cite_judged(cite, sentence, SentenceJudgement(outcome, evidence), SOURCES, "judge-7B")


def test_words_are_found_whatever_their_white_space_and_the_whole_sentence_is_the_place() -> None:
    (place,) = find_places([Evidence(2, "MAY NOT turn  at night")], SOURCES)
    assert place.text == "It lifts 41 tons, but it may not\n  turn at night."
    assert TEXT[place.start - 100 : place.end - 100] == place.text
    assert place.context == "Harbour Cranes"
    assert (
        find_places([Evidence(7, "may not turn at night"), Evidence(2, "it may turn"), Evidence(2, "41")], SOURCES)
        == []
    )


def test_a_sentence_in_other_words_has_all_places_that_the_judge_named() -> None:
    cites = judged("Erected in 1931, it hoists 41 tons.", "built in 1931", "It lifts 41", "was built in 1931")
    assert [TEXT[cite.source_start - 100 : cite.source_end - 100][:12] for cite in cites] == [
        "The harbour ",
        "It lifts 41 ",
    ]


@pytest.mark.parametrize(
    ("sentence", "words", "kind"),
    [
        ("Erected in 1931, the machine hoists 41 tons.", ["was built in 1931", "lifts 41 tons"], ""),
        ("Erected in 1932, the machine hoists 41 tons.", ["was built in 1931", "lifts 41 tons"], "number"),
        ("The machine hoists 41 kilograms.", ["lifts 41 tons"], "unit"),
        ("Bo Lind ran the works to 1950.", ["Ann Gray led"], "name"),
        ("Vessels were charged before the war.", ["No ship paid"], "negation"),
        ("The machine must hoist 41 tons.", ["lifts 41 tons"], "modality"),
    ],
)
def test_facts_of_a_sentence_must_stand_in_the_places_together(sentence: str, words: list[str], kind: str) -> None:
    places = find_places([Evidence(2, one) for one in words], SOURCES)
    assert find_veto(sentence, places) == kind
    cites = judged(sentence, *words)
    assert get_sentence_state(cites) is (SentenceState.UNVERIFIED if kind else SentenceState.SUPPORTED)
    if not kind:
        assert [(cite.source, cite.checked_by) for cite in cites] == [(2, "judge-7B")] * len(words)


@pytest.mark.parametrize(
    "cites",
    [
        judged("The harbour crane was built in 1931."),  # no words
        judged("The harbour crane was built in 1931.", "crane was built in 1930"),  # words that no source has
        judged("The harbour crane was built in 1931.", "was built in 1931", source=7),
        judged("The harbour crane was built in 1931.", "was built in 1931", outcome=Judgement.PARTLY),
        judged("The harbour crane was built in 1931.", outcome=Judgement.NOT_THERE),
        judged("The harbour crane was built in 1940.", "a wall of brick", outcome=CONTRADICTED),
    ],
)
def test_an_outcome_without_words_that_are_found_leaves_the_sentence_unverified(cites: list[SentenceCitation]) -> None:
    assert get_sentence_state(cites) is SentenceState.UNVERIFIED
    assert [(cite.source, cite.checked_by) for cite in cites] == [(None, "")]


def test_a_contradicted_sentence_names_the_place_and_no_source() -> None:
    (cite,) = judged("The crane was built in 1940.", "was built in 1931", outcome=CONTRADICTED)
    assert get_sentence_state([cite]) is SentenceState.CONTRADICTED
    assert (cite.source, cite.compared, cite.is_verified, cite.checked_by) == (None, 2, False, "judge-7B")
    assert TEXT[cite.source_start - 100 : cite.source_end - 100] == "The harbour crane was built in 1931."


def test_places_of_a_judge_that_names_no_words_are_chosen_by_the_words_of_the_sentence() -> None:
    claim = "The crane of 1931 lifts 41 tons."
    assert {place.text[:12] for place in select_places(claim, SOURCES)} == {"The harbour ", "It lifts 41 "}
    assert get_sentence_state(judged(claim, named=False)) is SentenceState.SUPPORTED
    assert get_sentence_state(judged("The crane of 1931 lifts 44 tons.", named=False)) is SentenceState.UNVERIFIED
    assert select_places("Nobody swims.", SOURCES) == []
