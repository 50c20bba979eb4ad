"""Words of a withheld message in the records of later answers: their prompts repeated them, and their searches may have
been completed by them. A place stands there instead, until the words are given back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations import trace
from apps.conversations.models import Message, Trace, Withdrawn
from apps.lib.words import content_terms
from apps.safety.untrusted import neutralise

PLACE = "\x01{}\x01"  # with the message's id; no text that was let in holds that character
_PLACED = re.compile(r"\x01[0-9a-f]{32}\x01")


def hide(withdrawn: Sequence[Withdrawn]) -> None:
    """Their words stand in no record of another answer of the same conversations."""
    for row in _records(withdrawn):
        value, changed = trace.unpack(bytes(row.data)), False
        for held in withdrawn:
            words, place = _written(held), _place(held)
            if held.message.conversation_id != row.answer.conversation_id or not _swap(value, held, words, place):
                continue
            changed = True
            query = (value["search"] or {}).get("query", "")
            if _completed(query, held, row.answer):
                held.queries[str(row.pk)] = query
                value["search"]["query"] = place
        if changed:
            Trace.objects.filter(pk=row.pk).update(data=trace.pack(value))
    for held in withdrawn:
        if held.queries:
            Withdrawn.objects.filter(pk=held.pk).update(queries=held.queries)


def give_back(withdrawn: Sequence[Withdrawn]) -> None:
    """Their words stand where they stood."""
    for row in _records(withdrawn):
        value, changed = trace.unpack(bytes(row.data)), False
        for held in withdrawn:
            place = _place(held)
            changed |= _swap(value, held, place, _written(held))
            if (query := held.queries.get(str(row.pk))) and (value["search"] or {}).get("query") == place:
                value["search"]["query"], changed = query, True
        if changed:
            Trace.objects.filter(pk=row.pk).update(data=trace.pack(value))


def cleared(value: dict[str, Any], withdrawn: Iterable[Withdrawn]) -> dict[str, Any]:
    """A record as it may be shown: without words of what was withheld while its answer was being written."""
    for held in withdrawn:
        _swap(value, held, _written(held), _place(held))
    return value


def shown(text: str) -> str:
    """With words where a place stands."""
    return _PLACED.sub(gettext("(withheld by a reviewer)"), text)


def _records(withdrawn: Sequence[Withdrawn]) -> list[Trace]:
    """Of the other answers of their conversations."""
    places = {held.message.conversation_id for held in withdrawn}
    rows = Trace.objects.filter(answer__conversation__in=places).select_related("answer__parent")
    return list(rows.exclude(answer__in=[held.pk for held in withdrawn]))


def _place(held: Withdrawn) -> str:
    return PLACE.format(UUID(str(held.pk)).hex)


def _written(held: Withdrawn) -> str:
    """As a prompt has it."""
    return neutralise(held.fields["text"])


def _swap(value: dict[str, Any], held: Withdrawn, old: str, new: str) -> bool:
    """Whether a message of the recorded prompt said it: a question at the end of one, an answer as the whole of one."""
    if not held.fields["text"]:
        return False
    role, changed = str(held.message.role), False
    for message in (value["prompt"] or {}).get("messages", []):
        said, asked = message["content"], f"Question: {old}"
        if message["role"] != role:
            continue
        if role == Message.Role.ASSISTANT and said == old:
            message["content"], changed = new, True
        elif role == Message.Role.USER and said.endswith(asked):
            message["content"], changed = f"{said.removesuffix(asked)}Question: {new}", True
    return changed


def _completed(query: str, held: Withdrawn, answer: Message) -> bool:
    """Whether what was searched for has words of it that the answer's own question has not."""
    own = answer.parent.text if answer.parent else ""
    return bool(set(content_terms(held.fields["text"])) & (set(content_terms(query)) - set(content_terms(own))))
