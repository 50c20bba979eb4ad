"""Normalisation of extracted and reference texts, so that they can be compared. Pure.

Tables of a Markdown reference are written as the product writes tables: one line per row, each cell with the name of
its column. The product repeats column names so that each row can be read alone; without this step they would count as
errors.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

from rapidfuzz.distance import Levenshtein

from apps.reading.parsing.common.tables import is_header, make_table_blocks

LONGEST = 200_000  # characters that are compared; the rest of a longer text resembles its beginning
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*")
_LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*\)")
_MARKS = re.compile(r"^\s*(?:#{1,6}\s+|[-*+]\s+(?:\[[ x]\]\s+)?|\d{1,3}\.\s+|>\s+)", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*\*\*|\*\*|\*|~~|(?<!\w)_|_(?!\w)|`+)")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|<>~-])")


def normalise_text(text: str, markdown: bool = False) -> str:
    """Return the words with single spaces, without markup of lists, headings, emphasis and tables."""
    if markdown:
        text = _COMMENT.sub(" ", text)
        text = "\n".join(_lines(text.split("\n")))
        text = _EMPHASIS.sub("", _LINK.sub(r"\1", _LINK.sub(r"\1", text)))
        text = html.unescape(_ESCAPE.sub(r"\1", text))
    text = _MARKS.sub("", unicodedata.normalize("NFKC", text)).replace("|", " ")
    return " ".join(text.split())[:LONGEST]


def compute_distance(one: str, other: str) -> float:
    """Return the edit distance over the longer length: 0 for equal texts, 1 for nothing in common."""
    return float(Levenshtein.normalized_distance(one, other))


def _lines(lines: list[str]) -> Iterator[str]:
    table: list[list[str]] = []
    for line in [*lines, ""]:
        if line.lstrip().startswith("|"):
            if not _RULE.fullmatch(line):
                table.append([cell.strip() for cell in line.strip().strip("|").split("|")])
            continue
        if table:
            header = table[0] if is_header(table[0]) and len(table) > 1 else None
            for block in make_table_blocks(table[1:] if header else table, header):
                yield block.text
            table = []
        yield line
