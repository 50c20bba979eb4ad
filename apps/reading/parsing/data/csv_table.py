"""Parser of CSV and similar tables: the delimiter is detected, and each row becomes a line with column names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from apps.lib.text import message_templates
from apps.reading.parsing.common.encoding import read_text
from apps.reading.parsing.common.tables import is_header, make_table_blocks
from apps.reading.parsing.protocol import ParsedBlock, ParsedItem, ParseError, ParseLimits, paginate

MAX_CELL = 1_000_000  # characters
MAX_COLUMNS = 2_000
_SAMPLE = 64 * 1024
MOST_ABOVE = 20  # lines of text above a table
ALL, MOST = 0.95, 0.6  # shares of the lines that count as all and as most of them
_DELIMITERS = ",;\t|"
_DECLARATION = re.compile(r"sep=([,;\t|])\n", re.IGNORECASE)  # first line that names the delimiter for spreadsheets


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield the pages of a CSV file. Raises ParseError."""
    text = read_text(path, limits)
    csv.field_size_limit(MAX_CELL)
    declaration = _DECLARATION.match(text)
    text = text[declaration.end() :] if declaration else text
    delimiter, columns = _detect_delimiter(text[:_SAMPLE], declaration[1] if declaration else _DELIMITERS)
    yield from paginate(_blocks(_rows(text, delimiter), columns), limits)


def _blocks(rows: Iterator[Sequence[str]], columns: int) -> Iterator[ParsedBlock]:
    """Yield the lines above the table as paragraphs, then the table."""
    first = list(islice(rows, 1))
    for _ in range(MOST_ABOVE):
        words = [cell for cell in first[0] if cell.strip()] if first else []
        if len(words) != 1 or columns < 2:
            break
        yield ParsedBlock("paragraph", words[0])
        first = list(islice(rows, 1))
    header = first[0] if first and is_header(first[0]) else None
    yield from make_table_blocks(rows if header else chain(first, rows), header)


def _rows(text: str, delimiter: str) -> Iterator[Sequence[str]]:
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(row) > MAX_COLUMNS:
                raise ParseError(message_templates.COLUMNS % {"most": f"{MAX_COLUMNS:,}"})
            if any(cell.strip() for cell in row):
                yield row
    except csv.Error as error:
        raise ParseError(
            f"A cell of this table has more than {MAX_CELL:,} characters; perhaps a quotation mark is missing. "
            "Correct it and upload it again."
        ) from error


def _detect_delimiter(sample: str, delimiters: str) -> tuple[str, int]:
    """Return the delimiter among `delimiters`, and the number of columns.

    It splits all of the first lines into the same number of columns, else most lines. Of several, it is the
    one with the most columns. Decimal commas split lines too, but not the header.
    """
    lines = [line for line in sample.splitlines()[:50] if line.strip()][:20]
    best, best_score = delimiters[0], (False, 1, 0.0)
    for delimiter in delimiters:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        common_width = max(set(widths), key=widths.count) if widths else 1
        share = widths.count(common_width) / max(1, len(widths))
        rank = share >= ALL, common_width, share
        if common_width > 1 and share >= MOST and rank > best_score:
            best, best_score = delimiter, rank
    return best, best_score[1]
