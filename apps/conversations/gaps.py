"""Spans of a question or an answer that reviewers take out, and put back: of the message, its copies, and the cards of
its tools; turn logs forget it, and open pages read it again. Case subjects are answers: a question is what was asked
there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from apps.conversations import retracting
from apps.conversations.models import Message, Withdrawn
from apps.safety import redacting


def cut(kind: str, subject: str, wanted: Sequence[str]) -> dict[str, Any]:
    """Gaps are where these stand; by message what `fill` needs, empty where none of them stands there. Call inside the
    transaction of the decision."""
    message = Message.objects.filter(pk=subject).select_related("parent").first()
    if message is not None and kind == retracting.QUESTION:
        message = message.parent
    if message is None or not redacting.places(message.text, wanted):
        return {}
    found = Message.objects.select_for_update(of=("self",)).filter(pk__in=retracting.family([message]), retracted=None)
    rows = list(found.select_related("parent", "conversation"))
    before = {str(row.pk): _cut(row, wanted) for row in rows}
    retracting.tell(rows, None)
    return before


def fill(before: dict[str, Any]) -> None:
    """What stood in the gaps stands there again; of what is withheld by now, once that is given back."""
    rows = list(Message.objects.filter(pk__in=before).select_related("parent", "conversation"))
    for row in rows:
        if row.retracted is None:
            Message.objects.filter(pk=row.pk).update(**_filled(row.text, row.tools, before[str(row.pk)]))
        elif (held := Withdrawn.objects.filter(pk=row.pk).first()) is not None:
            whole = _filled(held.fields["text"], held.fields["tools"], before[str(row.pk)])
            Withdrawn.objects.filter(pk=row.pk).update(fields={**held.fields, **whole})
    retracting.tell([row for row in rows if row.retracted is None], None)


def _cut(row: Message, wanted: Sequence[str]) -> dict[str, Any]:
    text, gaps = redacting.cut(row.text, redacting.places(row.text, wanted))
    cards: list[redacting.Gaps] = []
    tools = _walked(row.tools, partial(_cut_one, wanted, cards))
    Message.objects.filter(pk=row.pk).update(text=text, tools=tools)
    return {"gaps": gaps, "tools": cards}


def _cut_one(wanted: Sequence[str], kept: list[redacting.Gaps], said: str) -> str:
    text, gaps = redacting.cut(said, redacting.places(said, wanted))
    kept.append(gaps)
    return text


def _filled(text: str, tools: list[Any], before: dict[str, Any]) -> dict[str, Any]:
    kept = iter(before["tools"])
    cards = _walked(tools, lambda said: redacting.filled(said, next(kept, [])))
    return {"text": redacting.filled(text, before["gaps"]), "tools": cards}


def _walked(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with each of its texts changed, always in the same order."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_walked(item, change) for item in value]
    return {key: _walked(value[key], change) for key in sorted(value)} if isinstance(value, dict) else value
