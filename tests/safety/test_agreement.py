"""Agreement beyond chance, as the books compute it."""

from __future__ import annotations

import pytest

from apps.safety.agreement import alpha, kappa

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units.
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def test_alpha_of_the_published_example() -> None:
    units = [[said[place] for said in OBSERVERS if said[place] != "."] for place in range(12)]
    found = alpha(units)
    assert found is not None and found.value == pytest.approx(0.743, abs=0.0005)
    assert found.low < found.value < found.high


def test_kappa_of_a_table_that_everybody_knows() -> None:
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    found = kappa(pairs)
    assert found is not None and found.value == pytest.approx(0.4)
    assert found.units == 50 and found.low < 0.4 < found.high
    assert kappa(pairs) == found  # the same draws every time


def test_perfect_and_worse_than_chance() -> None:
    agreed, crossed = kappa([(1, 1), (0, 0)] * 10), kappa([(1, 0), (0, 1)] * 10)
    assert agreed is not None and (agreed.value, agreed.low, agreed.high) == (1, 1, 1)
    assert crossed is not None and crossed.value == -1


@pytest.mark.parametrize("units", [[], [(1, 1)] * 9, [(1,)]])
def test_nothing_where_it_is_not_defined(units: list[tuple[int, ...]]) -> None:
    assert kappa(units) is None and alpha(units) is None
