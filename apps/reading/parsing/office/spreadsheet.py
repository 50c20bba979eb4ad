"""Parser of workbooks by calamine (XLSX, XLSM, XLSB, XLS, ODS): a page per sheet, a line per row with column names."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from apps.lib.text import message_templates
from apps.reading.parsing.common.tables import begins_as_number, is_form, is_header, make_form_blocks, make_table_blocks
from apps.reading.parsing.office.hidden_cells import HiddenCells, find_hidden_cells
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    PageCount,
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    ParseNotice,
    paginate_units,
)

LOCKED = "This workbook is protected by a password. Save a copy without the password and upload that."
DAMAGED = "This workbook is damaged or was cut off during a transfer. Open it, save it again and upload that."
UNUSUAL = "This workbook is damaged or has an unusual version. Open it, save it as .xlsx and upload that."
MAX_SHEETS = 500
MAX_CELLS = 5_000_000  # of one sheet; a file of a few kilobytes may declare billions

MOST_NOTES = 10  # rows above a table that are notes
MOST_COPIES = 1_000_000  # repetitions of merged cells in one sheet

Row = Sequence[str]
Merged = tuple[tuple[int, int], tuple[int, int]]  # row and column of the first cell and of the last


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield pages and notices of a workbook. Raises ParseError."""
    try:
        book = CalamineWorkbook.from_path(path)
    except PasswordError as error:
        raise ParseError(LOCKED) from error
    except (CalamineError, OSError) as error:
        raise ParseError(LOCKED if "password" in str(error).lower() else DAMAGED) from error
    except BaseException as error:  # calamine's PanicException is not an Exception
        if type(error).__name__ != "PanicException":
            raise
        raise ParseError(UNUSUAL) from error
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet][:MAX_SHEETS]
    visible_names = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    yield PageCount(len(visible_names))
    marks = find_hidden_cells(path)
    yield from paginate_units((_blocks(book, name, marks.get(name)) for name in visible_names), limits)
    if hidden := len(sheets) - len(visible_names):
        yield ParseNotice(message_templates.SHEETS_HIDDEN % {"count": hidden})
    if any(marks.get(name) for name in visible_names):
        yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)


def _blocks(book: CalamineWorkbook, name: str, marks: HiddenCells | None) -> Iterator[ParsedBlock]:
    try:
        sheet = book.get_sheet_by_name(name)
    except CalamineError as error:
        raise ParseError(DAMAGED) from error
    if sheet.total_height * sheet.total_width > MAX_CELLS:
        raise ParseError(message_templates.CELLS % {"name": name[:80], "most": f"{MAX_CELLS:,}"})
    rows = [[_words(cell) for cell in row] for row in sheet.to_python(skip_empty_area=True)]
    top, left = sheet.start or (0, 0)
    if marks:
        rows = [
            ["" if marks.hides(top + at, left + column) else cell for column, cell in enumerate(row)]
            for at, row in enumerate(rows)
        ]
    fill_merged_cells(rows, sheet.merged_cell_ranges or (), (top, left))
    rows = [row for at, row in enumerate(rows) if not (marks and top + at in marks.rows)]  # as empty, they split tables
    yield ParsedBlock("heading", name, 1)
    for holds, group in groupby(rows, key=any):
        if holds:
            yield from _table(list(group))


def _table(rows: list[list[str]]) -> Iterator[ParsedBlock]:
    """Yield a group of rows without an empty one: lines above the table, then the table with its column names."""
    used = [at for at in range(max(map(len, rows))) if any(row[at] for row in rows if at < len(row))]
    cut: list[Row] = [[row[at] if at < len(row) else "" for at in used] for row in rows]
    while cut and (len(used) > 1 or len(cut) == 1) and sum(map(bool, cut[0])) == 1:
        yield ParsedBlock("paragraph", next(filter(None, cut[0])))
        cut = cut[1:]
    if is_form(cut):
        yield from make_form_blocks(cut)
        return
    if (joined := _joined(cut)) is not None:
        cut = [joined, *cut[2:]]
    named = find_column_names(cut)
    start, end = (0, len(cut)) if named else find_table_below_notes(cut)
    if start:
        named = cut[start]
    yield from map(_note, cut[:start])
    yield from make_table_blocks(cut[start + bool(named) : end], named)
    yield from map(_note, cut[end:])


def _note(row: Row) -> ParsedBlock:
    """Return a row of notes beside a table as text; merged cells count once."""
    return ParsedBlock("paragraph", " ".join(dict.fromkeys(filter(None, row))))


def find_table_below_notes(rows: Sequence[Row]) -> tuple[int, int]:
    """Return where a table begins below notes, with the row of its column names, and where it ends; 0 and the number of
    rows if there are no such notes.

    A row names the columns if it fills them all, and one of them holds only numbers below it and none above it.
    """
    for start in range(1, min(MOST_NOTES, len(rows) - 1)):
        head = rows[start]
        numbers = [at for at, cell in enumerate(rows[start + 1]) if begins_as_number(cell)]
        if not (all(head) and is_header(head) and numbers):
            continue
        data = rows[start + 1 :]
        size = max(
            at for at, row in enumerate(data, start=1) if any(begins_as_number(row[column]) for column in numbers)
        )
        for column in numbers:
            cells = [row[column] for row in data[:size] if row[column]]
            others = [row[column] for row in rows[: start + 1]]
            if all(map(begins_as_number, cells)) and not any(map(begins_as_number, others)):
                return start, start + 1 + size
    return 0, len(rows)


def fill_merged_cells(rows: list[list[str]], merged: Iterable[Merged], start: tuple[int, int]) -> None:
    """Repeat merged cells in place: over all rows they span, and over columns if several cells stand below.

    The latter makes a spanning header part of the column names. `start` is (row, column) of the first cell in `rows`.
    """
    left = MOST_COPIES
    for (top, first), (bottom, last) in merged:
        here, column = top - start[0], first - start[1]
        if not (0 <= here < len(rows) and 0 <= column < len(rows[here]) and rows[here][column]):
            continue
        words, below = rows[here][column], rows[here + 1 : here + bottom - top + 2]
        columns = slice(column, column + last - first + 1)
        left -= len(below) + len(rows[here][columns])
        if left < 0:
            return
        for row in below[: bottom - top]:
            row[column] = words
        if bottom == top and below and sum(map(bool, below[0][columns])) > 1 and sum(map(bool, rows[here])) > 1:
            rows[here][columns] = [words] * len(rows[here][columns])


def _joined(rows: Sequence[Row]) -> Row | None:
    """Return two header rows joined, if cells of the first span several of the second: "2024 In" of "2024" over
    "In"."""
    if len(rows) < 3 or len(set(filter(None, rows[0]))) == sum(map(bool, rows[0])):
        return None
    headers = [" ".join(dict.fromkeys(filter(None, pair))) for pair in zip(*rows[:2], strict=True)]
    sure = all(map(bool, rows[1])) and is_header([f"under {cell}" for cell in headers]) and not any(map(_year, rows[1]))
    return headers if sure and not any(map(str.isdecimal, rows[1])) else None


def find_column_names(rows: Sequence[Row]) -> Row | None:
    """Return the first row if it names the columns: words, all different; the corner may be empty. None otherwise."""
    if len(rows) < 2:
        return None
    first = rows[0]
    if is_header(first):
        return first
    corner = [f"\0{at}" if not cell and at == 0 else cell for at, cell in enumerate(first)]
    years = [cell if not _year(cell) else f"in {cell}" for cell in corner]
    return first if is_header(years) and not _have_same_shape(rows) else None


def _year(cell: str) -> bool:
    return cell.isdecimal() and 1900 <= int(cell[:9]) <= 2100


def _have_same_shape(rows: Sequence[Row]) -> bool:
    """Return whether the second row looks like the first, as in a table without header."""
    return len(rows) > 1 and all(
        bool(one) == bool(two) and _year(one) == _year(two) for one, two in zip(*rows[:2], strict=False)
    )


def _words(cell: Any) -> str:
    """Return a cell about as a reader sees it: whole numbers without decimals, dates in ISO format."""
    match cell:
        case str():
            return cell.strip()
        case bool():
            return "TRUE" if cell else "FALSE"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.12g}"
        case datetime.datetime():
            return cell.isoformat(" ", "minutes") if (cell.hour, cell.minute) != (0, 0) else cell.date().isoformat()
        case datetime.date():
            return cell.isoformat()
        case datetime.time():
            return cell.isoformat("minutes")
        case datetime.timedelta():
            return str(cell)
        case _:
            return str(cell).strip()
