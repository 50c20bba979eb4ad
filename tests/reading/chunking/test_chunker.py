"""Chunks cover the pieces of a page once, in order, within the embedder's window."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engines.embed.fake import FakeEmbedder
from apps.lib.text.toc_detection import is_toc_or_noise
from apps.reading.chunking.chunker import ChunkDraft, Chunker
from apps.reading.parsing.protocol import ParsedBlock, ParsedPage, ParseLimits, paginate

WINDOW = 256
offsets = FakeEmbedder().offsets


def page_of(*blocks: ParsedBlock) -> ParsedPage:
    return next(iter(paginate(blocks, ParseLimits())))


def cut(*blocks: ParsedBlock, title: str = "Handbook", window: int = WINDOW) -> list[ChunkDraft]:
    return list(Chunker(title, offsets, window).cut(page_of(*blocks)))


def sentence(words: int, word: str = "word") -> str:
    return "Every " + " ".join([word] * (words - 1)) + "."


words = st.text(st.sampled_from("abcXYZäß123-'’.,;!?  \t\u00ad漢😀"), min_size=1, max_size=60)
blocks = st.builds(
    ParsedBlock,
    st.sampled_from(["heading", "paragraph", "list", "table", "code"]),
    st.lists(
        words | st.just("\n") | st.just("x" * 700) | st.just("word " * 260) | st.just("a" + " ." * 90 + " 7"),
        min_size=1,
        max_size=12,
    ).map(" ".join),
    st.integers(1, 4),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=8), st.sampled_from([64, 128, 256]))
def test_chunks_hold_every_letter_and_digit_exactly_once(some: list[ParsedBlock], window: int) -> None:
    pages = list(paginate(some, ParseLimits()))
    chunker = Chunker("A title › with a mark", offsets, window)
    for page in pages:
        drafts = list(chunker.cut(page))
        assert all(a.end <= b.start for a, b in pairwise(drafts))
        covered = "".join(page.text[draft.start : draft.end] for draft in drafts)
        assert "".join(filter(str.isalnum, covered)) == "".join(filter(str.isalnum, page.text))


@settings(max_examples=150, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=8), st.sampled_from([64, 128, 256]))
def test_chunk_with_its_header_fits_the_window(some: list[ParsedBlock], window: int) -> None:
    for page in paginate(some, ParseLimits()):
        for draft in Chunker("Title", offsets, window).cut(page):
            assert len(offsets(draft.embedding_text)) <= window
            assert draft.tokens == len(offsets(draft.embedding_text))


@settings(max_examples=50, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=8))
def test_chunks_are_the_same_where_the_embedder_reads_them_while_they_are_cut(some: list[ParsedBlock]) -> None:
    embed = FakeEmbedder()
    for page in paginate(some, ParseLimits()):
        read = list(Chunker("Title", offsets, 64, embed.tokenised).cut(page))
        assert [replace(draft, tokenised=None) for draft in read] == list(Chunker("Title", offsets, 64).cut(page))
        assert [draft.tokenised for draft in read] == [embed.tokenised(draft.embedding_text) for draft in read]


def test_leaders_of_a_table_of_contents_do_not_fill_chunks() -> None:
    lines = [f"1.{number} Section of the harbour rules {'. ' * 60}{number}" for number in range(1, 9)]
    for kind in ("paragraph", "table"):
        (draft,) = cut(ParsedBlock(kind, "\n".join(lines)))
        assert draft.end - draft.start == len("\n".join(lines))
        assert draft.text.startswith("1.1 Section of the harbour rules ...... 1 1.2 Section"), draft.text
        assert is_toc_or_noise(draft.text)


def test_a_chunk_is_cut_at_a_heading_and_knows_its_path() -> None:
    found = cut(
        ParsedBlock("heading", "Time off", 1),
        ParsedBlock("heading", "Holidays", 2),
        ParsedBlock("paragraph", sentence(60)),
        ParsedBlock("heading", "Illness", 2),
        ParsedBlock("paragraph", sentence(60)),
    )
    assert [draft.heading for draft in found] == ["Time off › Holidays", "Time off › Illness"]
    assert found[1].text.startswith("Illness Every word")
    assert found[1].header == "Handbook › Time off › Illness"


def test_headings_hold_on_the_next_page() -> None:
    chunker = Chunker("Handbook", offsets, WINDOW)
    list(chunker.cut(page_of(ParsedBlock("heading", "Travel", 1), ParsedBlock("paragraph", sentence(60)))))
    assert [draft.heading for draft in chunker.cut(page_of(ParsedBlock("paragraph", sentence(30))))] == ["Travel"]


def test_short_sections_share_a_chunk() -> None:
    found = cut(
        ParsedBlock("heading", "A", 1),
        ParsedBlock("paragraph", "Short."),
        ParsedBlock("heading", "B", 1),
        ParsedBlock("paragraph", "Also."),
    )
    assert [draft.text for draft in found] == ["A Short. B Also."]


def test_a_heading_is_never_left_behind_at_the_end_of_a_chunk() -> None:
    found = cut(
        ParsedBlock("paragraph", sentence(20)),
        ParsedBlock("heading", "Travel", 2),
        ParsedBlock("paragraph", sentence(155)),
        window=230,
    )
    assert [draft.text.startswith("Travel") for draft in found] == [False, True]


def test_a_long_paragraph_is_cut_at_sentences_into_even_parts() -> None:
    found = cut(ParsedBlock("paragraph", " ".join([sentence(20)] * 14)))
    assert all(draft.text.endswith(".") for draft in found)
    sizes = [draft.tokens for draft in found]
    assert len(sizes) == 2
    assert max(sizes) - min(sizes) < 60


def test_a_table_is_kept_whole_where_it_fits_and_cut_between_rows_where_not() -> None:
    rows = [f"Item: thing {n}; Price: {n}" for n in range(60)]
    assert len(cut(ParsedBlock("table", "\n".join(rows[:10])))) == 1
    for draft in cut(ParsedBlock("table", "\n".join(rows))):
        assert draft.text.startswith("Item: thing")
        assert draft.text.rpartition("Price: ")[2].isdigit()


def test_a_word_without_end_is_cut() -> None:
    found = cut(ParsedBlock("paragraph", "x" * 50_000))
    assert len(found) > 5
    assert "".join(draft.text for draft in found) == "x" * 50_000


def test_words_split_at_a_line_end_are_joined_in_the_text_of_a_chunk() -> None:
    assert (
        cut(ParsedBlock("paragraph", "inter\u00adnational and inter-\nnational"))[0].text
        == "international and international"
    )


def test_a_long_title_and_deep_headings_leave_room_for_the_text() -> None:
    deep = [
        ParsedBlock("heading", f"Heading number {level} with quite a few words in it", level) for level in range(1, 7)
    ]
    for draft in cut(*deep, ParsedBlock("paragraph", sentence(400)), title="Very long title " * 40):
        assert len(offsets(draft.header)) <= 40
