"""CSV and its relatives: the delimiter is found by looking, each row becomes a line with the names of its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from apps.documents.parsers.base import Limits, Parsed, Unreadable, paginate
from apps.documents.parsers.decode import read_text
from apps.documents.parsers.tables import is_header, table_blocks
from apps.lib import filled

MAX_CELL = 1_000_000  # characters
MAX_COLUMNS = 2_000
_SAMPLE = 64 * 1024
_DELIMITERS = ",;\t|"


def parse(path: str, limits: Limits) -> Iterator[Parsed]:
    text = read_text(path, limits)
    csv.field_size_limit(MAX_CELL)
    rows = _rows(text, _dialect(text[:_SAMPLE]))
    first = list(islice(rows, 1))
    header = first[0] if first and is_header(first[0]) else None
    body = rows if header else chain(first, rows)
    yield from paginate(table_blocks(body, header), limits)


def _rows(text: str, dialect: type[csv.Dialect]) -> Iterator[Sequence[str]]:
    try:
        for row in csv.reader(io.StringIO(text, newline=""), dialect):
            if len(row) > MAX_COLUMNS:
                raise Unreadable(filled.COLUMNS % {"most": f"{MAX_COLUMNS:,}"})
            if any(cell.strip() for cell in row):
                yield row
    except csv.Error as error:
        raise Unreadable(
            f"A cell of this table has more than {MAX_CELL:,} characters; perhaps a quotation mark is missing. "
            "Correct it and upload it again."
        ) from error


def _dialect(sample: str) -> type[csv.Dialect]:
    """The delimiter that parts the first lines into the most columns of one number; commas where none does."""
    lines = [line for line in sample.splitlines()[:50] if line.strip()][:20]
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        usual = max(set(widths), key=widths.count) if widths else 1
        if usual > most and widths.count(usual) >= 0.6 * len(widths):
            best, most = delimiter, usual

    class Found(csv.excel):
        delimiter = best

    return Found
