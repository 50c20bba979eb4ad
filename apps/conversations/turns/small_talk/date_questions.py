"""Read a question about the date or the time ("what date is next Friday?") as an expression of the tool `dates`.

Pure, except for today's date. Entry point: `read_date_question`.
"""

from __future__ import annotations

import re

from babel.dates import get_day_names
from django.utils import timezone

from apps.engines.classify.small_talk import normalise_message

_NUMBER = re.compile(r"\d{1,4}")
# Words as `normalise_message` returns them: lower case, no accents; in the languages of the interface.
_TIME_WORDS = "time clock uhr uhrzeit spat hora"
_TIME = frozenset(_TIME_WORDS.split())
_DAYS = (  # phrases that contain another come first
    (2, ("day after tomorrow", "ubermorgen", "pasado manana")),
    (-2, ("day before yesterday", "vorgestern", "anteayer", "antes de ayer")),
    (1, ("tomorrow", "morgen", "manana")),
    (-1, ("yesterday", "gestern", "ayer")),
)
_UNITS = {
    "day": "day days tag tage tagen dia dias",
    "week": "week weeks woche wochen semana semanas",
    "month": "month months monat monate monaten mes meses",
    "year": "year years jahr jahre jahren ano anos",
}
_UNIT = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_LAST_WORDS = "last letzten letzter letzte letztes vergangenen pasado pasada ultimo"
_LAST = frozenset(_LAST_WORDS.split())
_BACK = _LAST | {"ago", "vor", "hace"}
_AHEAD_WORDS = "next nachsten nachster nachste nachstes kommenden kommende proximo proxima siguiente"
_AHEAD = frozenset(_AHEAD_WORDS.split())
_BEFORE_COUNT, _AFTER_COUNT = frozenset({"in", "vor", "hace", "dentro", "de"}), frozenset({"ago", "from"})
_ASKING = frozenset({"welcher", "welchem", "which", "what", "que", "la", "der", "the"})
_COUNTS = (
    "a an one ein eine einem einer un una uno", "two zwei dos", "three drei tres", "four vier cuatro",
    "five funf cinco", "six sechs seis", "seven sieben siete", "eight acht ocho", "nine neun nueve",
    "ten zehn diez", "eleven elf once", "twelve zwolf doce",
)  # fmt: skip
_COUNT = {word: number for number, words in enumerate(_COUNTS, 1) for word in words.split()}
_WEEKDAY = {
    normalise_message(name): number
    for language in ("en", "de", "es")
    for number, name in get_day_names("wide", locale=language).items()
}


def read_date_question(text: str) -> str:
    """Return the expression; "today" if no other day is named, "" if the named one cannot be read."""
    words = [word if word.isdecimal() else normalise_message(word) for word in re.findall(r"\w+", text)]
    if _TIME.intersection(words):
        return "now"
    if (weekday := next((_WEEKDAY[word] for word in words if word in _WEEKDAY), None)) is not None:
        return _format_step(_to_weekday(weekday, back=bool(_BACK.intersection(words))), "day")
    if (step := _read_step(words)) is not None:
        return _format_step(*step) if step[0] else ""
    padded = f" {' '.join(words)} "
    return _format_step(next((days for days, names in _DAYS if any(f" {name} " in padded for name in names)), 0), "day")


def _read_step(words: list[str]) -> tuple[int, str] | None:
    """Return how many days, weeks, months or years ahead the message names; None if it names none.

    The number is 0 if it cannot be read.
    """
    back = bool(_BACK.intersection(words))
    for lead, before, word, after in zip(["", *words], words, words[1:], [*words[2:], ""], strict=False):
        if (unit := _UNIT.get(word)) is None:
            continue
        is_counted = before.isdecimal() or before in _COUNT
        if not is_counted and (_LAST | _AHEAD).intersection({before, after}):
            return (-1 if _LAST.intersection({before, after}) else 1), unit
        if count := int(before) if _NUMBER.fullmatch(before) else _COUNT.get(before, 0):
            return (-count if back else count), unit
        if (lead in _BEFORE_COUNT and before not in _ASKING) or after in _AFTER_COUNT:
            return 0, unit
    return None


def _to_weekday(weekday: int, *, back: bool) -> int:
    """Return the days to the next such weekday after today, or (negative) to the last one before."""
    today = timezone.localdate().weekday()
    return -((today - weekday) % 7 or 7) if back else (weekday - today) % 7 or 7


def _format_step(count: int, unit: str) -> str:
    if not count:
        return "today"
    return f"today {'-' if count < 0 else '+'} {abs(count)} {unit}{'' if abs(count) == 1 else 's'}"
