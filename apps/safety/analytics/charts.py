"""Charts of review analytics, as coordinates for SVG: shares with confidence intervals, and one bar per day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext

from apps.lib.proportions import Proportion, format_percent
from apps.safety import code_labels
from apps.users.i18n import lower_label

WIDTH, LINE, LABEL, EDGE = 640, 26, 230, 16  # of the chart, in pixels; one line per clause and stage
_HOURS = (1, 6, 24, 72, 168, 720)  # possible ends of an axis of hours
HEIGHT = 120  # of the chart of days, in pixels


@dataclass(frozen=True, slots=True)
class Whisker:
    """Share as a dot on a line across its confidence interval. Positions in pixels."""

    label: str
    value_text: str  # the value in words
    low: int
    dot: int
    high: int


@dataclass(frozen=True, slots=True)
class DayBar:
    """Bar of one day, in pixels; `value_text` is the value in words."""

    value_text: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class WhiskerChart:
    """Whiskers below each other on one axis. Only shape and position carry meaning, no colour."""

    title: str
    description: str  # description for screen readers
    whiskers: list[Whisker]
    axis_labels: tuple[str, str]  # of the axis
    axis_left: int = LABEL - EDGE  # of the axis
    axis_width: int = WIDTH - LABEL + EDGE  # its width
    row_height: int = LINE
    row_middle: int = LINE // 2


@dataclass(frozen=True, slots=True)
class ChartValue:
    """Value with its confidence interval; `value_text` is the value in words."""

    label: str
    value_text: str
    value: float
    low: float
    high: float


def known_shares(pairs: Iterable[tuple[str, Proportion]]) -> list[ChartValue]:
    """Return the shares with a value; those without data are left out."""
    template = gettext("%(part)s of %(whole)s")
    return [ChartValue(label, template % {"part": share.part, "whole": share.whole}, share.value, *share.interval)
            for label, share in pairs if share.value is not None]  # fmt: skip


def format_place(clause: str, stage: str) -> str:
    """Return clause and stage as a translated label, such as "Hate, question"."""
    return f"{code_labels.clause_label(clause)}, {lower_label(code_labels.stage_label(stage))}"


def make_whisker_chart(
    title: str,
    description: str,
    values: Sequence[ChartValue],
    *,
    axis_end: float = 1.0,
    axis_labels: tuple[str, str] | None = None,
) -> WhiskerChart:
    """Return the chart of the values. The axis runs from 0 to `axis_end`; greater values end there.

    `axis_labels` are its labels; None: 0% and 100%.
    """
    whiskers = [
        Whisker(
            value.label,
            value.value_text,
            _to_x(value.low, axis_end),
            _to_x(value.value, axis_end),
            _to_x(value.high, axis_end),
        )
        for value in values
    ]
    return WhiskerChart(title, description, whiskers, axis_labels or (format_percent(0), format_percent(1)))


def round_axis_hours(highest: float) -> int:
    """Return the end of an axis that holds `highest` hours."""
    return next((end for end in _HOURS if end >= highest), math.ceil(highest))


def make_day_bars(days: Sequence[tuple[datetime, int]]) -> list[DayBar]:
    """Return a bar per day with a count above 0. The highest bar fills the chart."""
    highest, width = max((count for _, count in days), default=0), WIDTH / max(1, len(days))
    return [
        DayBar(
            f"{date_format(day, gettext('j F'))}: {count}", position * width + 1,
            HEIGHT - (high := HEIGHT * count / highest), width - 2, high,
        )
        for position, (day, count) in enumerate(days) if count
    ]  # fmt: skip


def _to_x(value: float, axis_end: float) -> int:
    return round(LABEL + min(1.0, value / axis_end) * (WIDTH - LABEL - EDGE))
