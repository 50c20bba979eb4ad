"""Which sentences of the passages reach the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from apps.documents.retrieval.passages import PassageWindow, SearchHit, collect_terms
from apps.documents.retrieval.sentence_selection import select_sentences
from apps.lib.text.text_normalization import normalize_text

DOCUMENT = UUID(int=1)
PAGE = (
    "Rivers rise in spring. The bridge at Thun was built in 1820. It is made of oak. "
    "Boats pass below it. Fishing is allowed on Sundays."
)


def window(
    page: str = PAGE, start: int = 0, end: int | None = None, full: tuple[int, int] | None = None
) -> PassageWindow:
    end = len(page) if end is None else end
    hit = SearchHit(
        1,
        DOCUMENT,
        UUID(int=2),
        "Guide",
        "text",
        0,
        1,
        "",
        start,
        end,
        page[start:end],
        collect_terms(page[start:end]),
        0.5,
        1.0,
        1.0,
        0.9,
    )
    return PassageWindow(hit, 0, 0, *(full or (start, end)))


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def one(idf: dict[str, float], budget: int, of: PassageWindow | None = None, page: str = PAGE) -> str:
    passages = select_sentences([of or window(page)], {(DOCUMENT, 1): page}, idf, budget, words)
    return passages[0].text if passages else ""


def test_the_sentence_with_the_rare_word_is_taken_first() -> None:
    assert one({"fish": 3.0, "the": 0.1}, 5) == "Fishing is allowed on Sundays."


def test_a_sentence_that_points_back_brings_the_one_before_it() -> None:
    assert one({"oak": 3.0}, 13) == "The bridge at Thun was built in 1820. It is made of oak."


def test_gap_between_selected_sentences_is_marked() -> None:
    assert " … " in one({"spring": 3.0, "fish": 3.0}, 9)


def test_invisible_text_between_sentences_is_not_marked_as_a_gap() -> None:
    page = "Oak grows.\n\n\u00ad\n\nBeech falls."
    assert one({"oak": 3.0, "beech": 3.0}, 9, window(page), page) == "Oak grows. Beech falls."


def test_sentences_keep_their_order_in_the_page() -> None:
    text = one({"fish": 9.0, "river": 1.0}, 200)

    assert text == PAGE


def test_a_passage_without_room_is_left_out() -> None:
    assert one({"fish": 3.0}, 2) == ""


def test_a_sentence_of_the_hit_is_preferred_to_the_same_words_beside_it() -> None:
    page = "Oak burns slowly. Oak grows slowly."
    beside = window(page, start=18, full=(0, len(page)))

    assert one({"oak": 3.0, "slowli": 1.0}, 3, beside, page) == "Oak grows slowly."


@given(st.text(max_size=400), st.integers(0, 60))
@example("\u00ad", 0)
@example("Oak \u00ad grows. \u00ad", 2)
def test_selected_sentences_of_any_page_fit_the_budget_and_their_spans_hold(page: str, budget: int) -> None:
    passages = select_sentences([window(page)], {(DOCUMENT, 1): page}, {"a": 1.0}, budget, words)

    for passage in passages:
        assert passage.full_text == page
        assert all(0 <= start < end <= len(page) for start, end in passage.spans)
        assert list(passage.spans) == sorted(passage.spans)
        assert passage.text
        assert sum(words([normalize_text(page[start:end]) for start, end in passage.spans])) <= budget


def test_a_large_budget_reads_all_that_stands_around() -> None:
    page = " ".join(f"Sentence number {number} speaks of otters." for number in range(30))

    small, large = one({"otter": 1.0}, 700, page=page), one({"otter": 1.0}, 2_000, page=page)

    assert small.count("otters") == 7
    assert large.count("otters") == 30
