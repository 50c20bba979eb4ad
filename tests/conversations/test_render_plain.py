"""What needs no parser is rendered without one, to the same bytes; and a long paragraph costs what it is long."""

from __future__ import annotations

import time
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.conversations import mend, render
from apps.conversations.links import Links
from apps.conversations.markup import clean, parser
from apps.conversations.render import StreamRenderer
from apps.conversations.wrap import Wrapper, mark, numbered

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
PLAIN = st.lists(st.sampled_from([*WORDS, *ODD]), max_size=14).map("".join)
TEXTS = st.lists(st.sampled_from([*WORDS, *SIGNS, *ODD]), max_size=14).map("".join)


def parsed(text: str, links: Links) -> str:
    """The long way."""
    md = parser()
    tokens = md.parse(mark(text, numbered(text), 3))
    Wrapper(links).block(tokens)
    return clean(md.renderer.render(tokens, md.options, {}))


@settings(max_examples=400, deadline=None)
@given(PLAIN)
def test_running_text_is_what_the_parser_would_make_of_it(words: str) -> None:
    links = Links(hosts=("a.example",))
    text = f"a {render._tame(words)}"
    if render._PLAIN.fullmatch(text):
        assert StreamRenderer(links)._html(text, numbered(text), 3) == parsed(text, links)


def test_that_way_is_taken_by_prose_and_by_nothing_that_means_something() -> None:
    assert render._PLAIN.fullmatch("It grew by 4 % (see [1], [23]): so it said. Why? “Because!” - it's so | #1.")
    for text in (
        "a *b* c",
        "a [1](http://x)",
        "a `b`",
        "a $x$",
        "a\nb",
        "a &amp; b",
        "a <b>",
        "1. a",
        "- a",
        "a [b] c",
        "",
    ):
        assert not render._PLAIN.fullmatch(text), text


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_a_line_is_the_block_that_the_parser_finds(text: str) -> None:
    source = render._tame(text)
    found = render._blocks(source)
    with patch.object(render, "_is_line", return_value=False):
        assert render._blocks(source) == found


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_what_is_sure_needs_no_mending_and_a_space_at_the_end_no_sentence(text: str) -> None:
    found = mend.mend(text)
    with patch.object(mend, "_UNSURE", mend.re.compile("")):
        assert mend.mend(text) == found
    source = render._tame(text)
    assert numbered(source) == numbered(source.rstrip(" "))


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, max_size=8))
def test_what_is_hidden_stays_hidden_however_it_comes(pieces: list[str]) -> None:
    renderer, whole = StreamRenderer(), ""
    for piece in pieces:
        renderer.feed(piece)
        whole += piece
        assert renderer._source == render._tame(whole)[renderer._at : renderer._at + len(renderer._source)]


def test_a_paragraph_of_20_000_characters_is_shown_as_it_comes_at_the_same_cost_to_its_end() -> None:
    renderer, sent, spent = StreamRenderer(), [], []
    for number in range(1200):
        piece = f"Word{number} comes here [1]{'.' if number % 8 == 7 else ''} "
        began = time.process_time()
        changes = renderer.feed(piece)
        spent.append(time.process_time() - began)
        assert f"Word{number}" in "".join(change.html for change in changes), "nothing waits"
        sent.append(sum(len(change.html) for change in changes))
    assert sum(map(len, renderer.blocks)) > 20_000
    assert max(sent[-200:]) <= 2 * max(sent[:200])
    assert sorted(spent[-200:])[100] < 4 * sorted(spent[20:220])[100]


@pytest.mark.parametrize(
    "words", [":smile: e.g. \x0b plain", "中 \x0c plain", "\x0b \x0c plain", "It is.![12][1](x) plain"]
)
def test_a_border_is_set_where_a_sentence_is_seen_to_go_on(words: str) -> None:
    text = f"{words} words here and more of them, " * 9
    renderer = StreamRenderer(Links())
    for at in range(0, len(text), 5):
        renderer.feed(text[at : at + 5])
    renderer.finish()
    assert "".join(renderer.blocks) == render.answer_html(text, [], "x")
