"""Drawings of figures, as points in an SVG: shares with their intervals, and one number a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext

from apps.safety import wording
from apps.safety.figures import Row, Share
from apps.safety.thresholds import Cut
from apps.users.language import inside

WIDTH, LINE, LABEL, EDGE = 640, 26, 230, 16  # of the drawing; a line a clause and stage
HEIGHT = 120  # of the days
LEFT, RIGHT, TOP, BOTTOM = 28, 612, 16, 212  # of a curve


@dataclass(frozen=True, slots=True)
class Whisker:
    """A share as a dot on a line from one end of its interval to the other."""

    label: str
    said: str  # the same in words
    y: int
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


def whiskers(rows: Sequence[Row]) -> list[Whisker]:
    """Of each clause and stage about which something was decided: how often the check was right."""
    known = [row for row in rows if row.precision.value is not None]
    return [_whisker(f"{wording.clause(row.clause)}, {inside(wording.stage(row.stage))}", row.precision, place)
            for place, row in enumerate(known)]  # fmt: skip


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


def _whisker(label: str, share: Share, place: int) -> Whisker:
    low, high = share.interval
    said = gettext("%(part)s of %(whole)s") % {"part": share.part, "whole": share.whole}
    return Whisker(label, said, LINE * place + LINE // 2, _across(low), _across(share.value or 0.0), _across(high))


def _across(share: float) -> int:
    return round(LABEL + share * (WIDTH - LABEL - EDGE))


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall over thresholds, as points, with the bands of their intervals."""

    precision: str
    recall: str
    precision_band: str
    recall_band: str
    level: float  # where the chosen threshold lies
    steps: list[float]  # those in force
    width: int = WIDTH
    height: int = 240
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM


def curve(cuts: Sequence[Cut], least: float, steps: Sequence[float]) -> Curve:
    """Where nothing lies above a threshold there is no point."""
    line = {name: _points([(cut.least, getattr(cut, name).value) for cut in cuts]) for name in ("precision", "recall")}
    band = {}
    for name in ("precision", "recall"):
        known = [(cut.least, getattr(cut, name).interval) for cut in cuts if getattr(cut, name).whole]
        there = [(at, low) for at, (low, _) in known]
        band[name] = _points([*there, *((at, high) for at, (_, high) in reversed(known))])
    levels = [_along(level) for level in steps]
    return Curve(line["precision"], line["recall"], band["precision"], band["recall"], _along(least), levels)


def _points(pairs: Sequence[tuple[float, float | None]]) -> str:
    high = BOTTOM - TOP
    return " ".join(f"{_along(at):.0f},{BOTTOM - value * high:.0f}" for at, value in pairs if value is not None)


def _along(level: float) -> float:
    return round(LEFT + level * (RIGHT - LEFT), 1)
