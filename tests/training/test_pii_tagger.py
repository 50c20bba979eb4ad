"""What the tagger is measured on was said in words that it had not seen: templates never cross a fold."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from apps.engines.classify.linear_classifier import FOLDER
from apps.engines.classify.protocol import TaggedSpan
from training.pii_tagger import train as pii_training
from training.pii_tagger.templates import EMPTY, PHRASES
from training.pii_tagger.train import (
    FOLDS,
    TemplateSentence,
    assign_folds,
    extract_pattern,
    fill_pattern,
    read_sentences,
)
from training.text_classifier.train import hash_text


def test_a_template_is_one_folds_and_every_fold_has_some() -> None:
    items = [TemplateSentence(f"text {number}", (), number % 40) for number in range(200)]
    found = assign_folds(items)
    assert set(found.values()) == set(range(FOLDS))
    assert found == assign_folds(list(reversed(items)))


def test_values_become_places_and_places_values() -> None:
    item = TemplateSentence(
        "Ann lives at 12 Elm St.", (TaggedSpan(0, 3, "PERSON"), TaggedSpan(13, 22, "STREET_ADDRESS"))
    )
    assert extract_pattern(item) == "{PERSON} lives at {STREET}."
    made = fill_pattern(extract_pattern(item), {"PERSON": "Bo", "STREET": "9 Oak Rd"}.__getitem__, random.Random(1))
    assert made.text.casefold() == "bo lives at 9 oak rd."
    assert made.spans == (TaggedSpan(0, 2, "PERSON"), TaggedSpan(12, 20, "STREET_ADDRESS"))


@pytest.mark.shared
def test_sentences_of_the_open_half_all_have_a_held_out_reading(shared: Path) -> None:
    items = read_sentences(shared / "data")
    known = pii_training.load_held_out_spans(FOLDER)
    assert {hash_text(item.text) for item in items} <= set(known)
    card = json.loads((FOLDER / "pii_tagger.json").read_bytes())
    assert card["sentences"]["presidio_pii"] == len(items)


@pytest.mark.shared
def test_written_phrases_are_not_in_the_test_set(shared: Path) -> None:
    theirs = {
        " ".join(extract_pattern(item).casefold().split()).rstrip(".!?") for item in read_sentences(shared / "data")
    }
    mine = {" ".join(text.casefold().split()).rstrip(".!?") for text in (*PHRASES, *EMPTY)}
    assert not mine & theirs
