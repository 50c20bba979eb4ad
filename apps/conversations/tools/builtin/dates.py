"""Date tool: tells the date, adds or subtracts days, weeks, months and years, and counts days between two dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext, ngettext

from apps.conversations.tools.base import BaseTool, ToolContext, ToolError, ToolResult, localise_result

MAX_CHARACTERS = 200  # of an expression
_UNITS = ("day", "week", "month", "year")
_FARTHEST = 100_000  # days, weeks, months or years in one step
_DAY = re.compile(r"(today|now|tomorrow|yesterday|\d{4}-\d{1,2}-\d{1,2})", re.IGNORECASE)
_STEP = re.compile(rf"\s*([-+])\s*(\d{{1,6}})\s*({'|'.join(_UNITS)})s?\b", re.IGNORECASE)
_SINCE = re.compile(rf"\s*(?:-|to|until)\s*({_DAY.pattern})\s*", re.IGNORECASE)
_FAR = "You can add or subtract up to %(most)s days, weeks, months or years."
_HOW = (
    "Write a date such as 2026-03-01, today, tomorrow or yesterday. Add or subtract days, weeks, months or years "
    "(today + 3 weeks), or subtract one date from another (2026-12-24 - today)."
)


class Dates(BaseTool):
    """Tool that evaluates a date expression; the user calls it by /date."""

    name = "dates"
    title = "Dates"
    user_description = "Tells today's date and calculates with dates, such as the days between two of them."
    description = (
        "Tells today's date and calculates with dates: 'today', '2026-03-01 + 45 days', 'today - 2 months', "
        "'2026-12-24 - today' (days between). Dates are YYYY-MM-DD; the answer names the weekday."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"expression": {"type": "string", "maxLength": MAX_CHARACTERS}},
        "required": ["expression"],
        "additionalProperties": False,
    }
    timeout_s = 5.0
    command = "date"
    argument = "expression"

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """Return the result in English for the model and in the language of the user. Raise ToolError."""
        now = timezone.localtime()
        return localise_result(lambda: calculate_date(arguments["expression"], now))


def calculate_date(expression: str, now: datetime) -> str:
    """Return the date of the expression, or the days between two dates, in words. Raise ToolError.

    `now` is the local time, from which "today" is taken.
    """
    text = expression.strip() or "today"
    if len(text) > MAX_CHARACTERS or (first := _DAY.match(text)) is None:
        raise ToolError(_HOW)
    day, at = _day(first[1], now.date()), first.end()
    if (other := _SINCE.fullmatch(text, at)) is not None:
        end = _day(other[1], now.date())
        days = abs((day - end).days)
        words = ngettext("From %(first)s to %(last)s: %(n)s day", "From %(first)s to %(last)s: %(n)s days", days)
        return words % {"first": _named(min(day, end)), "last": _named(max(day, end)), "n": days}
    while at < len(text):
        if (step := _STEP.match(text, at)) is None:
            raise ToolError(_HOW)
        day, at = _add_steps(day, step), step.end()
        at += len(text[at:]) - len(text[at:].lstrip())
    clock = f", {now:%H:%M} {now.tzname()}" if first[1].lower() == "now" and day == now.date() else ""
    return gettext("%(day)s, week %(week)s") % {"day": f"{_named(day)}{clock}", "week": day.isocalendar().week}


def _day(text: str, today: date) -> date:
    match text.lower():
        case "today" | "now":
            return today
        case "tomorrow":
            return today + timedelta(days=1)
        case "yesterday":
            return today - timedelta(days=1)
    try:
        return date(*map(int, text.split("-")))
    except ValueError:
        raise ToolError("The date %(day)s does not exist.", day=text) from None


def _add_steps(day: date, step: re.Match[str]) -> date:
    sign, number, unit = -1 if step[1] == "-" else 1, int(step[2]), step[3].lower()
    if number > _FARTHEST:
        raise ToolError(_FAR, most=f"{_FARTHEST:,}")
    days, months = {"day": (1, 0), "week": (7, 0), "month": (0, 1), "year": (0, 12)}[unit]
    try:
        moved: date = day + relativedelta(days=sign * number * days, months=sign * number * months)
        return moved
    except (ValueError, OverflowError):
        raise ToolError("This date is outside the calendar (years 1 to 9999).") from None


def _named(day: date) -> str:
    return f"{date_format(day, 'l')} {day.isoformat()}"
