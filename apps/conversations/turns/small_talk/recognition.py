"""Recognise messages that are no question about documents: greetings, thanks, sums, dates, questions about the
assistant.

A small classifier decides; below MIN_PROBABILITY a message is a question. Pure, a fraction of a millisecond. Entry
point: `recognise_small_talk`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from apps.conversations.tools.builtin.calculator import Calculator
from apps.conversations.tools.builtin.dates import Dates
from apps.conversations.turns.small_talk.arithmetic import read_sum
from apps.conversations.turns.small_talk.date_questions import read_date_question
from apps.engines.classify.small_talk import SmallTalkClassifier
from apps.engines.types import EngineError

log = logging.getLogger(__name__)

# Of 5,416 questions of xquad (in three languages), clapnq, cranfield and covidqa, none reaches 0.51.
MIN_PROBABILITY = 0.75

_classifier = SmallTalkClassifier()


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """Recognised message: "greeting", "thanks", "farewell", "abilities", "identity", "sum" or "date".

    Sums and dates have the name of the tool that answers them, and its expression; the others have neither.
    """

    kind: str
    tool: str = ""
    expression: str = ""


def recognise_small_talk(text: str) -> SmallTalk | None:
    """Return the recognised message; None for a question, a sum or date that cannot be read, and a slash command."""
    if not text.strip() or text.startswith("/"):
        return None
    try:
        kind, likelihood = _classifier.classify(text)
    except EngineError as error:  # then every message counts as a question
        log.error("Small talk is not recognised: %s", error)
        return None
    if likelihood < MIN_PROBABILITY:
        return None
    if kind == "sum":
        return _with_tool(kind, Calculator.name, read_sum(text))
    if kind == "date":
        return _with_tool(kind, Dates.name, read_date_question(text))
    return SmallTalk(kind)


def drop_small_talk(questions: Iterable[str]) -> list[str]:
    """Return the questions without small talk, which no follow-up refers to."""
    return [question for question in questions if recognise_small_talk(question) is None]


def _with_tool(kind: str, tool: str, expression: str) -> SmallTalk | None:
    return SmallTalk(kind, tool, expression) if expression else None
