"""The messages of a file laid out as a conversation here: questions and answers that follow each other. Pure.

Other programs let two answers follow each other (around the call of a tool) or two questions (where no answer came):
those are joined. What is not said by anybody is passed over, and what hung on it hangs on what that hung on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from apps.conversations.transfer.formats.common import CHARACTERS, MESSAGES, Broken, Note, Role
from apps.lib import filled

BEGINS = "(No question: the conversation begins here.)"
_GAP = "\n\n"


@dataclass(slots=True)
class Row:
    """`parent` is the place of another row in the list, which comes before it."""

    parent: int | None
    role: Role
    parts: list[str]
    at: float | None
    model: str
    status: str
    grown: bool = False  # something hangs on it

    @property
    def text(self) -> str:
        return _GAP.join(self.parts)


@dataclass(slots=True)
class Laid:
    rows: list[Row] = field(default_factory=list)
    way: frozenset[int] = frozenset()  # the rows on which their reader was
    size: int = 0


# Where a note ended up: a row, and how many of its parts it had then.
_Place = tuple[int, int]


def laid_out(notes: Sequence[Note], current: str | None) -> Laid:
    """Raises Broken where they are no tree, too many, or nothing."""
    if len(notes) > MESSAGES:
        raise Broken(filled.MESSAGES % {"count": f"{len(notes):,}", "most": f"{MESSAGES:,}"})
    names = {note.id for note in notes}
    if len(names) < len(notes):
        raise Broken("Two messages of it have the same id.")
    below: dict[str | None, list[Note]] = defaultdict(list)
    for note in notes:
        if note.parent is not None and note.parent not in names:
            raise Broken("A message of it follows one that is not in the file.")
        below[note.parent].append(note)
    laid, places = Laid(), dict[str, _Place | None]()
    waiting = [(note, None) for note in reversed(below[None])]
    above: _Place | None
    while waiting:
        note, above = waiting.pop()
        places[note.id] = _placed(laid, note, above) if note.role else above
        waiting += [(one, places[note.id]) for one in reversed(below[note.id])]  # type: ignore[misc]
    if len(places) < len(notes):
        raise Broken("Some of its messages follow each other in a circle.")
    if not laid.rows:
        raise Broken("It holds no question and no answer.")
    laid.way = _way(laid.rows, places, current)
    return laid


def _placed(laid: Laid, note: Note, above: _Place | None) -> _Place:
    if note.role == "assistant" and above is None:
        above = _new(laid, Row(None, "user", [BEGINS], note.at, "", "complete"))
    row = laid.rows[above[0]] if above else None
    if above is None or row is None:
        return _new(laid, _row(None, note, []))
    if row.role != note.role:
        parent = above[0] if len(row.parts) == above[1] else _twin(laid, above)
        laid.rows[parent].grown = True
        return _new(laid, _row(parent, note, []))
    if row.grown or len(row.parts) != above[1]:
        return _new(laid, _row(row.parent, note, row.parts[: above[1]], row.at))
    row.parts.append(note.text)
    row.status, row.model = note.status, note.model or row.model
    _weigh(laid, len(note.text))
    return above[0], len(row.parts)


def _twin(laid: Laid, place: _Place) -> int:
    """The row as it was when only so many parts of it were there."""
    row = laid.rows[place[0]]
    return _new(laid, Row(row.parent, row.role, row.parts[: place[1]], row.at, row.model, row.status))[0]


def _row(parent: int | None, note: Note, before: list[str], at: float | None = None) -> Row:
    role: Role = note.role or "user"
    return Row(parent, role, [*before, *filter(None, [note.text])], at or note.at, note.model, note.status)


def _new(laid: Laid, row: Row) -> _Place:
    laid.rows.append(row)
    _weigh(laid, sum(map(len, row.parts)))
    return len(laid.rows) - 1, len(row.parts)


def _weigh(laid: Laid, more: int) -> None:
    laid.size += more
    if laid.size > CHARACTERS or len(laid.rows) > MESSAGES:
        raise Broken(filled.CHAT_LONG % {"characters": f"{CHARACTERS:,}", "messages": f"{MESSAGES:,}"})


def _way(rows: Sequence[Row], places: Mapping[str, _Place | None], current: str | None) -> frozenset[int]:
    place = places.get(current) if current else None
    at: int | None = place[0] if place else None
    found = set[int]()
    while at is not None:
        found.add(at)
        at = rows[at].parent
    return frozenset(found)
