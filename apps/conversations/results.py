"""Whether a sentence that no passage supports rests on what a tool gave, and on which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from apps.conversations.cite import Cite
from apps.conversations.facts import facts, is_amount
from apps.conversations.support import SUPPORTED, check
from apps.conversations.tools.base import Call
from apps.conversations.wrap import without_hints

NAME = 100  # characters of a tool's name that are kept


def credited(cites: list[Cite], text: str, calls: Iterable[Call]) -> list[Cite]:
    """The same citations; where they name no source, with the tool whose result says it. For `in_pool`."""
    if not cites or any(cite.source is not None for cite in cites):
        return cites
    claim = without_hints(text).strip(" \t\n*_#>|-")
    for call in calls:
        if (score := _support(claim, call)) >= SUPPORTED:
            return [replace(cites[0], tool=call.title[:NAME], score=round(score, 4))]
    return cites


def _support(claim: str, call: Call) -> float:
    """A sentence of numbers is borne out where the tool gave one of them and was given, or gave, all of them, and none
    of them is denied."""
    asked = " ".join(str(value) for value in call.arguments.values())
    told = facts(claim)
    said, gave, given = told.numbers, facts(call.text).numbers, facts(asked).numbers
    if said:
        if any(is_amount(term) for term in told.denied):  # "not 391"
            return 0.0
        return 1.0 if said & (gave - given or gave) and said <= gave | given else 0.0
    return check().judge(claim, [f"{call.title} {asked} {call.text}"]).score
