"""Tests that the hashed n-grams are those of their definition, in any batch."""

from __future__ import annotations

import re
from zlib import crc32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.engines.classify import hashed_ngrams
from apps.engines.classify.hashed_ngrams import BUCKETS, CHARACTERS, hash_ngrams

SIGNS = st.text(st.sampled_from("abAB1 \n\x1c\u00a0\u3000.,'-_ÄßİK中é\u0301\U0001f600\ud800"), max_size=60)


def by_definition(text: str) -> set[int]:
    """Return the buckets of the n-grams of the definition: each word, each pair of adjacent words, and three to five
    characters of words with at least three."""
    words = re.findall(r"\w+|[^\w\s]", text[:CHARACTERS].casefold())
    found = {f"w{word}" for word in words} | {f"b{a} {b}" for a, b in zip(["", *words], words, strict=False)}
    for word in words:
        if len(word) > 2:
            padded = f"<{word}>"
            found |= {f"c{padded[at : at + size]}" for size in (3, 4, 5) for at in range(len(padded) - size + 1)}
    return {crc32(gram.encode("utf-8", "surrogatepass")) % BUCKETS for gram in found}


@given(st.lists(st.one_of(SIGNS, st.text(max_size=80)), max_size=40))
@example(["The ferry, which leaves at nine (or so).", "", "late", "x" * 40 + "," + "y" * 40, "a " * CHARACTERS])
def test_grams_are_those_of_the_definition(texts: list[str]) -> None:
    found = hash_ngrams(texts)
    for at, text in enumerate(texts):
        expected = by_definition(text)
        assert found.buckets[found.starts[at] : found.starts[at + 1]].tolist() == sorted(expected)
        assert found.weights[at] == pytest.approx(1 / max(1, len(expected)) ** 0.5)


def test_cached_word_hashes_are_the_same_and_long_words_are_not_cached() -> None:
    text = f"The ferry's ticket, the ferry's deck; the island. {'long' * 20}"
    hashed_ngrams._hash_short_word.cache_clear()
    first, again = hash_ngrams([text]), hash_ngrams([text, text])
    assert again.buckets.tolist() == first.buckets.tolist() * 2
    assert hashed_ngrams._hash_short_word.cache_info().currsize == 10
