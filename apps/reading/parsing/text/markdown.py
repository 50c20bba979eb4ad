"""Parser of Markdown by markdown-it-py: the text as displayed, without markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

import lxml.etree
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from apps.reading.parsing.common.encoding import read_text
from apps.reading.parsing.common.tables import make_table_blocks
from apps.reading.parsing.html.parser import read_page
from apps.reading.parsing.protocol import ParsedBlock, ParsedItem, ParseLimits, make_title, paginate

MOST_MARKS = 2_000  # markup characters of one paragraph, cell or heading
_MARK = re.compile(r"[\[\]!*_`<>&\\]")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_MADE = re.compile(r"<(?:table|ul|ol|dl|h[1-6]|pre|script|style|template)\b|\bstyle\s*=|\bhidden\b", re.IGNORECASE)
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<[^<>]*>", re.DOTALL)


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title and pages of a Markdown file. Raises ParseError."""
    text = read_text(path, limits)
    front = _FRONT.match(text)
    title_match = _TITLE.search(front[1]) if front else None
    blocks = list(read_markdown(text[front.end() :] if front else text))
    heading = next((block.text for block in blocks if block.kind == "heading" and block.level == 1), "")
    title = make_title(title_match[1].strip("\"' ") if title_match else heading)
    if title:
        yield title
    yield from paginate(blocks, limits)


def read_markdown(text: str) -> Iterator[ParsedBlock]:
    """Yield the blocks of a Markdown text."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.at("inline", _read_inline)
    yield from _blocks(parser.parse(text))


def _read_inline(state: StateCore) -> None:
    """Parse the markup inside each run of text.

    A run with more than MOST_MARKS markup characters stays as it is: parsing it takes quadratic time, and no author
    writes so many.
    """
    for token in state.tokens:
        if token.type != "inline":
            continue
        if len(_MARK.findall(token.content)) > MOST_MARKS:
            token.children = [Token("text", "", 0, content=token.content)]
        else:
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)


def _blocks(tokens: list[Token]) -> Iterator[ParsedBlock]:
    lists: list[int | None] = []  # next number of each open list; None for bullets
    marker, at = "", 0
    while at < len(tokens):
        token = tokens[at]
        match token.type:
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                number = lists[-1]
                marker = "  " * (len(lists) - 1) + ("- " if number is None else f"{number}. ")
                lists[-1] = None if number is None else number + 1
            case "heading_open":
                yield ParsedBlock("heading", _plain(tokens[at + 1]), int(token.tag[1:]))
                at += 1
            case "inline":
                yield ParsedBlock("list" if lists else "paragraph", marker + _plain(token))
                marker = ""
            case "fence" | "code_block":
                yield ParsedBlock("code", token.content)
            case "html_block":
                yield from _html(token.content)
            case "table_open":
                end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
                yield from _table(tokens[at:end])
                at = end
        at += 1


def _html(source: str) -> Iterator[ParsedBlock]:
    """Yield the visible blocks of embedded HTML, lists and tables included."""
    words = _TAG.sub(" ", source)
    if not words.strip():
        return
    if not _MADE.search(source):
        yield ParsedBlock("paragraph", words)
        return
    try:
        yield from read_page(source).blocks
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError, ValueError):
        yield ParsedBlock("paragraph", words)


def _table(tokens: list[Token]) -> Iterator[ParsedBlock]:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_plain(token))
    yield from make_table_blocks(rows[1:], rows[0] if rows else None)


def _plain(token: Token) -> str:
    """Return the text of a run without markup; images become their description."""
    parts = []
    for child in token.children or []:
        if child.type in {"text", "code_inline", "image", "text_special"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"} or (
            child.type == "html_inline" and child.content.startswith("<br")
        ):
            parts.append("\n")
    return "".join(parts)
