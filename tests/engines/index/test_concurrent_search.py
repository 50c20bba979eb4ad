"""Test that searches beside writes and drops see one consistent generation of the index."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.index.concurrent_search import race


@pytest.mark.slow
def test_searches_see_whole_generations_while_ten_thousand_are_added_and_a_thousand_dropped(
    tmp_path: Path, long: bool
) -> None:
    """Run at full speed; with --long over a minute."""
    found = race(tmp_path, seconds=60 if long else 0)
    print(found)
    assert (found["added"], found["dropped"], found["wrong"], found["idle"]) == (10_000, 1_000, 0, 0)
    assert found["searches"] >= 80, "two of each generation"
