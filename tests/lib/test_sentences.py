"""Tests of sentence boundaries in plain and Markdown text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.lib.text.sentences import count_stable, find_sentences

ALPHABET = """One. Two! Three? e.g. Dr. J. U.S. 3.14 1. 12) - * # | ``` ~~~ > [1] 【2】 (so) "Yes." etc. No. 。 」 … ---
=== a The of ** $ ."""
FORMS = ["\n", "\n\n", " ", "  ", "\t", "\n```\n", "\n- ", "\n| a | b |\n", "\n# "]
PIECES = st.lists(st.sampled_from([*ALPHABET.split(), *FORMS]), max_size=60)


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in find_sentences(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Wait... no one came?! Yes.", ["Wait... no one came?!", "Yes."]),
        ("好。！又。Then.。Now go.", ["好。！", "又。", "Then.。", "Now go."]),
        ("Go.. Then (he said.) Next!", ["Go..", "Then (he said.)", "Next!"]),
    ],
)
def test_stops_in_a_row_count_as_one_sentence_end(text: str, found: list[str]) -> None:
    assert cut(text) == found


@settings(deadline=None)
@given(st.one_of(st.text(max_size=300), PIECES.map(" ".join), PIECES.map("".join)))
def test_spans_are_ordered_disjoint_not_empty_and_cover_all_that_is_not_space(text: str) -> None:
    at = 0
    for start, end in find_sentences(text):
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize("text", ["One. of One. > e.g.", "One. ( of it.", "It is. * so"])
def test_a_sentence_before_marks_alone_is_not_settled(text: str) -> None:
    for size in range(len(text) + 1):
        found = find_sentences(text[:size])
        done = count_stable(text[:size], found)
        assert find_sentences(text)[:done] == found[:done]


@settings(deadline=None)
@given(PIECES.map(" ".join), st.data())
def test_settled_sentences_stay_whatever_follows(text: str, data: st.DataObject) -> None:
    head = text[: data.draw(st.integers(0, len(text)))]
    found = find_sentences(head)
    done = count_stable(head, found)
    assert find_sentences(text)[:done] == found[:done]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith met J. R. R. Tolkien. They talked.", ["Dr. Smith met J. R. R. Tolkien.", "They talked."]),
        ("It costs $3.14, i.e. little. Buy it!", ["It costs $3.14, i.e. little.", "Buy it!"]),
        (
            "He was in the U.S. Army. In the U.S. The law differs.",
            ["He was in the U.S. Army.", "In the U.S.", "The law differs."],
        ),
        ('"Really?" he asked. "Yes." She left.', ['"Really?" he asked.', '"Yes."', "She left."]),
        ("It rains (often.) We stay.", ["It rains (often.)", "We stay."]),
        ("So it is. [1] Next [2, 3]. 【4】 Last.", ["So it is. [1]", "Next [2, 3]. 【4】", "Last."]),
        ("See Fig. 3 and No. 5. Wait ... no. OK", ["See Fig. 3 and No. 5.", "Wait ... no.", "OK"]),
        ("He said no. The end.", ["He said no.", "The end."]),
        (
            "Open at 9 a.m. Monday. Closed at 5 p.m. on Friday.",
            ["Open at 9 a.m.", "Monday.", "Closed at 5 p.m. on Friday."],
        ),
        ("今日は晴れ。「本当？」はい。", ["今日は晴れ。", "「本当？」", "はい。"]),
        ("version 2.0.1 of file.txt is out", ["version 2.0.1 of file.txt is out"]),
        ("Ein Satz, z. B. dieser. Noch einer.", ["Ein Satz, z. B. dieser.", "Noch einer."]),
    ],
)
def test_stops_end_sentences_and_abbreviations_do_not(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_headings_items_rows_and_code_are_units() -> None:
    text = (
        "# A. Heading\nSome text. More\ntext here\n\n- one\n- two. And more\n  of it\n1. first\n2. second\n\n"
        "| a. B | c |\n|---|---|\n| d | e. F |\n\n```py\nx = 1. \nFoo. Bar.\n\nend\n```\nAfter"
    )
    assert cut(text) == [
        "# A. Heading", "Some text.", "More\ntext here", "- one", "- two.", "And more\n  of it", "1. first",
        "2. second",
        "| a. B | c |", "|---|---|", "| d | e. F |", "```py\nx = 1. \nFoo. Bar.\n\nend\n```", "After",
    ]  # fmt: skip


def test_a_wrapped_line_goes_on_and_an_unmarked_heading_does_not() -> None:
    assert cut("Introduction\nThis book was written by\nJohn Smith over many years.") == [
        "Introduction",
        "This book was written by\nJohn Smith over many years.",
    ]


def test_a_code_block_that_is_not_closed_runs_to_the_end() -> None:
    assert cut("Look:\n```\na. B\n\nc. D") == ["Look:", "```\na. B\n\nc. D"]


def test_a_megabyte_takes_about_a_tenth_of_a_second() -> None:
    text = (
        "The quick brown fox, e.g. this one, jumps over 3.5 dogs. It was founded in the U.S. by Dr. No! Was it?\n"
        * 10_000
    )
    started = time.process_time()
    assert len(find_sentences(text)) > 20_000
    assert time.process_time() - started < 1.5  # ten times what it takes, for busy machines


@pytest.mark.parametrize(
    "unit", [".", "!", "[1] ", "> ", "- ", "`", "|", "(", "。", ". ", "a.", "\n\n", "e.g. ", "1.", ".'", "-", ":-"]
)
def test_hostile_repetition_stays_linear(unit: str) -> None:
    started = time.process_time()
    find_sentences(unit * 100_000)
    assert time.process_time() - started < 2
