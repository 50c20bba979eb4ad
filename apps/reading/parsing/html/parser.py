"""Parser of web pages: the visible text with headings, lists, tables and code.

Hidden elements are removed first. trafilatura then finds the main text. If it drops much of the text outside menus and
footers, as with pages that are no articles, the whole visible text is kept. `read_page` is the entry point for HTML
inside other formats.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import lxml.etree
import lxml.html
import trafilatura

from apps.reading.parsing.common.encoding import detect_encoding, read_text
from apps.reading.parsing.common.tables import (
    has_clear_header,
    is_form,
    is_header,
    join_hanging_rows,
    make_form_blocks,
    make_table_blocks,
)
from apps.reading.parsing.html.hidden_elements import hidden_elements
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    BlockKind,
    DocumentTitle,
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    ParseNotice,
    make_title,
    paginate,
    strip_invisible,
)

_NEVER_NAMES = (
    "script style template noscript head iframe object embed svg math canvas audio video select option button input "
    "textarea dialog"
)
_NEVER = frozenset(_NEVER_NAMES.split())
_AROUND = frozenset(["nav", "footer", "aside", "form", "menu"])
_BLOCK_NAMES = (
    "p div section article main header body html li item list ul ol dl dt dd blockquote quote pre figure figcaption "
    "caption address table tr row td th cell thead tbody tfoot h1 h2 h3 h4 h5 h6 head hr details "
    "summary fieldset legend center"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_PERMALINKS = frozenset({"¶", "🔗"})  # text of links beside headings that point to the heading itself
_BOLD = frozenset({"b", "strong"})
_DECLARED = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_PROLOGUE = re.compile(r"\A\s*<\?xml[^>]*\?>")
KEPT_SHARE = 0.6  # of the visible text that trafilatura must keep for its result to be used
KEPT_BLOCKS = 0.4  # of the blocks that it must keep; with fewer it has merged paragraphs
SHORT_PAGE = 1_500  # characters; shorter pages are taken whole
MOST_SPANNED = 40  # columns or rows over which one cell is repeated
MOST_COPIES = 1_000  # repeated cells on one page
MOST_ELEMENTS = 30_000  # elements up to which trafilatura is used
MAX_ARTICLE = 2_000_000  # characters of HTML up to which trafilatura is used; it takes seconds for more


@dataclass(frozen=True, slots=True)
class WebPage:
    """Visible content of a page. `hidden` counts hidden elements with text."""

    title: DocumentTitle | None
    blocks: list[ParsedBlock]
    tree: Any
    hidden: int


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title, pages and notices of a web page. Raises ParseError."""
    text = _read(path, limits)
    try:
        page = read_page(text, with_surroundings=False)
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError, ValueError) as error:
        raise ParseError("No text was found in this web page. Check that it is the right file.") from error
    if page.title:
        yield page.title
    blocks = (_article(page.tree, page.blocks) if len(text) <= MAX_ARTICLE else None) or page.blocks
    yield from paginate(blocks, limits)
    if page.hidden:
        yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)


def read_page(text: str, *, with_surroundings: bool = True) -> WebPage:
    """Return the visible content of a page, with or without its surroundings, such as menus (`with_surroundings`).

    Raises lxml.etree.ParserError, lxml.etree.XMLSyntaxError or ValueError for malformed HTML.
    """
    tree = lxml.html.document_fromstring(_PROLOGUE.sub("", text) or "<p></p>")
    title = make_title(tree.findtext(".//title") or tree.findtext(".//h1") or "")
    hidden = _drop(tree, frozenset() if with_surroundings else _AROUND)
    _mark_code(tree)
    left = MOST_COPIES
    for table in tree.iter("table"):
        _mark_header(table)
        left = _spread(table, left)
    for cell in tree.iter("td", "th"):  # trafilatura would expand the remaining spans without a limit
        cell.attrib.pop("colspan", None)
        cell.attrib.pop("rowspan", None)
    return WebPage(title, list(_blocks(tree)), tree, hidden)


def _read(path: str, limits: ParseLimits) -> str:
    """Return the text; by the declared encoding if the bytes alone do not tell."""
    with Path(path).open("rb") as file:
        data = file.read(limits.characters * 4)
    declared = _DECLARED.search(data[:4096])
    if declared is None or detect_encoding(data).startswith("utf"):
        return read_text(path, limits)
    try:
        return strip_invisible(data.decode(declared[1].decode(), errors="replace"))
    except LookupError:
        return read_text(path, limits)


def _drop(tree: Any, around: frozenset[str]) -> int:
    """Remove hidden elements, and those named in `around`. Return how many hidden ones had text."""
    elements = list(tree.iter())  # kept, because lxml may otherwise make new objects for the same elements
    count, hidden = 0, hidden_elements(tree)
    for element in elements:
        if not isinstance(element.tag, str):
            removed = True
        else:
            tag = element.tag.rpartition("}")[2]
            is_hidden = element in hidden
            count += is_hidden and any(words.strip() for words in element.itertext())
            removed = is_hidden or element.get("aria-hidden") == "true" or tag in _NEVER or tag in around
            removed = removed or (tag == "a" and (element.text or "").strip() in _PERMALINKS and not len(element))
        if removed and element.getparent() is not None:
            element.drop_tree()
    return count


def _mark_code(tree: Any) -> None:
    """Mark preformatted text as code, which trafilatura would take for a quotation."""
    for element in tree.iter("pre"):
        if len(element) == 0 and element.text:
            lxml.etree.SubElement(element, "code").text, element.text = element.text, None


def _article(tree: Any, everything: list[ParsedBlock]) -> list[ParsedBlock] | None:
    """Return the main text as trafilatura finds it; None if the page is short, huge, or if much text would be lost."""
    elements = sum(1 for _ in islice(tree.iter(), MOST_ELEMENTS))
    if elements == MOST_ELEMENTS or sum(len(block.text) for block in everything) < SHORT_PAGE:
        return None
    extracted = trafilatura.bare_extraction(
        lxml.html.tostring(tree, encoding="unicode"), favor_recall=True, include_comments=False, with_metadata=False
    )
    if extracted is None or extracted.body is None:
        return None
    blocks = list(_blocks(extracted.body))
    extracted_size, page_size = (sum(len(block.text) for block in some) for some in (blocks, everything))
    head = next((block for block in everything if block.kind == "heading" and block.level == 1), None)
    if head is not None and all(block.text != head.text for block in blocks):
        blocks.insert(0, head)  # trafilatura drops a heading that repeats the title
    return blocks if extracted_size >= KEPT_SHARE * page_size and len(blocks) >= KEPT_BLOCKS * len(everything) else None


def _blocks(tree: Any) -> Iterator[ParsedBlock]:
    """Yield the text between two block borders as a block, in one pass over the elements."""
    walk = lxml.etree.iterwalk(tree, events=("start", "end"))
    parts: list[str] = []
    kinds: list[tuple[BlockKind, int]] = [("paragraph", 0)]
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag == "code" and "\n" in (element.text or ""):
            tag = "pre"  # trafilatura renames `pre` to `code`
        if tag in _BLOCKS:
            yield from _flush(parts, kinds[-1])
        if event == "start":
            if tag == "table" and (rows := _rows(element)) is not None:
                walk.skip_subtree()
                yield from _table(rows, marked=_is_marked(element))
            else:
                parts.append(element.text or "")
                if _is_item(element, tag):
                    parts.insert(0, "- ")
            kinds.append(_kind(element, tag, kinds[-1]))
        else:
            kinds.pop()
            parts.append("\u2028" if tag in {"br", "lb"} else "")
            parts.append((element.tail or "") if element is not tree else "")
    yield from _flush(parts, kinds[-1])


def _table(rows: list[list[str]], *, marked: bool) -> Iterator[ParsedBlock]:
    """Yield the rows of a table; as a paragraph if the table only draws a box around a note. `marked`: has a header."""
    if all(len(set(row) - {""}) == 1 for row in rows):
        yield ParsedBlock("paragraph", "\n".join(next(filter(None, row)) for row in rows))
        return
    if not marked and is_form(rows):
        yield from make_form_blocks(rows)
        return
    named = has_clear_header(rows) or (marked and len(rows) > 1 and is_header(rows[0]))
    yield from make_table_blocks(rows[1:] if named else join_hanging_rows(rows), rows[0] if named else None)


def _flush(parts: list[str], kind: tuple[BlockKind, int]) -> Iterator[ParsedBlock]:
    text = "".join(parts)
    words = text.strip("\n") if kind[0] == "code" else "\n".join(" ".join(line.split()) for line in _lines(text))
    if words == "-":
        parts[:] = ["- "]  # keep the mark for the first paragraph of the item
        return
    parts.clear()
    if words.strip():
        yield ParsedBlock(kind[0], words, kind[1])


def _lines(text: str) -> list[str]:
    """Return the lines. In HTML a line end is a space; only <br> (kept as U+2028) breaks a line."""
    return [line for line in text.split("\u2028") if line.strip()]


def _kind(element: Any, tag: str, around: tuple[BlockKind, int]) -> tuple[BlockKind, int]:
    if re.fullmatch(r"h[1-6]", tag):
        return "heading", int(tag[1])
    if tag == "head":
        level = (element.get("rend") or "h2")[1:]
        return "heading", int(level) if level.isdigit() else 2
    if tag == "pre":
        return "code", 0
    if _is_item(element, tag):
        return "list", 0
    if tag in {"item", "td", "th", "body", "html", "section", "article", "main"}:
        return "paragraph", 0
    return around


def _is_item(element: Any, tag: str) -> bool:
    """Return whether the element is a list item. trafilatura also calls a term and its definition so."""
    return tag == "li" or (tag == "item" and not (element.get("rend") or "").startswith(("dt", "dd")))


def _mark_header(table: Any) -> None:
    """Make the cells of a first row into `th`, if it stands in a `thead`, or if it is the only one wholly in bold."""
    rows = [] if table.find(".//table") is not None else list(islice(table.iter("tr"), 2))
    if rows and (rows[0].getparent().tag == "thead" or [_is_bold(row) for row in rows] == [True, False]):
        for cell in rows[0].iterchildren("td"):
            cell.tag = "th"


def _is_bold(row: Any) -> bool:
    """Return whether all text of a row is bold."""
    texts = [text for text in row.xpath(".//text()") if text.strip()]
    around = [text.getparent().getparent() if text.is_tail else text.getparent() for text in texts]
    return all(any(above.tag in _BOLD for above in (element, *element.iterancestors())) for element in around)


def _is_marked(table: Any) -> bool:
    """Return whether each cell with text in the first row of a data table is a header cell."""
    row = next((row for row in table.iter("tr", "row") if any(map(str.strip, row.itertext()))), ())
    cells = [cell for cell in row if any(map(str.strip, cell.itertext()))]
    return bool(cells) and all(cell.tag == "th" or cell.get("role") == "head" for cell in cells)


def _spread(table: Any, left: int) -> int:
    """Repeat cells that span columns or rows in each place, so that every row has the same columns.

    At most `left` copies are made; returns how many are left, negative if there were too many.
    """
    rows = [row for row in table.iter("tr") if next(row.iterancestors("table"), None) is table]
    for at, row in enumerate(rows):
        column = 0
        for cell in [cell for cell in row if cell.tag in {"td", "th"}]:
            column_span, row_span = (_span(cell.attrib.pop(name, "")) for name in ("colspan", "rowspan"))
            left -= column_span * row_span - 1
            if left < 0:
                return left
            for below in rows[at + 1 : at + row_span]:
                for _ in range(column_span):
                    below.insert(min(column, len(below)), copy.deepcopy(cell))
            for _ in range(column_span - 1):
                row.insert(row.index(cell), copy.deepcopy(cell))
            column += column_span
    return left


def _span(value: str) -> int:
    return min(max(int(value), 1), MOST_SPANNED) if value.strip().isdecimal() and len(value) < 6 else 1


def _rows(table: Any) -> list[list[str]] | None:
    """Return the cells of a data table; None if the table only lays out a page."""
    if table.find(".//table") is not None:
        return None
    rows = [
        [" ".join(" ".join(cell.itertext()).split()) for cell in row if cell.tag in {"td", "th", "cell"}]
        for row in table.iter("tr", "row")
    ]
    rows = [row for row in rows if any(row)]
    if not rows or max(map(len, rows)) < 2 or any(len(cell) > 2000 for row in rows for cell in row):
        return None
    return rows
