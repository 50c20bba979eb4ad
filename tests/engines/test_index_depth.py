"""How deep every index looks by words: the contract's own fixture, for all of them."""

from __future__ import annotations

from apps.engines.base import Index, IndexQuery
from tests.engines.indexes import units, write
from tests.engines.test_index_contract import index  # noqa: F401 - fixture


def test_words_count_for_what_meaning_found_as_far_as_twice_the_limit(index: Index) -> None:  # noqa: F811
    rows = units(3)
    segment = write(
        index, ["otters otters otters dive", "otters otters swim dive", "otters sleep swim dive"], vectors=rows
    )

    second, third = (
        {c.chunk_id: c.bm25 for c in index.search([segment], IndexQuery("otters", rows[n], limit=1)).candidates}
        for n in (1, 2)
    )

    assert set(second) == {0, 1} and second[0] > second[1] > 0
    assert set(third) == {0, 2} and third[2] == 0
