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
    said: str  # the value in words
    low: int
    dot: int
    high: int


@dataclass(frozen=True, slots=True)
class DayBar:
    """Bar of one day, in pixels; `said` is the value in words."""

    said: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class WhiskerChart:
    """Whiskers below each other on one axis. Only shape and position carry meaning, no colour."""

    title: str
    about: str  # description for screen readers
    whiskers: list[Whisker]
    ends: tuple[str, str]  # of the axis
    left: int = LABEL - EDGE  # of the axis
    axis: int = WIDTH - LABEL + EDGE  # its width
    line: int = LINE
    middle: int = LINE // 2


@dataclass(frozen=True, slots=True)
class ChartValue:
    """Value with its confidence interval; `said` is the value in words."""

    label: str
    said: str
    at: float
    low: float
    high: float


def known_shares(pairs: Iterable[tuple[str, Proportion]]) -> list[ChartValue]:
    """Return the shares with a value; those without data are left out."""
    words = gettext("%(part)s of %(whole)s")
    return [ChartValue(label, words % {"part": share.part, "whole": share.whole}, share.value, *share.interval)
            for label, share in pairs if share.value is not None]  # fmt: skip


def format_place(clause: str, stage: str) -> str:
    """Return clause and stage as a translated label, such as "Hate, question"."""
    return f"{code_labels.clause_label(clause)}, {lower_label(code_labels.stage_label(stage))}"


def make_whisker_chart(
    title: str,
    about: str,
    values: Sequence[ChartValue],
    *,
    most: float = 1.0,
    ends: tuple[str, str] | None = None,
) -> WhiskerChart:
    """Return the chart of the values. The axis runs from 0 to `most`; greater values end there.

    `ends` are its labels; None: 0% and 100%.
    """
    whiskers = [
        Whisker(one.label, one.said, _to_x(one.low, most), _to_x(one.at, most), _to_x(one.high, most)) for one in values
    ]
    return WhiskerChart(title, about, whiskers, ends or (format_percent(0), format_percent(1)))


def round_axis_hours(highest: float) -> int:
    """Return the end of an axis that holds `highest` hours."""
    return next((end for end in _HOURS if end >= highest), math.ceil(highest))


def make_day_bars(days: Sequence[tuple[datetime, int]]) -> list[DayBar]:
    """Return a bar per day with a count above 0. The highest bar fills the chart."""
    most, wide = max((count for _, count in days), default=0), WIDTH / max(1, len(days))
    return [
        DayBar(
            f"{date_format(day, gettext('j F'))}: {count}", place * wide + 1, HEIGHT - (high := HEIGHT * count / most),
            wide - 2, high,
        )
        for place, (day, count) in enumerate(days) if count
    ]  # fmt: skip


def _to_x(value: float, most: float) -> int:
    return round(LABEL + min(1.0, value / most) * (WIDTH - LABEL - EDGE))
