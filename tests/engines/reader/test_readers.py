"""Contract tests of readers, packaged and fake; damaged weights are refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from apps.engines.reader import passage_reader
from apps.engines.reader.fake import FakeReader
from apps.engines.reader.passage_reader import PackagedReader
from apps.engines.reader.protocol import PassageReader, PassageReading
from apps.engines.types import EngineBroken

ANSWER = "Members may borrow up to six books for four weeks."
TEXT = f"The harbour library stands in Oldwick. {ANSWER} The reading room is closed in winter."
QUESTION = "How many books may members borrow?"
OTHER = "Penguins live on ice and eat fish all winter."


@pytest.fixture(scope="module")
def packaged() -> PackagedReader:
    return PackagedReader()


@pytest.fixture(params=["packaged", "fake"])
def reader(request: pytest.FixtureRequest) -> PassageReader:
    found: PassageReader = request.getfixturevalue("packaged") if request.param == "packaged" else FakeReader()
    return found


def rate(reading: PassageReading, text: str, part: str) -> float:
    return reading.rate_span(text.index(part), text.index(part) + len(part))


def test_empty_list_of_texts_gives_no_readings(reader: PassageReader) -> None:
    assert list(reader.read(QUESTION, [])) == []


def test_readings_are_in_the_order_of_the_texts(reader: PassageReader) -> None:
    first, second = reader.read(QUESTION, [TEXT, OTHER])
    assert first.answers > second.answers
    other_way = reader.read(QUESTION, [OTHER, TEXT])
    assert [one.answers for one in other_way] == pytest.approx([second.answers, first.answers], abs=0.2)


def test_the_answering_sentence_is_rated_above_its_neighbours(reader: PassageReader) -> None:
    reading = reader.read(QUESTION, [TEXT])[0]
    said, beside = (rate(reading, TEXT, part) for part in (ANSWER, "The harbour library stands in Oldwick."))
    assert said > beside
    assert 0 <= beside <= said <= 1


def test_tokens_lie_in_the_text_in_order(reader: PassageReader) -> None:
    reading = reader.read(QUESTION, [TEXT])[0]
    assert list(reading.starts) == sorted(set(reading.starts))
    assert all(0 <= start < end <= len(TEXT) for start, end in zip(reading.starts, reading.ends, strict=True))
    assert len(reading.sentence) == len(reading.starts)


def test_long_text_is_read_to_its_end(reader: PassageReader) -> None:
    text = f"{OTHER} " * 80 + ANSWER
    reading = reader.read(QUESTION, [text])[0]
    assert reading.ends[-1] >= len(text) - 1
    assert rate(reading, text, ANSWER) > rate(reading, text, OTHER)


def test_empty_texts_and_questions_have_readings_too(reader: PassageReader) -> None:
    readings = [*reader.read(QUESTION, ["", " \n"]), *reader.read("", [TEXT])]
    assert len(readings) == 3 and all(math.isfinite(reading.answers) for reading in readings)
    assert readings[0].rate_span(0, 10) == 0.0


@pytest.mark.parametrize("question", ["问" * 400, "ä!?" * 200, "word " * 2_000, "a" * 5_000], ids=lambda text: text[:5])
def test_long_questions_are_read_in_every_script(reader: PassageReader, question: str) -> None:
    """A Chinese character is a token of its own: 160 of them left no room for the passage."""
    reading = reader.read(question, [TEXT * 9])[0]
    assert math.isfinite(reading.answers) and reading.ends[-1] >= len(TEXT * 9) - 1


def test_span_without_tokens_is_rated_zero() -> None:
    reading = PassageReading(1.0, (0, 4), (3, 7), (0.2, 0.6))
    assert reading.rate_span(3, 4) == 0.0
    assert reading.rate_span(0, 7) == pytest.approx(0.4)
    assert reading.rate_span(4, 7) == pytest.approx(0.6)


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in passage_reader.WEIGHTS.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(passage_reader, "WEIGHTS", tmp_path)
    with pytest.raises(EngineBroken, match="reader of passages"):
        PackagedReader().warm()
