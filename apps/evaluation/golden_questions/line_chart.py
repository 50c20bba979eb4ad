"""Compute SVG coordinates for the line chart of golden runs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

from apps.lib.proportions import format_percent

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 40, 16, 10, 22  # margins for the words at the axes
MEASURE_LABELS = {
    "recall": gettext_lazy("Recall@10"),
    "mrr": gettext_lazy("MRR"),
    "ndcg": gettext_lazy("nDCG@10"),
    "precision": gettext_lazy("Citation precision"),
}


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """Line of one measure: `points` for an SVG polyline, `dots` for its runs. Runs without a value are left out."""

    name: str
    label: StrOrPromise
    points: str
    dots: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class LineChart:
    """Line chart in SVG units."""

    width: int
    height: int
    lines: list[MeasureLine]
    grid: list[tuple[float, str]]  # y of a grid line, and its label
    left: int
    right: int
    axis_labels: tuple[str, str]  # labels of the first and the last run


def make_line_chart(runs: Sequence[dict[str, float | None]], axis_labels: tuple[str, str]) -> LineChart:
    """Return the chart of the runs, oldest first. Each run maps measures to 0..1, or None.

    A line passes over a run without a value. `axis_labels` label the first and the last run.
    """
    lines = []
    for name, label in MEASURE_LABELS.items():
        dots = [(_x(at, len(runs)), _y(value)) for at, run in enumerate(runs) if (value := run[name]) is not None]
        lines.append(MeasureLine(name, label, " ".join(f"{x},{y}" for x, y in dots), dots))
    grid = [(_y(share / 4), format_percent(share / 4)) for share in range(5)]
    return LineChart(WIDTH, HEIGHT, lines, grid, LEFT, WIDTH - RIGHT, axis_labels)


def _x(at: int, count: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (at / (count - 1) if count > 1 else 0.5), 1)


def _y(value: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(1.0, max(0.0, value))), 1)
