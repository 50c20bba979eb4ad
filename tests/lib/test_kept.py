"""What is made of a short text is made once, and never so much of it is kept that memory fills up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from apps.lib.kept import Kept


def test_a_short_text_is_taken_up_once_and_a_long_one_each_time() -> None:
    made: list[str] = []
    kept = Kept(lambda text: made.append(text) or text.upper(), longest=5)
    assert [kept["ferry"], kept["ferry"], kept["island"], kept["island"]] == ["FERRY", "FERRY", "ISLAND", "ISLAND"]
    assert made == ["ferry", "island", "island"]


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
