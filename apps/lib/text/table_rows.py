"""Find rows of tables, fields of forms and groups of lines in the text of a page by their shape, whatever the format of
the file. Pure.

Every parser writes a row as one line (`parsing/common/tables.py`): "Team: Blues; Cups: 1" if the columns have names,
else "Blues | 1". A line of a form holds one field or several: "Keeper: Pike | Odometer: 93,870", "Keeper: | Pike".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from apps.lib.text.sentences import BULLETS, find_sentences

_BAR = re.compile(r"\s\|\s")
_NAMED_CELL = re.compile(r"([^:;|\n]{1,100}):\s+(\S[^\n]*)")
_LINE = re.compile(r"[^\r\n]+")
_LABEL = r"(?=[^\W_])(?:[^:;|\n.!?]|\.(?=\S|\s*:)){1,40}"
_FIELD = re.compile(rf"({_LABEL}):(?!//|(?<=\d:)\d)\s*(?:\|\s+)?(\S[^|\n]*)")  # neither "14:32" nor "http://"
_AMOUNT_FIELD = re.compile(  # "Total to pay | 45.00", "2 x Rolls | EUR 1.80"
    r"([^|\n]*[^\W\d_]{3}[^|\n]*?)\s+\|\s+((?:[^\w\s]{0,2}|[A-Z]{2,3}\s)-?\d[^|\n]*)"
)
_PRICE = re.compile(  # "3,60 B", "-1.00", "$4.20", "EUR 15,00", "16,00 €"
    r"[^\w\s]{0,2}(?:[A-Z]{3}\s)?-?\d{1,9}(?:[.,]\d{3}){0,3}[.,]\d\d(?:\s?(?:[^\w\s]|[A-Z]{1,3}))?"
)
_LAST_PRICE = re.compile(rf"(?:^|\s){_PRICE.pattern}$")
_MAX_PRICE = 24  # characters of a price with its currency and the letter of its tax
_BREAK = re.compile(r"\n[^\S\n]*\n")
_SENTENCE_END = re.compile(r"[.!?:;,…。！？-][\"'”’)\]]*$")
_MAX_LABEL_WORDS = 6  # of a field
_MAX_AMOUNT_FIELD = 300  # characters; the pattern takes quadratic time
_MAX_LONE_VALUE = 120  # characters of the value of a field that has a line of its own
_MAX_SHORT_LINE = 60  # characters of a line that says something by itself, as on a ticket
_MIN_SHORT_LINES = 4  # in a row, from which a text is written in lines
_MAX_GROUP_LINES = 3


@dataclass(frozen=True, slots=True)
class RowCell:
    """Cell of a table row."""

    name: str  # of its column; "" if not known
    text: str


def parse_row(line: str) -> list[RowCell]:
    """Return the cells of a table row; [] if the line is none. Without a header, cells have no names."""
    line = " ".join(line.split())
    pieces = [(piece, _NAMED_CELL.fullmatch(piece)) for piece in line.split("; ")]
    if _BAR.search(line) and sum(bool(match) for _, match in pieces) < 2:
        return [RowCell("", part.strip()) for part in _BAR.split(line)]
    cells: list[RowCell] = []
    for piece, match in pieces:
        if match is not None:
            cells.append(RowCell(match[1].strip(), match[2].strip()))
        elif cells:  # a cell that holds "; ", or one without a name
            cells[-1] = replace(cells[-1], text=f"{cells[-1].text}; {piece}")
        else:
            cells.append(RowCell("", piece))
    return cells if sum(bool(cell.name) for cell in cells) > 1 else []


def find_rows(text: str) -> list[tuple[int, int]]:
    """Return the lines of a text that are table rows, as [start, end) in order.

    Prose may hold two colons. A line with named cells counts only if a neighbouring row begins with the same name, or
    if it has at least three cells with short names.
    """
    lines = [rows.span() for rows in _LINE.finditer(text)]
    cells = [parse_row(text[start:end]) for start, end in lines]
    rows = []
    for at, (start, end) in enumerate(lines):
        row = cells[at]
        beside = [cells[near][0].name for near in (at - 1, at + 1) if 0 <= near < len(cells) and cells[near]]
        unnamed = not any(cell.name for cell in row)
        named = len(row) > 2 and all(len(cell.name.split()) < 7 for cell in row)
        if row and (unnamed or named or row[0].name in beside):
            rows.append((start, end))
    return rows


def find_form_lines(text: str) -> list[tuple[int, int]]:
    """Return the lines of a text that hold fields of a form, as [start, end) in order.

    A single field on a line could be prose: it counts only beside another line of fields, and if its value is short.
    """
    lines = [found.span() for found in _LINE.finditer(text)]
    counts = [len(find_fields(text[start:end])) for start, end in lines]
    found = []
    for at, (start, end) in enumerate(lines):
        beside = [near for near in (at - 1, at + 1) if 0 <= near < len(lines) and counts[near]]
        if counts[at] > 1 or (counts[at] == 1 and beside and _is_lone_field(text[start:end])):
            found.append((start, end))
    return found


def find_priced_lines(text: str) -> list[tuple[int, int]]:
    """Return the lines of a text that are items with their price, as on a receipt, as [start, end) in order.

    The price stands apart at the end of its line. A single such line could be prose.
    """
    lines = [found.span() for found in _LINE.finditer(text)]
    priced = [_is_priced(text[slice(*line)]) for line in lines]
    beside = [False, *priced], [*priced[1:], False]
    return [line for line, one, *near in zip(lines, priced, *beside, strict=False) if one and any(near)]


def find_line_groups(text: str, taken: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what stands in short lines that are no prose, as on a receipt, a ticket or an envelope, as [start, end) in
    order: up to three lines each; a price and an empty line end a group.

    `taken`: lines that are something else, in order. The last line above a long one names it and is left out.
    """
    groups: list[tuple[int, int]] = []
    for lines in _find_runs_of_short_lines(text, taken):
        group: list[tuple[int, int]] = []
        for line in lines:
            if group and (len(group) == _MAX_GROUP_LINES or _BREAK.search(text, group[-1][1], line[0])):
                groups.append((group[0][0], group[-1][1]))
                group = []
            group.append(line)
            if _ends_with_price(text[slice(*line)]):
                groups.append((group[0][0], line[1]))
                group = []
        if group:
            groups.append((group[0][0], group[-1][1]))
    return groups


def _find_runs_of_short_lines(text: str, taken: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield the short lines that follow each other, where they are enough to be no headings or the end of a list."""
    run: list[tuple[int, int]] = []
    starts = {start for start, _ in taken}
    for found in _LINE.finditer(text):
        if not found.group().strip():
            continue
        if found.start() not in starts and _is_short_line(found.group()):
            run.append(found.span())
            continue
        if run and found.start() not in starts and not _BREAK.search(text, run[-1][1], found.start()):
            run.pop()  # it names what this line says
        if len(run) >= _MIN_SHORT_LINES:
            yield run
        run = []
    if len(run) >= _MIN_SHORT_LINES:
        yield run


def _is_short_line(line: str) -> bool:
    """Return whether a line may say something by itself: prose that was wrapped goes on with a small letter."""
    line = line.strip()
    return (
        len(line) <= _MAX_SHORT_LINE
        and not line[0].islower()
        and line[0] not in BULLETS + "*-#"
        and not (_SENTENCE_END.search(line))
    )


def _ends_with_price(line: str) -> bool:
    return _LAST_PRICE.search(line.rstrip()[-_MAX_PRICE:]) is not None


def _is_priced(line: str) -> bool:
    """Return whether a line ends with a price that stands apart from the name of an item."""
    line = line.strip().replace("\t", "  ")
    item, apart, price = line.rpartition("  ")
    return (
        bool(apart)
        and len(price) <= _MAX_PRICE
        and _PRICE.fullmatch(price.strip()) is not None
        and any(char.isalpha() for char in item)
    )


def find_fields(line: str) -> list[tuple[int, int]]:
    """Return the fields of a line of a form as [start, end) in order; [] if any part of the line is no field."""
    edges = [0, *(edge for bar in _BAR.finditer(line) for edge in bar.span()), len(line)]
    cells = list(zip(edges[::2], edges[1::2], strict=True))
    pairs = [(label[0], value[1]) for label, value in zip(cells[::2], cells[1::2], strict=False)]
    if len(cells) % 2 == 0 and all(line[slice(*label)].rstrip().endswith(":") for label in cells[::2]):
        cells = pairs
    return cells if all(_parse_labelled(line[slice(*cell)]) for cell in cells) else []


def parse_field(text: str) -> RowCell | None:
    """Return label and value of a field, "Odometer: 93,870" or "Total | 45.00"; None if the text is none."""
    text = " ".join(text.split())
    amount = _AMOUNT_FIELD.fullmatch(text) if len(text) <= _MAX_AMOUNT_FIELD else None
    return _parse_labelled(text) or (RowCell(amount[1].strip(), amount[2].strip()) if amount else None)


def _parse_labelled(text: str) -> RowCell | None:
    """Return label and value of a field whose label ends with a colon; None for anything else."""
    text = " ".join(text.split())
    match = _FIELD.fullmatch(text)
    if (
        match is None
        or len(match[1].split()) > _MAX_LABEL_WORDS
        or sum(bool(cell.name) for cell in parse_row(text)) > 1
    ):
        return None
    return RowCell(match[1].strip(), match[2].strip())


def _is_lone_field(line: str) -> bool:
    match = _FIELD.fullmatch(line.strip())
    return (
        match is not None
        and not match[1][0].islower()
        and len(match[2]) <= _MAX_LONE_VALUE
        and not match[2].endswith(".")
        and len(find_sentences(match[2])) == 1
    )


def is_header(line: str, below: str) -> bool:
    """Return whether a row without names only names the columns of the row below it."""
    cells, named = parse_row(line), {cell.name for cell in parse_row(below) if cell.name}
    return len(named) > 1 and bool(cells) and named <= {cell.text for cell in cells if not cell.name}


def split_sentences_and_rows(text: str) -> list[tuple[int, int]]:
    """Return the sentences of a text as [start, end) in order; each table row is one of its own."""
    spans, done = [], 0
    for start, end in find_rows(text):
        spans += [(done + left, done + right) for left, right in find_sentences(text[done:start])]
        spans.append((start, end))
        done = end
    return spans + [(done + left, done + right) for left, right in find_sentences(text[done:])]
