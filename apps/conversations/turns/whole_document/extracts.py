"""Make extracts of a document without a model: an outline, a list. Each line stands in the document.

Entry points: `outline`, `list_entries`. They return lines; `excerpt_writer.py` makes an answer of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz

from apps.conversations.turns.whole_document.structure import (
    DocumentPart,
    DocumentStructure,
    SectionHeading,
)
from apps.grounding.quotable_runs import QuotableRun, split_runs
from apps.lib.text.analyzer import extract_content_terms
from apps.lib.text.table_rows import parse_row
from apps.lib.text.text_normalization import normalize_text

MAX_OUTLINE = 60  # headings
MAX_ENTRIES = 60  # entries of a list
_LEAST_HEADINGS = 3  # fewer make no structure
_COVERED = 0.6  # share of the wanted words that the name of a list must hold
_WORTH = (1.0, 0.95, 0.7)  # weight of: intro or columns of a list, heading above it, headings further above
_NEARLY = 0.06  # a list this much worse is used too if the best has fewer than _LEAST_ENTRIES
_LEAST_ENTRIES = 2
_INTRO_WORDS = 18  # words of an intro that names a list, at most
_STEM = 5  # letters that words of one family share
_ALIKE = 85  # similarity, of 100, from which two words count as one


@dataclass(frozen=True, slots=True)
class ExtractLine:
    """Line of an extract: text that stands at [start, end) of its page. `depth` counts levels from 0.

    `part` is the searchable passage with the line; None if no passage holds it.
    """

    text: str
    part: DocumentPart | None
    start: int
    end: int
    depth: int = 0


def outline(structure: DocumentStructure) -> tuple[list[ExtractLine], int]:
    """Return the headings down to the deepest level at which MAX_OUTLINE suffice, and how many are left out."""
    levels = sorted({heading.level for heading in structure.headings})
    deepest = levels[0] if levels else 0
    for level in levels:
        if sum(heading.level <= level for heading in structure.headings) <= MAX_OUTLINE:
            deepest = level
    shown = [heading for heading in structure.headings if heading.level <= deepest]
    lines = [_heading_line(structure, heading, levels) for heading in shown[:MAX_OUTLINE]]
    return lines, len(structure.headings) - len(lines)


def list_entries(structure: DocumentStructure, subject: Sequence[str]) -> tuple[list[ExtractLine], int]:
    """Return the items, rows and headings that stand under a name of the subject, and the number of further ones.

    [] if no list has such a name.
    """
    wanted = sorted(set(extract_content_terms(" ".join(subject))))
    groups = [(_score_names(wanted, names), lines) for names, lines in _iterate_lists(structure)]
    best = max((value for value, _ in groups), default=0.0)
    if best < _COVERED:
        return [], 0
    for least in (best, best - _NEARLY):
        first: dict[str, ExtractLine] = {}
        for line in (line for value, lines in groups if value >= least for line in lines):
            first.setdefault(line.text, line)
        if len(first) >= _LEAST_ENTRIES:
            return list(first.values())[:MAX_ENTRIES], max(0, len(first) - MAX_ENTRIES)
    return [], 0


def _iterate_runs(
    structure: DocumentStructure, part: DocumentPart, start: int, end: int
) -> Iterator[tuple[QuotableRun, int, int, str]]:
    """Yield the quotable runs of a stretch, each with its place and text on the page."""
    page = structure.pages.get(part.page, "")
    for run in split_runs(page[start:end], part.heading, page_begins=not start):
        left, right = start + run.start, start + run.end
        yield run, left, right, page[left:right]


def _heading_line(structure: DocumentStructure, heading: SectionHeading, levels: Sequence[int]) -> ExtractLine:
    part = structure.part_at(heading.page, heading.start)
    return ExtractLine(heading.text, part, heading.start, heading.end, levels.index(heading.level))


def _iterate_lists(structure: DocumentStructure) -> Iterator[tuple[list[str], list[ExtractLine]]]:
    """Yield the lists of the document, each with its names: its intro or column names, then the headings above it.

    The nearest name comes first.
    """
    yield from _iterate_heading_lists(structure)
    title = str(structure.document)
    for part in structure.parts:
        above = structure.path((part.page, part.start + 1)) or part.heading.split(" › ")
        above = above[::-1]
        names: list[str] = []
        lines: list[ExtractLine] = []
        for run, left, right, text in _iterate_runs(structure, part, part.start, part.end):
            if run.kind != "item" and not run.has_labels:
                continue
            own = _own_names(structure, part, run, text)
            if lines and own != names:
                yield [" ".join(names), *above[:1], " ".join([*above[1:], title])], lines
                lines = []
            names = own
            lines.append(ExtractLine(normalize_text(text), part, left, right))
        if lines:
            yield [" ".join(names), *above[:1], " ".join([*above[1:], title])], lines


def _own_names(structure: DocumentStructure, part: DocumentPart, run: QuotableRun, text: str) -> list[str]:
    if run.kind == "row":
        return [cell.name for cell in parse_row(text) if cell.name]
    if not run.intro:
        return []
    page = structure.pages.get(part.page, "")
    intro = normalize_text(page[part.start + run.intro[0] : part.start + run.intro[1]])
    return [intro] if len(intro.split()) <= _INTRO_WORDS else []


def _iterate_heading_lists(structure: DocumentStructure) -> Iterator[tuple[list[str], list[ExtractLine]]]:
    """Yield the headings directly below another one as a list with its name ("Commands" with each command)."""
    levels = sorted({heading.level for heading in structure.headings})
    for at, heading in enumerate(structure.headings):
        below = list[SectionHeading]()
        for other in structure.headings[at + 1 :]:
            if other.level <= heading.level:
                break
            below.append(other)
        top = min((other.level for other in below), default=0)
        lines = [_heading_line(structure, other, levels) for other in below if other.level == top]
        if len(lines) >= _LEAST_HEADINGS:
            yield [heading.text], [replace(line, depth=0) for line in lines]


def _score_names(wanted: Sequence[str], names: Sequence[str]) -> float:
    """Return how well the names match, 0 to 1: the share of wanted words, less for names further above the list."""
    best = 0.0
    for worth, name in zip(_WORTH, names, strict=False):
        own = extract_content_terms(name)
        share = sum(any(_is_related(word, other) for other in own) for word in wanted) / max(1, len(wanted))
        best = max(best, share * worth)
    return best


def _is_related(one: str, other: str) -> bool:
    return one == other or (len(one) >= _STEM and one[:_STEM] == other[:_STEM] and fuzz.ratio(one, other) >= _ALIKE)
