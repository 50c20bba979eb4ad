"""Contract test of the depth of full-text search, with the fixture of the index contract."""

from __future__ import annotations

from uuid import uuid4

import numpy as np

from apps.engines.types import Index, IndexQuery
from tests.engines.index.sample_entries import entries, units, write
from tests.engines.index.test_index_contract import index  # noqa: F401 - fixture


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


def test_passages_with_equal_word_scores_keep_their_own_cosines(index: Index) -> None:  # noqa: F811
    rows = units(4)
    later_first = entries(["otters"] * 4)[::-1]  # as a merge may leave them
    segment = index.write(uuid4().hex, later_first, rows[::-1], "tests")
    far = -rows.sum(axis=0) / np.linalg.norm(rows.sum(axis=0))
    found = index.search([segment], IndexQuery("otters", far, limit=2)).candidates
    assert [round(one.cosine, 2) for one in found] == [round(float(rows[one.chunk_id] @ far), 2) for one in found]
    assert {0, 1} <= {one.chunk_id for one in found}
