"""Tests of the tagger of personal data: names, places and addresses, and only valid tag sequences."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from apps.engines.classify.linear_classifier import FOLDER
from apps.engines.classify.pii_tagger import PiiTagger, decode_viterbi, merge_spans
from apps.engines.classify.pii_tagger_features import TAGS, extract_word_features
from apps.engines.classify.protocol import TaggedSpan, TokenStates
from apps.engines.embed.fake import FakeEmbedder
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from apps.engines.types import EngineBroken, EngineRefused


def found(embedder: SentenceTransformerEmbedder, text: str) -> set[tuple[str, str]]:
    (tagged,) = PiiTagger().spans([text], [[]], embedder)
    return {(text[one.start : one.end], one.kind) for one in tagged}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("My name is Henrike Albrecht and I have a question.", "PERSON", "Henrike Albrecht"),
        ("Please tell Marcus that the keys are in the kitchen.", "PERSON", "Marcus"),
        ("We are moving to Portugal in the summer.", "GPE", "Portugal"),
        ("She works for Harbor Logistics Inc as an engineer.", "ORGANIZATION", "Harbor Logistics Inc"),
        ("He is 47 years old.", "AGE", "47"),
    ],
)
def test_personal_data_known_only_by_reading_is_tagged(
    embedder: SentenceTransformerEmbedder, text: str, kind: str, value: str
) -> None:
    assert (value, kind) in found(embedder, text)


@pytest.mark.parametrize(
    "text", ["How do I reset my password?", "The boiler is serviced every autumn.", "", "\n", "!!!", "12 screws"]
)
def test_sentences_without_any(embedder: SentenceTransformerEmbedder, text: str) -> None:
    assert found(embedder, text) == set()


def test_tag_sequence_never_continues_a_tag_that_has_not_begun() -> None:
    scores = np.random.default_rng(1).normal(size=(60, len(TAGS)))
    before = "O"
    for tag in decode_viterbi(scores):
        assert not tag.startswith("I-") or before[2:] == tag[2:]
        before = tag


@pytest.mark.parametrize(
    ("text", "cut", "expected"),
    [
        ("Ann and Bo, hello", ["Ann and Bo,"], ["Ann", "Bo"]),
        ('"Ann!" she said', ['"Ann!"'], ["Ann"]),
        ("C'mon", ["C"], []),
        ("林 came", ["林"], ["林"]),
    ],
)
def test_names_have_no_stops_at_their_ends(text: str, cut: list[str], expected: list[str]) -> None:
    assert pieces(text, "PERSON", cut) == expected


@pytest.mark.parametrize(
    ("kind", "text", "cut", "expected"),
    [
        ("TITLE", "Mrs. Ode", ["Mrs"], ["Mrs."]),
        ("TITLE", "a court and licence clerk", ["court", "licence clerk"], ["court and licence clerk"]),
        ("TITLE", "Dr Ode, nurse", ["Dr", "nurse"], ["Dr", "nurse"]),
        ("GPE", "in Cyprus (Greek)", ["Cyprus (Greek"], ["Cyprus (Greek)"]),
        ("GPE", "the Southern one", ["Southern"], []),
        ("ORGANIZATION", "at Oakley Inc.", ["Oakley Inc."], ["Oakley Inc."]),
        ("STREET_ADDRESS", "12 Elm St, Apt. 4", ["12", "Elm St, Apt. 4"], ["12 Elm St, Apt. 4"]),
        ("STREET_ADDRESS", "at 74678 Dorfweg 130", ["74678 Dorfweg 130"], ["74678", "Dorfweg 130"]),
        ("STREET_ADDRESS", "at 24 7 Mill Lane", ["24 7 Mill Lane"], ["24", "7 Mill Lane"]),
        ("STREET_ADDRESS", "at 7 Mill Lane", ["7 Mill Lane"], ["7 Mill Lane"]),
    ],
)
def test_pieces_that_belong_together_are_one_find(kind: str, text: str, cut: list[str], expected: list[str]) -> None:
    assert pieces(text, kind, cut) == expected


def test_an_address_with_its_city_has_its_country_too() -> None:
    text = "7 Mill Lane, Apt. 2\n Ayr\n Scotland 1234 and Wales"
    cut = [("7 Mill Lane, Apt. 2\n Ayr", "STREET_ADDRESS"), ("Scotland", "GPE"), ("1234", "ZIP_CODE"), ("Wales", "GPE")]
    spans = [TaggedSpan(text.index(words), text.index(words) + len(words), kind) for words, kind in cut]
    found = [(text[one.start : one.end], one.kind) for one in merge_spans(text, spans)]
    assert found == [("7 Mill Lane, Apt. 2\n Ayr\n Scotland 1234", "STREET_ADDRESS"), ("Wales", "GPE")]
    street = [TaggedSpan(0, 11, "STREET_ADDRESS"), TaggedSpan(13, 16, "GPE")]
    assert merge_spans("7 Mill Lane, Ayr", street) == street


def pieces(text: str, kind: str, cut: list[str]) -> list[str]:
    spans = [TaggedSpan(text.index(words), text.index(words) + len(words), kind) for words in cut]
    return [text[one.start : one.end] for one in merge_spans(text, spans)]


def test_words_know_the_mean_of_their_tokens_and_what_their_form_gave_away() -> None:
    text = "Anna 12"
    inside = TokenStates(
        np.array([[0, 0], [0, 2], [2, 4], [5, 7], [0, 0]]), np.array([[9.0], [1.0], [3.0], [5.0], [9.0]], np.float32)
    )
    words = extract_word_features(text, [TaggedSpan(5, 7, "PHONE_NUMBER")], inside)
    assert (words.words, words.states[:, 0].tolist()) == ([(0, 4), (5, 7)], [2.0, 5.0])
    assert not np.array_equal(words.shape[0], words.shape[1])
    assert np.array_equal(words.shape[1], words.shape[1]) and words.shape[1, -1] == 1


def test_a_text_beyond_the_window_is_read_to_its_end_without_states(embedder: SentenceTransformerEmbedder) -> None:
    text = "one " * 600 + "end"
    (inside,) = embedder.states([text], 2)
    assert len(inside.spans) == 256
    assert len(extract_word_features(text, [], inside).words) == 601


def test_states_of_another_model_are_refused() -> None:
    with pytest.raises(EngineRefused):
        PiiTagger().spans(["Anna"], [[]], FakeEmbedder())


def test_a_hostile_text_is_quick(embedder: SentenceTransformerEmbedder) -> None:
    tagger = PiiTagger()
    tagger.spans(["warm"], [[]], embedder)
    for text in ("a" * 20_000, "(" * 5_000, "A. " * 3_000, "é\n" * 3_000):
        began = time.thread_time()
        tagger.spans([text], [[]], embedder)
        assert time.thread_time() - began < 10


def test_weights_that_were_changed_are_not_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(FOLDER, folder)
    with pytest.raises(EngineBroken):
        PiiTagger(str(folder), "0" * 64).warm()
    (folder / "pii_tagger.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(EngineBroken):
        PiiTagger(str(folder)).warm()
    (folder / "pii_tagger.safetensors").unlink()
    with pytest.raises(EngineBroken):
        PiiTagger(str(folder)).warm()
