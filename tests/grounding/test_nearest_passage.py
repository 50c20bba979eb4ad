"""The nearest passage of a sentence that is not verified, and when none is near."""

from __future__ import annotations

from apps.grounding.citer import Citer, SentenceCitation
from apps.grounding.nearest_passage import add_nearest, find_nearest
from benchmarks.trust.cases import build_passage

PASSAGES = {
    1: build_passage("", "The harbour has two cranes. Ships wait at the outer wall.", 1),
    2: build_passage("", "Parental leave lasts up to 26 weeks. The office keeps the form.", 2),
}


def test_the_nearest_place_is_the_shortest_with_most_of_the_words() -> None:
    windows = Citer("", PASSAGES).windows
    near = find_nearest("Parental leave lasts 52 weeks in Norway.", windows)
    assert near is not None and (near.source, near.premise.text) == (2, "Parental leave lasts up to 26 weeks.")
    assert find_nearest("Pirates hid gold on the moon.", windows) is None
    assert find_nearest("The harbour was closed by dragons, wizards and a goblin army.", windows) is None
    assert find_nearest("The harbour has two cranes.", []) is None


def test_only_a_sentence_without_source_is_compared_and_only_with_sources_of_the_answer() -> None:
    text = "Parental leave lasts 52 weeks."
    windows = Citer("", PASSAGES).windows
    none = [SentenceCitation(0, 0, len(text), None, 0, 0, 0.1)]
    (cite,) = add_nearest(none, text, windows, {1, 2})
    assert (cite.source, cite.compared, cite.is_verified) == (None, 2, False)
    assert PASSAGES[2].full_text[cite.source_start : cite.source_end] == "Parental leave lasts up to 26 weeks."
    assert add_nearest(none, text, windows, {1}) == none
    verified = [SentenceCitation(0, 0, len(text), 2, 0, 10, 0.9)]
    assert add_nearest(verified, text, windows, {1, 2}) == verified
