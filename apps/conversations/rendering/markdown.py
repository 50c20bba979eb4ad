"""Markdown to HTML that may be shown: raw HTML is off, pictures become their words, a link stays only where its host is
known, code is coloured by classes, formulas become MathML. What leaves here passed one strict allow-list last of all.

Hostile text is bounded before it is read (columns and cells of a table, lines of a formula, nesting), and `parse`,
`read_blocks` and `render_tokens` stop where a deadline has passed: they raise TooCostly, and the caller shows the
text as it was written.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import nh3
from latex2mathml import converter, exceptions
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.texmath import texmath_plugin
from pygments.formatters.html import HtmlFormatter
from pygments.token import STANDARD_TYPES

from apps.lib.concurrency.cpu_deadline import Deadline
from apps.lib.text import code_lexers

_NESTING = 40  # levels; lists take two each. Deeper is never written by a model that means well.
_CODE_CHARS = 20_000  # longer code is shown without colours
_COLUMNS = 200  # of a table; lines with more cells are running text
_CELLS = 10_000  # of a table; the lines that follow are running text
_FORMULA_CHARS = 1_000
_FORMULA_LINES = 100
_FORMULA_DEPTH = 12  # of braces: the converter recurses
_SCRIPTS = re.compile(r"(?:[\^_]\s*+){12}")  # one upon another, without braces: each is a level for the converter
_MACRO = re.compile(r"\\(?:def|newcommand|newenvironment)(?![a-zA-Z])")  # a few that use one another grow without end

_MATH_ERRORS: tuple[type[Exception], ...] = (  # the converter's own, and what malformed formulas were seen to raise
    *(kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    *(ValueError, LookupError, AttributeError, TypeError, StopIteration, RecursionError),
)


class RenderTimeout(Exception):
    """The deadline passed while a text was rendered."""


def check_deadline(deadline: Deadline | None) -> None:
    """Raise TooCostly where the deadline has passed; None is no limit."""
    if deadline is not None and deadline.passed:
        raise RenderTimeout


_MATH_TAGS = frozenset(
    {
        "math",
        "mrow",
        "mi",
        "mn",
        "mo",
        "ms",
        "mtext",
        "mspace",
        "mfrac",
        "msqrt",
        "mroot",
        "msup",
        "msub",
        "msubsup",
        "munder",
    }
    | {
        "mover",
        "munderover",
        "mtable",
        "mtr",
        "mtd",
        "mpadded",
        "mphantom",
        "menclose",
        "mstyle",
        "mmultiscripts",
        "mprescripts",
    }
)
_TAGS = _MATH_TAGS | {
    *(
        "p",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "blockquote",
        "hr",
        "br",
        "strong",
        "em",
        "s",
        "a",
        "code",
        "pre",
        "span",
    ),
    *("table", "thead", "tbody", "tr", "th", "td", "div"),
}
_MATH_ATTRIBUTES = frozenset(
    {
        "mathvariant",
        "stretchy",
        "fence",
        "form",
        "separator",
        "accent",
        "accentunder",
        "minsize",
        "maxsize",
        "symmetric",
    }
    | {
        "linethickness",
        "displaystyle",
        "scriptlevel",
        "columnalign",
        "rowspacing",
        "columnspacing",
        "notation",
        "lspace",
        "rspace",
    }
    | {"width", "height", "depth", "movablelimits", "largeop"}
)
_ATTRIBUTES: dict[str, set[str]] = {
    **{tag: set(_MATH_ATTRIBUTES) for tag in _MATH_TAGS},
    "math": {"display"},
    "a": {"href"},
    "ol": {"start"},
    "li": {"value"},
    "span": {"data-sentence"},
    "th": set(),
    "td": set(),
}
_ALIGN = {"left", "center", "right"}
_CODE_CLASSES = {name for name in STANDARD_TYPES.values() if name} | {"sentence", "pills", "host"}
_CLASSES = {
    "span": _CODE_CLASSES,
    "div": {"code", "scroll"},
    "code": {"formula"},
    "p": {"plain", "cut"},
    **{tag: {f"align-{side}" for side in _ALIGN} for tag in ("th", "td")},
}
_cleaner = nh3.Cleaner(
    tags=set(_TAGS),
    attributes=_ATTRIBUTES,
    allowed_classes=_CLASSES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={  # what may be wider than the page is scrolled by keyboard too
        "a": {"target": "_blank"},
        "pre": {"tabindex": "0"},
        "table": {"tabindex": "0"},
    },
    clean_content_tags={"script", "style"},
)
_ASTRAL = re.compile(r"[\U00010000-\U0010FFFF]")


def sanitise_html(markup: str) -> str:
    """Only what the allow-list names. Characters beyond the first plane are written as references, so that lengths are
    the same in Python and in JavaScript (`Text.keep` counts characters)."""
    return _ASTRAL.sub(lambda match: f"&#{ord(match[0])};", _cleaner.clean(markup))


def parse_block(text: str, deadline: Deadline) -> list[Token]:
    """Return the tokens of one block of Markdown. Raise TooCostly where the deadline passes."""
    return get_parser().parse(text, {"deadline": deadline})


def split_blocks(text: str, deadline: Deadline | None) -> list[Token]:
    """Return the tokens of the blocks of a text, what stands in them unread. Raise TooCostly as `parse` does."""
    tokens: list[Token] = []
    get_parser().block.parse(text, get_parser(), {"deadline": deadline}, tokens)
    return tokens


def render_tokens(tokens: Sequence[Token], deadline: Deadline) -> str:
    """Return the HTML of tokens, not yet cleaned. Raise TooCostly as `parse` does."""
    return str(get_parser().renderer.render(tokens, get_parser().options, {"deadline": deadline}))


@cache
def get_parser() -> MarkdownIt:
    """One parser a process; reference definitions are off, because a late one would change blocks that are finished."""
    md = MarkdownIt("commonmark", {"html": False, "maxNesting": _NESTING}).enable(["table", "strikethrough"])
    md.disable(["reference", "html_block", "html_inline"])
    texmath_plugin(md, delimiters="brackets")
    dollarmath_plugin(md, allow_space=False, allow_digits=False, double_inline=True)
    for rule in md.block.ruler.__rules__:
        if rule.name.startswith("math_block"):
            rule.fn = _mapped(rule.fn)
    md.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    md.block.ruler.before("table", "time", _line_in_time, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.inline.ruler.before("text", "time", _sign_in_time)
    md.core.ruler.push("number_items", _number_items)
    for name in ("fence", "code_block"):
        md.add_render_rule(name, _code)
    for name in (
        "math_inline",
        "math_inline_double",
        "math_block",
        "math_block_label",
        "math_block_eqno",
        "math_single",
    ):
        md.add_render_rule(name, _math)
    for name in ("th_open", "td_open"):
        md.add_render_rule(name, _cell)
    for name in ("heading_open", "heading_close"):
        md.add_render_rule(name, _heading)
    md.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    md.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return md


def _number_items(state: StateCore) -> None:
    """Write its number on each item of an ordered list: it keeps the number where items before it are hidden."""
    numbers: list[int] = []  # of the next item of each list that is open; -1 in one without numbers
    for token in state.tokens:
        if token.type == "ordered_list_open":
            numbers.append(int(token.attrs.get("start", 1)))
        elif token.type == "bullet_list_open":
            numbers.append(-1)
        elif token.type in {"ordered_list_close", "bullet_list_close"}:
            numbers.pop()
        elif token.type == "list_item_open" and numbers[-1] >= 0:
            token.attrSet("value", str(numbers[-1]))
            numbers[-1] += 1


def _line_in_time(state: StateBlock, _start: int, _end: int, _silent: bool) -> bool:
    """Match nothing; a rule that every line is asked for first."""
    check_deadline(state.env.get("deadline"))
    return False


def _sign_in_time(state: StateInline, _silent: bool) -> bool:
    """Match nothing; a rule that is asked at every place of running text where something may begin."""
    check_deadline(state.env.get("deadline"))
    return False


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The parser's own rule for tables of at most `_COLUMNS` columns, up to the line that would be beyond `_CELLS`."""
    columns = state.src.count("|", state.bMarks[start], state.eMarks[start]) + 1
    if columns == 1 or columns > _COLUMNS:
        return False
    return table(state, start, min(end, start + 2 + _CELLS // columns), silent)


def _mapped(rule: Callable[..., bool]) -> Callable[..., bool]:
    """The rule, kept from reaching over an empty line (what is finished must stay so, whatever closes later) and over
    more than `_FORMULA_LINES`, and with the lines that it took noted on its tokens (some plugins leave them out)."""

    def mapped(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        begin = state.bMarks[start] + state.tShift[start]
        if not state.src.startswith(("$$", "\\["), begin):
            return False  # at once: looking for the empty line from every line would take quadratic time
        before, line = len(state.tokens), state.line
        end = min(end, start + _FORMULA_LINES)
        limit = next((number for number in range(start, end) if state.isEmpty(number)), end)
        closer = "$$" if state.src[begin] == "$" else "\\]"
        if state.src.find(closer, begin + 2, state.eMarks[limit - 1]) < 0:
            return False  # at once: the rule itself would look to the end of the text
        done = rule(state, start, limit, silent)
        if done and not silent and state.line > limit:
            del state.tokens[before:]
            state.line = line
            return False
        for token in state.tokens[before:]:
            token.map = token.map or [start, state.line]
        return done

    return mapped


def _code(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: dict[str, Deadline]) -> str:
    check_deadline(env.get("deadline"))
    content, language = tokens[index].content, tokens[index].info.strip().split(" ")[0]
    return f'<div class="code"><pre><code>{_coloured(content, language)}</code></pre></div>\n'


@lru_cache(maxsize=64)
def _coloured(content: str, language: str) -> str:
    lexer = code_lexers.find_lexer(language) if len(content) <= _CODE_CHARS else None
    tokens = code_lexers.lex(content, lexer) if lexer else None
    if tokens is None:
        return html.escape(content)
    written = io.StringIO()
    HtmlFormatter(nowrap=True).format(tokens, written)
    return written.getvalue()


def _math(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: dict[str, Deadline]) -> str:
    check_deadline(env.get("deadline"))
    token = tokens[index]
    display = "block" if token.block or token.type == "math_inline_double" else "inline"
    return _formula(token.content.strip(), display) + ("\n" if token.block else "")


@lru_cache(maxsize=512)
def _formula(source: str, display: str) -> str:
    """MathML, or the formula as it was written where it cannot be read."""
    if source and _is_convertible(source):
        try:
            return str(converter.convert(source, display=display))
        except _MATH_ERRORS:
            pass
    return f'<code class="formula">{html.escape(source)}</code>'


def _is_convertible(source: str) -> bool:
    """Whether the converter would take a formula in a few milliseconds."""
    return (
        len(source) <= _FORMULA_CHARS
        and _depth(source) <= _FORMULA_DEPTH
        and not _SCRIPTS.search(source)
        and not _MACRO.search(source)
    )


def _depth(source: str) -> int:
    level = deepest = 0
    for part in re.findall(r"[{}]|\\(?:left|right|begin|end)\b", source):
        level += 1 if part in {"{", "\\left", "\\begin"} else -1
        deepest = max(deepest, level)
    return deepest


def _cell(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: dict[str, Deadline]) -> str:
    check_deadline(env.get("deadline"))
    style = str(tokens[index].attrs.get("style", ""))
    side = style.removeprefix("text-align:")
    return f'<{tokens[index].tag} class="align-{side}">' if side in _ALIGN else f"<{tokens[index].tag}>"


def _heading(_self: Any, tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Headings of an answer stand below the page's own first and second."""
    token = tokens[index]
    level = min(int(token.tag[1]) + 2, 6)
    return f"<h{level}>" if token.nesting == 1 else f"</h{level}>\n"
