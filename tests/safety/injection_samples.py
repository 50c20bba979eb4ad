"""Samples to measure the check of passages: planted instructions, and harmless passages that resemble them.

Neither the rules nor the classifiers were made from `HELD_OUT`: rules were tuned on `DEVELOPMENT`, and `HELD_OUT` was
measured once afterwards. `docs/review/classifiers.md` reports both.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple


class Case(NamedTuple):
    """Sample passage. `language` is en, de or es; `carrier` is the kind of text that contains the instruction."""

    language: str
    carrier: str
    text: str


def _rows(kind: str) -> list[Case]:
    lines = (Path(__file__).parent / "planted_orders.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, lines) if row.pop("kind") == kind]
    return [Case(**row) for row in rows]


def _placed(rows: list[Case]) -> list[Case]:
    """Return each instruction inside a passage of its language, on one line as parsers produce it."""
    hosts = {
        language: [row.text for row in _rows("host") if row.language == language] for language in ("en", "de", "es")
    }
    return [row._replace(text=hosts[row.language][at % 4].format(row.text)) for at, row in enumerate(rows)]


PLANTED, HARMLESS = _placed(_rows("order")), _rows("harmless")
DEVELOPMENT = PLANTED[::2], HARMLESS[::2]
HELD_OUT = PLANTED[1::2], HARMLESS[1::2]
