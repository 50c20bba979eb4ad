"""Drawings of figures, as points in an SVG: shares with their intervals, and one number a day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext

from apps.safety import wording
from apps.safety.figures import Share
from apps.users.language import inside

WIDTH, LINE, LABEL, EDGE = 640, 26, 230, 16  # of the drawing; a line a clause and stage
_HOURS = (1, 6, 24, 72, 168, 720)  # ends of an axis of hours
HEIGHT = 120  # of the days


@dataclass(frozen=True, slots=True)
class Whisker:
    """A share as a dot on a line from one end of its interval to the other."""

    label: str
    said: str  # the same in words
    low: int
    dot: int
    high: int


@dataclass(frozen=True, slots=True)
class Bar:
    said: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Whiskers below each other on one axis: shape and place say everything, no colour does."""

    title: str
    about: str  # for who does not see it
    whiskers: list[Whisker]
    ends: tuple[str, str]  # of the axis
    left: int = LABEL - EDGE  # of the axis
    axis: int = WIDTH - LABEL + EDGE  # its width
    line: int = LINE
    middle: int = LINE // 2


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its interval; `said` is the same in words."""

    label: str
    said: str
    at: float
    low: float
    high: float


def shares(pairs: Iterable[tuple[str, Share]]) -> list[Value]:
    """Those of which anything is known."""
    words = gettext("%(part)s of %(whole)s")
    return [Value(label, words % {"part": share.part, "whole": share.whole}, share.value, *share.interval)
            for label, share in pairs if share.value is not None]  # fmt: skip


def place(clause: str, stage: str) -> str:
    """ "Hate, question"."""
    return f"{wording.clause(clause)}, {inside(wording.stage(stage))}"


def chart(
    title: str,
    about: str,
    values: Sequence[Value],
    *,
    most: float = 1.0,
    ends: tuple[str, str] = ("0 %", "100 %"),
) -> Chart:
    """The axis goes from 0 to `most`; what lies beyond it ends there."""
    whiskers = [
        Whisker(one.label, one.said, _on(one.low, most), _on(one.at, most), _on(one.high, most)) for one in values
    ]
    return Chart(title, about, whiskers, ends)


def hours(highest: float) -> int:
    """Where an axis ends that holds so many hours."""
    return next((end for end in _HOURS if end >= highest), math.ceil(highest))


def bars(days: Sequence[tuple[datetime, int]]) -> list[Bar]:
    """One bar a day, as high as its number; the highest fills the drawing."""
    most, wide = max((count for _, count in days), default=0), WIDTH / max(1, len(days))
    return [
        Bar(
            f"{date_format(day, gettext('j F'))}: {count}", place * wide + 1, HEIGHT - (high := HEIGHT * count / most),
            wide - 2, high,
        )
        for place, (day, count) in enumerate(days) if count
    ]  # fmt: skip


def _on(value: float, most: float) -> int:
    return round(LABEL + min(1.0, value / most) * (WIDTH - LABEL - EDGE))
