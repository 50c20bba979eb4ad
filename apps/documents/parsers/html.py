"""Web pages: what a reader sees, with headings, lists, tables and code.

Hidden elements go first. trafilatura then finds the main text; where it leaves out much of what stands outside menus
and footers, as it does with pages that are no articles, the whole visible text is kept instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.etree
import lxml.html
import trafilatura

from apps.documents.parsers.base import Block, Limits, Parsed, PieceKind, Unreadable, paginate, title_of, visible
from apps.documents.parsers.decode import encoding_of, read_text
from apps.documents.parsers.tables import is_header, table_blocks

_NEVER_NAMES = (
    "script style template noscript head iframe object embed svg math canvas audio video select option button input "
    "textarea dialog"
)
_NEVER = frozenset(_NEVER_NAMES.split())
_AROUND = frozenset(["nav", "footer", "aside", "form", "menu"])
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)|font-size\s*:\s*0(?![.\d]*[1-9])"
    r"|(?:left|top|text-indent)\s*:\s*-\d{3,}|clip\s*:\s*rect\(\s*0|clip-path\s*:\s*inset\(\s*(?:50|100)%",
    re.IGNORECASE,
)
_BLOCK_NAMES = (
    "p div section article main header body html li item list ul ol dl dt dd blockquote quote pre figure figcaption "
    "caption address table tr row td th cell thead tbody tfoot h1 h2 h3 h4 h5 h6 head hr details "
    "summary fieldset legend center"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_DECLARED = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_PROLOGUE = re.compile(r"\A\s*<\?xml[^>]*\?>")
KEPT_SHARE = 0.6  # of the visible text; where trafilatura keeps less, it is not trusted with the page
MAX_ARTICLE = 2_000_000  # characters of HTML that trafilatura is asked about; it takes seconds for more


def parse(path: str, limits: Limits) -> Iterator[Parsed]:
    text = _PROLOGUE.sub("", _read(path, limits))
    try:
        tree = lxml.html.document_fromstring(text)
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("No text was found in this web page. Check that it is the right file.") from error
    title = title_of(tree.findtext(".//title") or tree.findtext(".//h1") or "")
    _drop(tree)
    _mark_code(tree)
    everything = list(_blocks(tree))
    blocks = (_article(tree, everything) if len(text) <= MAX_ARTICLE else None) or everything
    if title:
        yield title
    yield from paginate(blocks, limits)


def _read(path: str, limits: Limits) -> str:
    """By the declared encoding where the bytes alone do not tell."""
    with Path(path).open("rb") as file:
        data = file.read(limits.characters * 4)
    declared = _DECLARED.search(data[:4096])
    if declared is None or encoding_of(data).startswith("utf"):
        return read_text(path, limits)
    try:
        return visible(data.decode(declared[1].decode(), errors="replace"))
    except LookupError:
        return read_text(path, limits)


def _drop(tree: Any) -> None:
    """What nobody sees is gone, and so is what stands around the text."""
    for element in list(tree.iter()):
        if not isinstance(element.tag, str):
            gone = True
        else:
            tag = element.tag.rpartition("}")[2]
            hidden = element.get("hidden") is not None or element.get("aria-hidden") == "true"
            gone = hidden or tag in _NEVER or tag in _AROUND or bool(_HIDDEN.search(element.get("style", "")))
        if gone and element.getparent() is not None:
            element.drop_tree()


def _mark_code(tree: Any) -> None:
    """Text whose lines were laid out is code, also for trafilatura, which else takes it for a quotation."""
    for element in tree.iter("pre"):
        if len(element) == 0 and element.text:
            lxml.etree.SubElement(element, "code").text, element.text = element.text, None


def _article(tree: Any, everything: list[Block]) -> list[Block] | None:
    """The main text as trafilatura sees it, where that is most of the page."""
    found = trafilatura.bare_extraction(
        lxml.html.tostring(tree, encoding="unicode"), favor_recall=True, include_comments=False, with_metadata=False
    )
    if found is None or found.body is None:
        return None
    blocks = list(_blocks(found.body))
    kept, whole = (sum(len(block.text) for block in some) for some in (blocks, everything))
    return blocks if kept >= KEPT_SHARE * whole else None


def _blocks(tree: Any) -> Iterator[Block]:
    """One pass over the elements; the text between two borders of blocks is one block."""
    walk = lxml.etree.iterwalk(tree, events=("start", "end"))
    parts: list[str] = []
    kinds: list[tuple[PieceKind, int]] = [("paragraph", 0)]
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag == "code" and "\n" in (element.text or ""):
            tag = "pre"  # so does trafilatura call it
        if tag in _BLOCKS:
            yield from _flush(parts, kinds[-1])
        if event == "start":
            if tag == "table" and (rows := _rows(element)) is not None:
                walk.skip_subtree()
                yield from table_blocks(
                    rows[1:] if is_header(rows[0]) else rows, rows[0] if is_header(rows[0]) else None
                )
            else:
                parts.append(element.text or "")
                if tag in {"li", "item"}:
                    parts.insert(0, "- ")
            kinds.append(_kind(element, tag, kinds[-1]))
        else:
            kinds.pop()
            parts.append("\u2028" if tag in {"br", "lb"} else "")
            parts.append((element.tail or "") if element is not tree else "")
    yield from _flush(parts, kinds[-1])


def _flush(parts: list[str], kind: tuple[PieceKind, int]) -> Iterator[Block]:
    text = "".join(parts)
    words = text.strip("\n") if kind[0] == "code" else "\n".join(" ".join(line.split()) for line in _lines(text))
    if words == "-":
        parts[:] = ["- "]  # the mark of an item waits for its first paragraph
        return
    parts.clear()
    if words.strip():
        yield Block(kind[0], words, kind[1])


def _lines(text: str) -> list[str]:
    """In HTML a line end is a space; only <br> (kept as U+2028) breaks a line."""
    return [line for line in text.split("\u2028") if line.strip()]


def _kind(element: Any, tag: str, around: tuple[PieceKind, int]) -> tuple[PieceKind, int]:
    if re.fullmatch(r"h[1-6]", tag):
        return "heading", int(tag[1])
    if tag == "head":
        level = (element.get("rend") or "h2")[1:]
        return "heading", int(level) if level.isdigit() else 2
    if tag == "pre":
        return "code", 0
    if tag in {"li", "item"}:
        return "list", 0
    if tag in {"td", "th", "body", "html", "section", "article", "main"}:
        return "paragraph", 0
    return around


def _rows(table: Any) -> list[list[str]] | None:
    """The cells of a table of data; None where the table only lays out a page."""
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
