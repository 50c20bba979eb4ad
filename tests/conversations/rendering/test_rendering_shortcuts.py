"""Shortcuts of the renderer give what the long way gives."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.conversations.rendering import answer_renderer
from apps.conversations.rendering.sentence_markers import find_sentences

WORDS = ["word ", "Dr. ", "[1]", " [12] ", "(", ": ", "!", ". ", "’", "É", "a", "#", "-", "|", ">", "=", "¹", "\u200b"]
SIGNS = ["**", "*", "_", "`", "$", "\\", "<", "&amp;", "[", "](", "~~", "\n", "\n\n", "  ", "\t", "1. ", "+", "【1】"]
ODD = [
    "http://a.example/x",
    "www.b.org",
    "。",
    "😀",
    "\u00a0",
    "\u3000",
    "\u0301",
    "\u200f",
    "\x85",
    "%",
    "@",
    "{",
    "^",
]
TEXTS = st.lists(st.sampled_from([*WORDS, *SIGNS, *ODD]), max_size=14).map("".join)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_a_line_is_the_block_that_the_parser_finds(text: str) -> None:
    source = answer_renderer._strip_unsafe_characters(text)
    found = answer_renderer._blocks(source)
    with patch.object(answer_renderer, "_is_line", return_value=False):
        assert answer_renderer._blocks(source) == found


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_a_space_at_the_end_changes_no_sentence(text: str) -> None:
    source = answer_renderer._strip_unsafe_characters(text)
    assert find_sentences(source) == find_sentences(source.rstrip(" "))
