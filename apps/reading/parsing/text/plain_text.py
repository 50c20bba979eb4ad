"""Parser of plain text: blank lines separate paragraphs, and lines that look like headings are headings. Amounts that
stand below each other are a table, as on a receipt. Headers and footers of printed pages are left out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise

from apps.reading.parsing.common.encoding import read_text
from apps.reading.parsing.common.tables import make_table_blocks
from apps.reading.parsing.protocol import ParsedBlock, ParsedItem, ParseLimits, paginate

_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_GAP = re.compile(r"[ \t]*\t[ \t]*| {3,}")  # between two cells of a line
_AMOUNT = re.compile(r"[(+-]?(?:[$€£]|[A-Z]{2,3} )?-?\d[\d.,'’:]*(?: ?(?:[%€$£]|[A-Z]{2,3}))?\)?")
_NUMBER = re.compile(r"\d+")
PAGES = 4  # on which a header or footer recurs, at least
PAGE_LINES = range(40, 101)  # lines of a printed page
SAME_STEP = 0.7  # share of a header's occurrences that are one page after the one before
LONGEST = 100  # characters of a header, spaces folded
_HEADING_CHARACTERS = 70
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,4}|\d{1,2}(?=\.))\.?[ \t]+(?=[^\W\d_])")  # "5.2. Appointment"
_STOPPED_WORDS = 6  # of a numbered heading that ends with a full stop, such as "0. Definitions."
_UNDERLINED = re.compile(r"[ \t]*(\S[^\n]*)\n[ \t]*([=~^*#-])\2{2,}[ \t]*")
_UNDERLINES = "=-"  # of the first and the second level; others are deeper


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield the pages of a text file. Raises ParseError."""
    text = drop_page_lines(read_text(path, limits))
    yield from paginate(mark_amounts(mark_headings(list(split_paragraphs(text)))), limits)


def drop_page_lines(text: str) -> str:
    """Return the text without the lines that recur at the same place of every page, and join what they parted.

    Such a line stands apart, with two blank lines at one side, and is the same on each page but for its numbers.
    """
    lines = text.split("\n")
    dropped = _find_page_lines(lines)
    if not dropped:
        return text
    kept = list[str]()
    parted = False
    for at, line in enumerate(lines):
        if at in dropped:
            while kept and not kept[-1].strip():
                kept.pop()
            parted = True
        elif line.strip() or not parted:
            if parted and kept and (kept[-1].rstrip()[-1] in ".!?:;" or not line.strip()[0].islower()):
                kept.append("")
            kept.append(line)
            parted = False
    return "\n".join(kept)


def _find_page_lines(lines: Sequence[str]) -> set[int]:
    """Return the numbers of the lines that are headers and footers of pages."""
    blank = [not line.strip() for line in ("", "", *lines, "", "")]
    places = defaultdict[str, list[int]](list)
    for at, line in enumerate(lines):
        above, below = blank[at : at + 2], blank[at + 3 : at + 5]
        if not blank[at + 2] and above[1] and below[0] and (all(above) or all(below)):
            places[_NUMBER.sub("#", " ".join(line.split()))].append(at)
    found = set[int]()
    for words, numbers in places.items():
        steps = Counter(after - before for before, after in pairwise(numbers))
        step, count = steps.most_common(1)[0] if steps else (0, 0)
        fits = step in PAGE_LINES and count >= SAME_STEP * (len(numbers) - 1)
        if len(numbers) >= PAGES and fits and len(words) <= LONGEST and any(map(str.isalnum, words)):
            found.update(numbers)
    return found


def split_paragraphs(text: str) -> Iterator[ParsedBlock]:
    """Yield the paragraphs of a text, separated by blank lines."""
    start = 0
    for gap in _BLANK.finditer(text):
        yield ParsedBlock("paragraph", text[start : gap.start()])
        start = gap.end()
    yield ParsedBlock("paragraph", text[start:])


def mark_amounts(blocks: Iterable[ParsedBlock]) -> Iterator[ParsedBlock]:
    """Yield the blocks; lines of a paragraph that end with amounts below each other become a table, a row each."""
    for block in blocks:
        lines = block.text.split("\n") if block.kind == "paragraph" else []
        ends = Counter(len(line.rstrip()) for line in lines if len(_split_amount_line(line)) > 1)
        aligned = {end for end, count in ends.items() if count > 1}
        if not aligned:
            yield block
            continue
        rows = [_split_amount_line(line) if len(line.rstrip()) in aligned else [line] for line in lines]
        for is_table, group in groupby(rows, lambda row: len(row) > 1):
            if is_table:
                yield from make_table_blocks(group, None)
            elif text := "\n".join(line for (line,) in group).strip("\n"):
                yield ParsedBlock("paragraph", text)


def _split_amount_line(line: str) -> list[str]:
    """Return label and amounts of a line, which stand far from each other; the line alone if it is none."""
    cells = _GAP.split(line.strip())
    is_amount = len(cells) > 1 and _AMOUNT.fullmatch(cells[-1]) and any(map(str.isalpha, cells[0]))
    return cells if is_amount else [line]


def mark_headings(paragraphs: Sequence[ParsedBlock]) -> Iterator[ParsedBlock]:
    """Yield the paragraphs; those that are headings as such: underlined lines, numbered lines and lines in capitals.

    A numbered line that another one of its depth follows is an item of a list.
    """
    levels = [_find_heading_level(block.text) for block in paragraphs]
    for at, block in enumerate(paragraphs):
        if found := _UNDERLINED.fullmatch(block.text):
            yield ParsedBlock("heading", found[1].strip(), _get_underline_level(found[2]))
            continue
        level = levels[at]
        follows = levels[at + 1] if at + 1 < len(levels) else -1
        if level and follows >= 0 and (follows == 0 or follows > level):
            yield ParsedBlock("heading", block.text.strip(), level)
        else:
            yield block


def _get_underline_level(sign: str) -> int:
    return _UNDERLINES.find(sign) + 1 or len(_UNDERLINES) + 1


def _find_heading_level(text: str) -> int:
    """Return the level of a paragraph that may be a heading, from 1; 0 for one that cannot."""
    line = text.strip()
    if "\n" in line or not 3 < len(line) <= _HEADING_CHARACTERS or line[-1] in ":;,":
        return 0
    if number := _NUMBERED.match(line):
        stopped = line[-1] in ".!?" and len(line.split()) > _STOPPED_WORDS
        return 0 if stopped else number[1].count(".") + 1
    letters = [sign for sign in line if sign.isalpha()]
    return int(len(letters) > 3 and len(letters) > len(line) / 2 and all(map(str.isupper, letters)))
