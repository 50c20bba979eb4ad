"""What is made of a short text is made once, and never so much of it is kept that memory fills up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from apps.lib.kept import LONGEST, Kept


def test_what_is_worth_it_is_made_once_and_the_rest_each_time() -> None:
    made: list[str] = []

    def upper(text: str) -> str:
        made.append(text)
        return text.upper()

    kept = Kept(upper, worth=lambda text: text != "island")
    assert [kept["ferry"], kept["ferry"], kept["island"], kept["island"]] == ["FERRY", "FERRY", "ISLAND", "ISLAND"]
    assert made == ["ferry", "island", "island"]


def test_long_texts_are_not_kept() -> None:
    kept = Kept(len)
    assert kept["a" * LONGEST] == LONGEST and kept["a" * (LONGEST + 1)] == LONGEST + 1
    assert list(kept) == ["a" * LONGEST]


def test_all_goes_where_it_is_too_much() -> None:
    kept = Kept(len, most=3)
    for text in ("a", "bb", "ccc", "dddd"):
        assert kept[text] == len(text)
    assert dict(kept) == {"dddd": 4}


def test_threads_that_use_and_empty_it_get_what_they_asked_for() -> None:
    kept = Kept(lambda text: text * 2, most=7)

    def ask(number: int) -> bool:
        return all(kept[str(at % 50)] == str(at % 50) * 2 for at in range(number, number + 2_000))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(8)))
    assert len(kept) <= 7 + 4
