"""Write lines of a document as a Markdown answer, and cite each sentence with its place in the document.

Entry points: `begin_excerpt_answer`, `ExcerptCiter`, `escape_markdown`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.conversations.evidence import source_numbering
from apps.conversations.turns.whole_document.extracts import ExtractLine
from apps.conversations.turns.whole_document.structure import DocumentStructure, make_passage
from apps.grounding.citer import Citer, SentenceCitation
from apps.grounding.passage import Passage

if TYPE_CHECKING:
    from apps.conversations.core.numbered_sources import NumberedPassage, SourceNumbers

_SIGNS = re.compile(r"[\\`*$~]|(?<![^\W_])_|_(?![^\W_])|<(?=[\w/!])|&(?=#?\w+;)|\](?=\()")
_BEGINS = re.compile(r"([#>+=-]+|\d{1,9}(?=[.)]\s))")


@dataclass(frozen=True, slots=True)
class _Mark:
    """Stretch [start, end) of the answer, with its place in a source."""

    start: int
    end: int
    source: int
    source_start: int
    source_end: int


@dataclass(slots=True)
class ExcerptAnswer:
    """Answer made of lines of a document: its text, sources, and the source place of each line."""

    passages: list[NumberedPassage]
    text: str = ""
    marks: list[_Mark] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)  # source numbers by passage

    def add_text(self, text: str) -> None:
        """Append a paragraph of the product's own words."""
        self.text += f"{text}\n\n"

    def add(self, lines: Sequence[ExtractLine]) -> None:
        """Append the lines as items of a Markdown list."""
        for line in lines:
            self.text += f"{'  ' * line.depth}- "
            start = len(self.text)
            self.text += escape_markdown(line.text)
            if line.part is not None:
                number = self._numbers[line.part.pk]
                self.marks.append(_Mark(start, len(self.text), number, line.start, line.end))
            self.text += "\n"
        self.text += "\n"


def begin_excerpt_answer(
    structure: DocumentStructure, lines: Sequence[ExtractLine], numbers: SourceNumbers
) -> ExcerptAnswer:
    """Return an empty answer with numbered sources: the passages that hold the lines, in their order."""
    passages = source_numbering.number_passages(read_passages(structure, lines), numbers, {})
    return ExcerptAnswer(passages, _numbers={item.passage.chunk_id: item.number for item in passages})


def read_passages(structure: DocumentStructure, lines: Sequence[ExtractLine]) -> list[Passage]:
    """Return the passages that hold the lines, in their order, with spans cut to the lines."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for line in lines:
        if line.part is not None:
            spans.setdefault(line.part.pk, []).append((line.start, line.end))
    parts = {line.part.pk: line.part for line in lines if line.part is not None}
    return [make_passage(structure, [part], tuple(sorted(set(spans[pk])))) for pk, part in parts.items()]


class ExcerptCiter(Citer):
    """Citer that credits each sentence of an excerpt answer to its line; nothing is compared."""

    def __init__(self, excerpts: ExcerptAnswer) -> None:
        self.sources, self.windows = (), []  # nothing is compared
        self._marks = excerpts.marks

    def cite(self, index: int, text: str, start: int, end: int) -> list[SentenceCitation]:
        """Return the citations of the sentence; [] for the product's own words and for headings."""
        found = {mark.source: mark for mark in self._marks if mark.start < end and start < mark.end}
        return [
            SentenceCitation(index, start, end, mark.source, mark.source_start, mark.source_end, 1.0, quoted=True)
            for mark in found.values()
        ]


def escape_markdown(text: str) -> str:
    """Return the text escaped so that Markdown renders it literally."""
    escaped = _SIGNS.sub(lambda found: f"\\{found[0]}", text)
    if (begins := _BEGINS.match(escaped)) is None:
        return escaped
    number = begins[0].isdigit()  # "1." would begin a list
    return f"{begins[0]}\\{escaped[begins.end() :]}" if number else f"\\{escaped}"
