"""Streaming: any way to cut a text into pieces ends with the same bytes, and costs what the text is long."""

from __future__ import annotations

import re
import time
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.conversations.core.events import Cited, Text, encode_event
from apps.conversations.rendering.answer_renderer import StreamRenderer, render_answer
from apps.conversations.rendering.citation_marks import UNVERIFIED, render_citation_marks
from apps.grounding.citer import SentenceCitation
from apps.grounding.sentence_state import get_sentence_state
from tests.conversations.client_transcript import ClientTranscript
from tests.conversations.rendering.conftest import ANSWER, ANSWER_ID, BITS, LINES

TEXTS = st.lists(st.sampled_from([*BITS.split(), *LINES, "===\n", "\U000f0001 "]), max_size=40).map("".join)


def play(pieces: list[str]) -> tuple[ClientTranscript, StreamRenderer, list[Text]]:
    client, renderer, sent = ClientTranscript(), StreamRenderer(), list[Text]()
    for piece in pieces:
        sent += renderer.feed(piece)
    sent += renderer.finish()
    for event in sent:
        client.apply(encode_event(event))
    return client, renderer, sent


def cut(text: str, positions: list[int]) -> list[str]:
    borders = [0, *sorted(position % (len(text) + 1) for position in positions), len(text)]
    return [text[a:b] for a, b in pairwise(borders)]


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.just(ANSWER), TEXTS), st.lists(st.integers(0, 10_000), max_size=60))
def test_streamed_text_ends_with_the_same_bytes_however_it_is_cut(text: str, positions: list[int]) -> None:
    whole, _, _ = play([text])
    client, renderer, _ = play(cut(text, positions))
    assert "".join(client.blocks) == "".join(whole.blocks) == render_answer(text, [], ANSWER_ID)
    assert client.blocks == renderer.blocks


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10_000), max_size=60))
def test_sentences_that_are_complete_never_move(positions: list[int]) -> None:
    renderer = StreamRenderer()
    seen: list[tuple[int, int]] = []
    for piece in cut(ANSWER, positions):
        renderer.feed(piece)
        assert renderer.sentences[: len(seen)] == seen
        seen = list(renderer.sentences)
    renderer.finish()
    assert renderer.sentences[: len(seen)] == seen


def test_a_reload_shows_what_the_stream_and_its_citations_ended_with() -> None:
    client, renderer, _ = play(list(ANSWER))
    cites = [
        SentenceCitation(n, a, b, None if n % 3 == 2 else n + 1, 0, 9, 0.4 + n / 30)
        for n, (a, b) in enumerate(renderer.sentences)
        if n % 4
    ]
    html = "".join(client.blocks)
    for number in range(len(renderer.sentences)):
        mine = [cite for cite in cites if cite.sentence == number]
        event = Cited(number, get_sentence_state(mine) or "", render_citation_marks(mine, ANSWER_ID))
        slot = f'<span class="pills" data-sentence="{number}">'
        html = html.replace(f"{slot}</span>", f"{slot}{event.html}</span>")
        if event.state == "unverified":
            html = html.replace(
                f'<span class="sentence" data-sentence="{number}">',
                f'<span class="sentence unverified" data-sentence="{number}" title="{UNVERIFIED}">',
            )
    assert html == render_answer(ANSWER, cites, ANSWER_ID)


def test_finished_blocks_are_never_sent_again() -> None:
    _, _, sent = play([word + " " for word in ANSWER.split(" ")])
    newest = 0
    for event in sent:
        assert event.block >= newest - 1  # a block may still be corrected while the next one's kind is uncertain
        newest = max(newest, event.block)


def test_sent_html_grows_linearly_with_the_text() -> None:
    def sent(paragraphs: int) -> int:
        text = "The quick brown fox jumps over the lazy dog and runs far away. " * paragraphs
        return sum(len(event.html) for event in play(re.findall(r".{1,40}", text))[2])

    assert sent(40) < 2.3 * sent(20)
    assert sent(20) < 12 * 20 * 63


def test_characters_count_alike_in_python_and_javascript() -> None:
    _, _, sent = play(list("A 😀 face. `😀` and 𝒳 too."))
    assert all(len(event.html.encode("utf-16-le")) == 2 * len(event.html) for event in sent)
    assert "&#128512;" in "".join(event.html for event in sent)


def shown(text: str) -> str:
    renderer = StreamRenderer()
    renderer.feed(text)
    return re.sub(r"<[^>]*>", "", "".join(renderer.blocks)).strip()


def test_an_unfinished_end_looks_as_it_will() -> None:
    assert shown("It is **very impor") == "It is very impor"
    assert shown("It is **") == "It is"
    assert shown("Call `f(x") == "Call f(x"
    assert shown("As in [the page](https://exam") == "As in the page"
    assert shown("So it is [1") == "So it is"
    assert shown("The sum $\\frac{1}{") == "The sum"
    assert shown("It costs $5 mil") == "It costs $5 mil"
    assert shown("```python\nprint(") == "print("


def test_a_complete_sentence_is_known_before_its_paragraph_ends() -> None:
    renderer = StreamRenderer()
    renderer.feed("One stands. Two is ")
    assert renderer.sentences == [(0, 11)]
    renderer.feed("here.\n\n")
    assert renderer.sentences == [(0, 11), (12, 24)]


def test_a_sentence_costs_at_most_two_milliseconds() -> None:
    pieces = ["The quick **brown** fox, as `f(x)` says, jumps over $x^2$ lazy dogs in the north of the town [1]. "] * 5
    pieces = [*pieces, "\n\n"] * 20
    play(pieces)
    started = time.process_time()
    play(pieces)
    assert (time.process_time() - started) / 100 < 0.02  # ten times what it takes, for busy machines


def test_an_answer_without_end_is_cut_and_says_so() -> None:
    client, _, _ = play(["word " * 10_000] * 6)
    assert client.blocks[-1] == '<p class="cut">The answer goes on, but is too long to be shown.</p>\n'
