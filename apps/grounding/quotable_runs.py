"""Cut a passage into what may be quoted: sentences with what they need to be read alone, and rows of tables.

`split_runs` cuts a passage by its layout: a list item comes with the line that introduces the list, or its heading; the
sentences of a definition with their term. Each row of a table, each field of a form and each group of short lines is a
run of its own, with the first field of its record. Running heads, names of columns, tables of contents, lists of links
and noise are left out. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from apps.grounding import quote_limits as limits
from apps.lib.text.analyzer import extract_terms
from apps.lib.text.identifiers import PART_WORDS
from apps.lib.text.sentences import BULLETS, find_sentences
from apps.lib.text.table_rows import (
    RowCell,
    find_fields,
    find_form_lines,
    find_line_groups,
    find_priced_lines,
    find_rows,
    is_header,
    parse_field,
    parse_row,
)
from apps.lib.text.text_normalization import normalize_text
from apps.lib.text.toc_detection import has_page_leader, is_toc_or_noise

Span = tuple[int, int]

_LINE = re.compile(r"[^\r\n]+")
_GAP = re.compile(r"\n[^\S\n]*\n")
_ITEM = re.compile(rf"\s*(?:[{BULLETS}—*+-]|\(?(?:\d{{1,3}}|[a-zA-Z]|[ivx]{{1,4}})[.)])\s")
_BULLET = re.compile(rf"[{BULLETS}*-]\s+")  # of a list: no part of what is said
_REFERENCE = re.compile(  # "(Section 2.1) ", "(See Table 3.) ", "(§ 312g BGB) ": of the sentence before
    rf"\((?i:§|(?:see|cf|siehe|vgl|véase|ver)\b|(?:(?:sect|tab|fig|chap|app|art|abs|abb)\.|(?:{PART_WORDS})s?)\s+\d)"
    r"[^()\n]{0,40}\)\s+(?=\S)"
)
_SECTION = re.compile(r"^(?:\d{1,3}|[a-z])(?:\.\d{1,3})*\.?\s+")  # "5.6.9. ", where the number is a line of its own
_ENDS = re.compile(r"[.!?:;…。！？][\"'”’)\]]*$")
_ELSEWHERE = re.compile(  # sections that only name other texts
    r"(?:\d[\d.]*\s+)?(?:see also|external links|further reading|siehe auch|weblinks|véase también|enlaces externos)",
    re.IGNORECASE,
)
_CAPTION = re.compile(
    r"(?:fig(?:ure|\.)|table|abb(?:ildung|\.)|tab(?:elle|\.)|figura|tabla|cuadro|gráfico)\s+\d", re.IGNORECASE
)
_STANDS_APART = frozenset({"row", "field", "line", "heading"})  # kinds of runs that belong to no paragraph
_HEAD = re.compile(r"(?:\S.{0,90}\s)?(?:\d{1,4}(?: ?/ ?\d{1,4})?|[ivxlc]{1,6})|\d{1,4}\s.{1,90}")


@dataclass(frozen=True, slots=True)
class QuotableRun:
    """Sentence, row or field that may be quoted, [start, end) in the text of its passage.

    `lead` is what it is quoted with: the introducing line or the heading of a list, the term of a definition, the first
    field of the record that a row or field belongs to. `lead_text` is the lead with which it is weighed, also where it
    need not be shown. `block` counts paragraphs; neighbours share it.
    """

    start: int
    end: int
    kind: str  # "sentence" | "item" | "row" | "field" | "line"; inside this module also "term" and "heading"
    block: int
    lead: Span | None = None
    lead_text: str = ""
    intro: Span | tuple[()] = ()  # of the list that it introduces or belongs to

    @property
    def has_labels(self) -> bool:
        """True for a row, a field or lines, which are quoted alone."""
        return self.kind in ("row", "field", "line")

    @property
    def reads_alone(self) -> bool:
        """True for a field, or lines without names of columns, which say all that they say by themselves."""
        return self.kind in ("field", "line")


def split_runs(text: str, heading: str = "", *, page_begins: bool = False) -> list[QuotableRun]:
    """Return what may be quoted of a passage, in order. `heading` is its path of headings, joined by " › ";
    `page_begins`: the passage begins where its page does, and may begin with a running head."""
    path = normalize_text(heading).casefold().split(" › ")
    if _ELSEWHERE.fullmatch(path[-1]):
        return []
    headings = frozenset((*path, *(_SECTION.sub("", name) for name in path)))
    name = _find_page_name(text) if page_begins and not heading else None
    runs: list[QuotableRun] = []
    for run in _number(text, _cut(text, headings, name, page_begins=page_begins)):
        if run.has_labels or run.kind == "heading" or not is_toc_or_noise(text[run.start : run.end]):
            runs.append(run)
    runs = list(_add_subjects(text, runs, name, page_begins))
    return [run for run in _lead(text, runs) if run.kind not in ("term", "heading")]


def _cut(text: str, headings: frozenset[str], name: Span | None, *, page_begins: bool) -> Iterator[QuotableRun]:
    done, first = 0, page_begins
    led = [found.span() for found in _LINE.finditer(text) if has_page_leader(found.group())]
    forms = [line for line in find_form_lines(text) if normalize_text(text[slice(*line)]).casefold() not in headings]
    lines = sorted({*find_rows(text), *forms, *find_priced_lines(text), *led})
    named = [found.span() for found in _LINE.finditer(text) if _is_heading(text, found.span(), headings, top=False)]
    groups = find_line_groups(text, sorted({*lines, *named, *([name] if name else [])}))
    rows = sorted([*lines, *groups])
    for at, (start, end) in enumerate(rows):
        yield from _cut_prose(text, done, start, headings, page_begins=first)
        first, done = False, end
        if at + 1 < len(rows) and is_header(text[start:end], text[slice(*rows[at + 1])]):
            continue
        if has_page_leader(text[start:end]):
            continue
        if fields := find_fields(text[start:end]):
            for left, right in fields:
                yield QuotableRun(start + left, start + right, "field", 0)
        elif not is_toc_or_noise(text[start:end]):
            has_names = any(cell.name for cell in parse_row(text[start:end]))
            yield QuotableRun(start, end, "row" if has_names else "line", 0)
    yield from _cut_prose(text, done, len(text), headings, page_begins=first)


def _cut_prose(
    text: str, start: int, end: int, headings: frozenset[str], *, page_begins: bool
) -> Iterator[QuotableRun]:
    """Yield sentences, list items and terms of running text. Lines that a sentence is glued to are cut off."""
    for left, right in find_sentences(text[start:end]):
        left, right = start + left, start + right
        lines = [(left + found.start(), left + found.end()) for found in _LINE.finditer(text[left:right])]
        while lines and _is_heading(text, lines[0], headings, top=page_begins):
            page_begins = False
            heading = lines.pop(0)
            if normalize_text(text[slice(*heading)]).casefold() in headings:
                yield QuotableRun(*heading, "heading", 0)
        page_begins = False
        if not lines:
            continue
        if (item := _find_short_item(text, lines)) is not None:
            yield QuotableRun(*item, "term" if _is_title(text[slice(*item)].split()) else "item", 0)
            lines.pop(0)
        prose_count = _count_before_terms(text, lines)
        left, right = lines[0][0], lines[prose_count - 1][1]
        listed = _ITEM.match(text, left, right) is not None
        if prose_count == 1 and not listed and _is_term(text[left:right]):
            yield QuotableRun(left, right, "term", 0)
        else:
            if (unquoted := (_BULLET.match(text, left, right) or _REFERENCE.match(text, left, right))) is not None:
                left = unquoted.end()
            yield QuotableRun(left, right, "item" if listed else "sentence", 0)
        for line in lines[prose_count:]:
            yield QuotableRun(*line, "term", 0)


def _is_heading(text: str, line: Span, headings: frozenset[str], *, top: bool) -> bool:
    words = normalize_text(text[slice(*line)])
    if not words or words[0] == "#" or words.casefold() in headings:
        return True
    return (
        top
        and len(words) <= limits.MAX_RUNNING_HEAD_CHARACTERS
        and not _ENDS.search(words)
        and _HEAD.fullmatch(words) is not None
    )


def _find_short_item(text: str, lines: Sequence[Span]) -> Span | None:
    """Return the words of a list item that ends with its first line, without a full stop; None where it goes on.

    A wrapped line is about as long as the one below it; a shorter one above a capital letter was not wrapped.
    """
    if len(lines) < 2 or (bullet := _BULLET.match(text, *lines[0])) is None:
        return None
    first = text[slice(*lines[0])].rstrip()
    second = text[lines[1][0] :].partition("\n")[0]  # with what follows the sentence in its line
    ends = (
        len(first) < limits.MAX_UNWRAPPED_SHARE * len(second)
        and second[0].isupper()
        and not first.endswith((",", ":", ";", "-"))
    )
    return (bullet.end(), lines[0][1]) if ends else None


def _is_title(words: list[str]) -> bool:
    """Return whether all but the short words begin with a capital letter ("Maximum Number Of Columns")."""
    names = [word for word in words if len(word) > limits.SMALL_TITLE_WORD_LETTERS or word[0].isupper()]
    return len(names) > 1 and len(words) <= limits.MAX_TERM_WORDS and all(word[0].isupper() for word in names)


def _count_before_terms(text: str, lines: Sequence[Span]) -> int:
    """Return how many lines of a sentence are its own: the last two may name what comes next, where the line before
    them had ended the sentence."""
    for count in range(max(1, len(lines) - 2), len(lines)):
        named = all(_is_term(text[slice(*line)]) for line in lines[count:])
        if named and _ENDS.search(text[slice(*lines[count - 1])].rstrip()):
            return count
    return len(lines)


def _is_term(line: str) -> bool:
    words = line.split()
    return (
        bool(words)
        and len(words) <= limits.MAX_TERM_WORDS
        and len(line) <= limits.MAX_TERM_CHARACTERS
        and not _ENDS.search(line.rstrip())
    )


def _number(text: str, runs: Iterator[QuotableRun]) -> Iterator[QuotableRun]:
    """Yield the runs with the number of their paragraph: an empty line, a row or a term begins a new one."""
    block, done, before = 0, 0, ""
    for run in runs:
        apart = _STANDS_APART & {run.kind, before} or run.kind == "term"
        if _GAP.search(text, done, run.start) or apart:
            block += 1
        done, before = run.end, run.kind
        yield replace(run, block=block)


def _find_page_name(text: str) -> Span | None:
    """Return the first line of a page without headings, if it may name what is on it, as on a receipt."""
    line = _LINE.search(text, len(text) - len(text.lstrip()))
    return line.span() if line and _is_term(line.group()) and not find_rows(line.group()) else None


def _add_subjects(text: str, runs: Sequence[QuotableRun], name: Span | None, known: bool) -> Iterator[QuotableRun]:
    """Yield the runs, rows and fields with what their record is about as lead: its first field, else the page's `name`.

    A record begins with its page or below a heading, and again where the label of its first field comes again. Fields
    below further headings still belong to it, rows and lines do not. A record that begins before the passage is not
    `known`.
    """
    subject, label, below_heading = name, "", False
    for run in runs:
        span = (run.start, run.end)
        if run.kind == "heading":
            known, below_heading = True, subject is not None
        if run.kind == "field" and known:
            own = text[slice(*span)].partition(":")[0]
            if not label or own == label:
                subject, label, below_heading = span, own, False
        belongs = run.kind == "field" or (run.kind in ("row", "line") and not below_heading)
        yield replace(run, lead=subject) if subject and belongs and span != subject else run


def _lead(text: str, runs: Sequence[QuotableRun]) -> Iterator[QuotableRun]:
    """Yield the runs with their leads. A term reaches to the end of the paragraph that follows it; a caption names
    nothing in the text below it. A heading leads the items just below it that are no sentences."""
    intro: Span | None = None  # of the list that is open
    heading: Span | None = None  # just above the list that is open
    term: Span | None = None
    term_distance = block = 0  # sentences since the term; the paragraph that explains it
    for run in runs:
        span = (run.start, run.end)
        if run.kind == "term":
            term, intro, term_distance = None if _CAPTION.match(text, run.start) else span, None, 0
            yield run
            continue
        if run.kind == "heading" or run.has_labels:
            yield replace(run, lead_text=normalize_text(text[slice(*run.lead)]) if run.lead else "")
            term = intro = None
            heading = span if run.kind == "heading" else None
            continue
        if run.kind == "item" and not intro and not _ENDS.search(text[slice(*span)]):
            intro = heading
        block = run.block if term_distance == 0 else block
        if run.block != block or term_distance >= limits.TERM_REACH:
            term = None
        lead = intro if run.kind == "item" else term
        lead_text = normalize_text(text[slice(*lead)]) if lead else ""
        repeats_text = (
            lead is not None
            and term_distance > 0
            and set(extract_terms(lead_text)) <= set(extract_terms(text[slice(*span)]))
        )
        if run.kind != "item":
            intro, heading = span if text[slice(*span)].rstrip().endswith(":") else None, None
        yield replace(run, lead=None if repeats_text else lead, lead_text=lead_text, intro=intro or ())
        term_distance += run.kind != "item"


@dataclass(frozen=True, slots=True)
class QuotedRow:
    """Row of a table with the names of its columns, or field of a form with its label, each after the first field of
    its record. `asked_cell` is the number of the cell that the question asks for, from 0; -1 where that is not known.
    """

    caption: str  # name of the sheet or section
    cells: tuple[RowCell, ...]
    asked_cell: int

    @property
    def has_column_names(self) -> bool:
        return any(cell.name for cell in self.cells)

    @property
    def text(self) -> str:
        """Return the row as one line that can be read alone."""
        line = "; ".join(f"{cell.name}: {cell.text}" if cell.name else cell.text for cell in self.cells)
        return f"{self.caption}: {line}" if self.caption else line


def lay_out_row(text: str, heading: str, title: str, asked: int) -> QuotedRow:
    """Return the row or field that `text` holds, below what its record is about if that is part of it: its first field,
    or the name of its page. The table is called after the innermost of its headings, else so, else after its document.
    """
    first, parted, own = text.partition(" … " if " … " in text else "\n")
    subject = parse_field(first) if parted else None
    caption = heading.rpartition(" › ")[2] or (first if parted and not subject else title)
    cells = _parse_cells(own if parted else text)
    return QuotedRow(caption, (subject, *cells) if subject else tuple(cells), asked)


def _parse_cells(text: str) -> list[RowCell]:
    """Return the cells of a row; in a form, each label names what follows it."""
    if fields := find_fields(text):
        return [cell for start, end in fields if (cell := parse_field(text[start:end]))]
    field = parse_field(text)
    return [field] if field else parse_row(text) or [RowCell("", text)]
