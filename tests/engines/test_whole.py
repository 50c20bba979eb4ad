"""Parts of a text that was tokenised once are what they would be if each were tokenised by itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer

from apps.documents.chunking import Chunker
from apps.documents.parsers.base import Block, Limits, paginate
from apps.engines.base import EmbedEngine, Tokenised
from apps.engines.embed import whole
from apps.engines.embed.fake import FakeEmbed
from apps.engines.embed.folder import locate
from apps.engines.embed.pooling import tokens_at
from apps.engines.embed.sentence import SentenceEmbed
from apps.engines.embed.whole import by_words

SPACES = [char for char in map(chr, range(0x3001)) if char.isspace()]
WORDS = st.one_of(
    st.sampled_from(
        (
            "ferry",
            "Grüße",
            "[SEP]",
            "[MASK]",
            "[CLS]a",
            "日本語",
            "İstanbul",
            "ΟΔΟΣ",
            "e\u0301",
            "\u0301x",
            "x" * 130,
            "soft\u00adhyphen",
            "time-",
            "off",
            "3.14",
            "\u200bzero",
            "👩\u200d💻",
            "각",
            "\ufffd",
            "한국",
            "ﬁn",
            "\x01",
        )
    ),
    st.text(max_size=12),
    st.sampled_from(SPACES),
)
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from(["", " ", " ", "\n", "\r\n", "  \t", "\u00a0"])), max_size=14).map(
    lambda pairs: "".join(word + space for word, space in pairs)
)


def engine(prompt: str = "") -> SentenceEmbed:
    """The packaged one; with a prompt before every passage."""
    made = SentenceEmbed()
    made._folder = replace(made._described(), prompts={"passage": prompt})
    return made


REAL = [engine(), engine("passage: "), engine("passage:")]


def read_as(embed: SentenceEmbed, lead: str) -> Tokenised:
    """One word after that lead, which is taken from what is remembered."""
    part = embed.whole("ferry").part(lead, 0, 5)
    assert part is not None
    return part


def same(one: Tokenised, other: Tokenised) -> bool:
    return one.count == other.count and np.array_equal(one.ids, other.ids)


@settings(max_examples=400, deadline=None)
@example(REAL[0], "a\x0bb c", "", (0, 5)).via("to Python a space, to the tokenizer nothing")
@example(REAL[0], "ab cd", "", (1, 5)).via("cut within a word")
@given(
    st.sampled_from(REAL), TEXTS, st.sampled_from(["", "Title › Heading\n", "Ti"]), st.tuples(*[st.integers(0, 80)] * 2)
)
def test_a_part_is_read_as_it_is_by_itself_or_not_at_all(
    embed: SentenceEmbed, text: str, lead: str, span: tuple[int, int]
) -> None:
    start, end = sorted(min(at, len(text)) for at in span)
    whole = embed.whole(text)
    assert list(zip(whole.starts, whole.ends, strict=True)) == embed.offsets(text)
    part = whole.part(lead, start, end)
    assert part is None or same(part, embed.tokenised(lead + " ".join(text[start:end].split())))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(REAL), TEXTS, st.lists(st.tuples(*[st.integers(0, 80)] * 2), min_size=1))
def test_tokens_of_characters_are_found_without_the_tokenizer(
    embed: SentenceEmbed, text: str, some: list[tuple[int, int]]
) -> None:
    spans, prompt = [(min(span), max(span)) for span in some], embed._prompt("passage")
    offsets = embed._tokens().encode(prompt + text).offsets
    shifted = [(start + len(prompt), end + len(prompt)) for start, end in spans]
    assert embed.tokens_at(text, spans) == tokens_at(offsets, shifted)


class Meanwhile(dict[str, int]):
    """Numbers of runs; before the first is looked up, something else happens."""

    def __init__(self, known: dict[str, int], work: Callable[[], object]) -> None:
        super().__init__(known)
        self.work: list[Callable[[], object]] = [work]

    def get(self, *asked: Any) -> Any:
        while self.work:
            self.work.pop()()
        return super().get(*asked)


@pytest.mark.parametrize("meanwhile", ["read", "forgotten"])
def test_what_another_thread_reads_or_forgets_meanwhile_changes_nothing(meanwhile: str) -> None:
    embed, text = engine(), "ferry boat harbour lighthouse"
    runs = (embed.whole("ferry"), embed._runs)[1]
    assert runs is not None
    begun = runs._kept

    def work() -> None:
        if meanwhile == "read":
            runs.with_edges("lighthouse harbour unforeseeable")
        else:
            runs._kept = whole._Kept(runs._empty)

    begun.numbers = Meanwhile(begun.numbers, work)
    read = embed.whole(text)
    assert not begun.numbers.work
    assert list(zip(read.starts, read.ends, strict=True)) == embed.offsets(text)
    part = read.part("", 0, len(text))
    assert part is not None and same(part, embed.tokenised(text))


def test_many_threads_read_at_once_while_what_is_remembered_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_REMEMBERED", 40)
    embed = engine()
    texts = [" ".join(f"ferry{number % 30} no{number}" for number in range(at, at + 30)) for at in range(200)]
    usual = sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(embed.whole, texts * 3))
    finally:
        sys.setswitchinterval(usual)
    for text, read in zip(texts * 3, found, strict=True):
        assert list(zip(read.starts, read.ends, strict=True)) == embed.offsets(text)
        part = read.part("", 0, len(text))
        assert part is not None and same(part, embed.tokenised(text))


def test_between_spaces_nothing_is_tokenised_again() -> None:
    text = "The ferry\u00a0to the  island,\nGrüße und 日本語 (2 times). " * 300
    for lead in ("", "Handbook › Ferries\n"):
        part = REAL[1].whole(text).part(lead, 4, len(text) - 1)
        assert part is not None and part.count > 256 >= len(part.ids)
        assert same(part, REAL[1].tokenised(lead + " ".join(text[4:].split())))
    assert REAL[2].whole(text).part("", 4, 9) is None  # the prompt and the first word would be one run


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.builds(Block, st.sampled_from(["heading", "paragraph", "code"]), TEXTS, st.integers(1, 3)), min_size=1)
)
@pytest.mark.parametrize("embed", [REAL[0], FakeEmbed()])
def test_the_chunks_of_a_page_are_the_same_whether_its_tokens_are_taken_or_made_again(
    embed: EmbedEngine, some: list[Block]
) -> None:
    for page in paginate(some, Limits()):
        again = list(Chunker("Title", embed.offsets, 64, embed.tokenised).cut(page))
        taken = list(Chunker("Title", embed.offsets, 64, embed.tokenised, whole=embed.whole).cut(page))
        assert [replace(one, read=None) for one in taken] == [replace(one, read=None) for one in again]
        assert all(one.read and two.read and same(one.read, two.read) for one, two in zip(taken, again, strict=True))


def test_a_tokenizer_whose_words_depend_on_their_neighbours_is_never_taken_apart(tmp_path: Path) -> None:
    known = Tokenizer.from_file(str(locate("") / "tokenizer.json"))
    known.no_padding()
    assert by_words(known)
    known.add_special_tokens([AddedToken("<left>", lstrip=True)])  # it takes the space before it along
    assert not by_words(known)
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace

    other = Tokenizer(Unigram([("▁a", 0.0)], unk_id=0))
    other.pre_tokenizer = Metaspace()
    assert not by_words(other)


def test_few_words_are_remembered_and_none_that_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_REMEMBERED", 8)
    monkeypatch.setattr(whole, "_OF_TITLES", 8)
    embed, text = engine(), f"{'ferry' * 20} and {' '.join(f'no{number}' for number in range(20))} " * 2
    for said in (text, "other words", text):
        read = embed.whole(said)
        assert list(zip(read.starts, read.ends, strict=True)) == embed.offsets(said)
        assert embed._runs is not None and 0 < len(embed._runs._kept.numbers) <= 8
        assert len(embed._runs._kept.pool.first) <= 8
        assert same(embed.tokenised(f"{said} ferry"), read_as(embed, f"{said} "))
        assert 0 < embed._runs._ids_of.cache_info().currsize <= 8
        assert all(len(word) <= whole._LONGEST for word in embed._runs._kept.numbers)
