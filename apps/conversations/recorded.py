"""Words of a withheld message in what is kept of later answers: their recorded prompts repeated them, and their
searches may have been completed by them. A place stands there instead, until the words are given back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations import trace
from apps.conversations.models import Message, Trace, Withdrawn
from apps.conversations.tools import cards
from apps.lib.words import content_terms
from apps.safety.untrusted import neutralise

PLACE = "\x01{}\x01"  # with the message's id; no text that was let in holds that character
_PLACED = re.compile(r"\x01[0-9a-f]{32}\x01")
_ATTACHED = re.compile(r"Attached picture \d+: ")  # so begins what a prompt says of one


def hide(withdrawn: Sequence[Withdrawn]) -> list[Message]:
    """Their words stand in no record of another answer of the same conversations, and in no notice of what was searched
    in vain. Returns the answers whose notice says something else now."""
    for row in _records(withdrawn):
        value, changed = trace.unpack(bytes(row.data)), False
        for held in _of(row.answer, withdrawn):
            changed |= _hide(value, held, row.answer)
        if changed:
            Trace.objects.filter(pk=row.pk).update(data=trace.pack(value))
    told = _noticed(withdrawn, hiding=True)
    for held in withdrawn:
        if held.queries or held.notes:
            Withdrawn.objects.filter(pk=held.pk).update(queries=held.queries, notes=held.notes)
    return told


def overtaken(conversation: UUID, since: datetime) -> list[Message]:
    """The same of what was withheld there since then, for an answer that was being written meanwhile. Call in the
    transaction that stores it, which holds the conversation (`retracting.lock`)."""
    rows = Withdrawn.objects.filter(message__conversation=conversation, at__gte=since)
    return hide(list(rows.select_related("message")))


def give_back(withdrawn: Sequence[Withdrawn]) -> list[Message]:
    """Their words stand where they stood. Returns the answers whose notice has them again."""
    for row in _records(withdrawn):
        value, changed = trace.unpack(bytes(row.data)), False
        for held in _of(row.answer, withdrawn):
            place = _place(held)
            changed |= _put_notes(value, held, held.notes.get(str(row.pk), []))
            changed |= _swap(value, held, place, _written(held))
            if (query := held.queries.get(str(row.pk))) and (value["search"] or {}).get("query") == place:
                value["search"]["query"], changed = query, True
        if changed:
            Trace.objects.filter(pk=row.pk).update(data=trace.pack(value))
    return _noticed(withdrawn, hiding=False)


def cleared(value: dict[str, Any], withdrawn: Iterable[Withdrawn]) -> dict[str, Any]:
    """A record as it may be shown: without words of what was withheld while its answer was being written."""
    for held in withdrawn:
        _swap(value, held, _written(held), _place(held))
        _take_notes(value, held)
    return value


def notice(answer: Message) -> dict[str, Any]:
    """What its notice says of what was searched in vain; nothing where it has none."""
    found: dict[str, Any] = next((step["nothing"] for step in answer.steps if step.get("nothing")), {})
    return found


def shown(text: str) -> str:
    """With words where a place stands."""
    return _PLACED.sub(gettext("(withheld by a reviewer)"), text)


def _hide(value: dict[str, Any], held: Withdrawn, answer: Message) -> bool:
    changed = _swap(value, held, _written(held), _place(held))
    if notes := _take_notes(value, held):
        held.notes[str(answer.pk)], changed = notes, True
    query = (value["search"] or {}).get("query", "")
    if _completed(query, held, answer):
        held.queries[str(answer.pk)], changed = query, True
        value["search"]["query"] = _place(held)
    return changed


def _records(withdrawn: Sequence[Withdrawn]) -> list[Trace]:
    """Of the other answers of their conversations."""
    places = {held.message.conversation_id for held in withdrawn}
    rows = Trace.objects.filter(answer__conversation__in=places).select_related("answer__parent")
    return list(rows.exclude(answer__in=[held.pk for held in withdrawn]))


def _of(answer: Message, withdrawn: Sequence[Withdrawn]) -> list[Withdrawn]:
    """Those of its conversation."""
    return [held for held in withdrawn if held.message.conversation_id == answer.conversation_id]


def _place(held: Withdrawn) -> str:
    return PLACE.format(UUID(str(held.pk)).hex)


def _written(held: Withdrawn) -> str:
    """As a prompt has it."""
    return neutralise(held.fields["text"])


def _messages(value: dict[str, Any], role: str) -> Iterator[dict[str, Any]]:
    return (message for message in (value["prompt"] or {}).get("messages", []) if message["role"] == role)


def _swap(value: dict[str, Any], held: Withdrawn, old: str, new: str) -> bool:
    """Whether a message of the recorded prompt said it: a question at the end of one, an answer as the whole of one."""
    if not held.fields["text"]:
        return False
    role, changed, asked = str(held.message.role), False, f"Question: {old}"
    for message in _messages(value, role):
        said = message["content"]
        if role == Message.Role.ASSISTANT and said == old:
            message["content"], changed = new, True
        elif role == Message.Role.USER and said.endswith(asked):
            message["content"], changed = f"{said.removesuffix(asked)}Question: {new}", True
    return changed


def _take_notes(value: dict[str, Any], held: Withdrawn) -> list[str]:
    """Lines of the recorded prompt, taken out: what its person had a tool do, and what was told of its pictures."""
    told, place, taken = cards.told(held.fields["tools"]), _place(held), list[str]()
    for message in _messages(value, Message.Role.USER):
        own, lines = message["content"].endswith(f"Question: {place}"), message["content"].split("\n")
        for at, line in enumerate(lines):
            if line in told or (own and _ATTACHED.match(line)):
                taken.append(line)
                lines[at] = place
        message["content"] = "\n".join(lines)
    return taken


def _put_notes(value: dict[str, Any], held: Withdrawn, notes: Sequence[str]) -> bool:
    left, place = iter(notes), _place(held)
    for message in _messages(value, Message.Role.USER):
        lines = message["content"].split("\n")
        message["content"] = "\n".join(next(left, line) if line == place else line for line in lines)
    return bool(notes)


def _noticed(withdrawn: Sequence[Withdrawn], *, hiding: bool) -> list[Message]:
    """Later answers that found nothing and said what for: their notices, without those words or with them again."""
    places, changed = {held.message.conversation_id for held in withdrawn}, []
    rows = Message.objects.filter(conversation__in=places, nothing_found=True, retracted=None)
    for answer in rows.select_related("parent", "conversation"):
        searched = notice(answer)
        for held in _of(answer, withdrawn):
            said, place = searched.get("query") or "", _place(held)
            if hiding and _completed(said, held, answer):
                held.queries[str(answer.pk)] = said
                searched["query"] = place
            elif not hiding and said == place:
                searched["query"] = held.queries.get(str(answer.pk), "")
            else:
                continue
            Message.objects.filter(pk=answer.pk).update(steps=answer.steps)
            changed.append(answer)
    return changed


def _completed(query: str, held: Withdrawn, answer: Message) -> bool:
    """Whether what was searched for has words of it that the answer's own question has not."""
    own = answer.parent.text if answer.parent else ""
    return bool(set(content_terms(held.fields["text"])) & (set(content_terms(query)) - set(content_terms(own))))
