"""Convert Markdown to safe HTML: raw HTML is off, pictures become text, code is highlighted, formulas become MathML.

Links stay only if their host is known. All output passes a strict allow-list last. Hostile text is bounded before
parsing (columns and cells of tables, lines of formulas, nesting). After a deadline, RenderTimeout is raised, and the
caller shows plain text.

Entry points: `parse_block`, `split_blocks`, `render_tokens`, `sanitise_html`.
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

_NESTING = 40  # levels, of which lists take two each; deeper nesting occurs only in hostile text
_LANGUAGE = re.compile(r"[A-Za-z][\w+#.-]{0,19}")  # of a code block, as it is shown
_CODE_CHARS = 20_000  # longer code is not highlighted
_COLUMNS = 200  # of a table; rows with more cells are running text
_CELLS = 10_000  # of a table; further rows are running text
_FORMULA_CHARS = 1_000
_FORMULA_LINES = 100
_FORMULA_DEPTH = 12  # nesting of braces; the converter recurses
_SCRIPTS = re.compile(r"(?:[\^_]\s*+){12}")  # chained without braces: each is one level of recursion
_MACRO = re.compile(r"\\(?:def|newcommand|newenvironment)(?![a-zA-Z])")  # nested macros grow exponentially

_MATH_ERRORS: tuple[type[Exception], ...] = (  # of the converter, and those seen for malformed formulas
    *(kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    *(ValueError, LookupError, AttributeError, TypeError, StopIteration, RecursionError),
)


class RenderTimeout(Exception):
    """Raised if the deadline passes while a text is rendered."""


def check_deadline(deadline: Deadline | None) -> None:
    """Raise RenderTimeout if the deadline has passed; None means no limit."""
    if deadline is not None and deadline.passed:
        raise RenderTimeout


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MATH_TAGS = _names(
    "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msup msub msubsup munder mover munderover mtable mtr mtd "
    "mpadded mphantom menclose mstyle mmultiscripts mprescripts"
)
_TAGS = _MATH_TAGS | _names(
    "p h3 h4 h5 h6 ul ol li blockquote hr br strong em s a code pre span table thead tbody tr th td div"
)
_MATH_ATTRIBUTES = _names(
    "mathvariant stretchy fence form separator accent accentunder minsize maxsize symmetric linethickness displaystyle "
    "scriptlevel columnalign rowspacing columnspacing notation lspace rspace width height depth movablelimits largeop"
)
_ATTRIBUTES: dict[str, set[str]] = {
    **{tag: set(_MATH_ATTRIBUTES) for tag in _MATH_TAGS},
    "math": {"display"},
    "a": {"href"},
    "ol": {"start"},
    "li": {"value"},
    "div": {"data-language"},
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
    set_tag_attribute_values={  # makes wide blocks scrollable by keyboard
        "a": {"target": "_blank"},
        "pre": {"tabindex": "0"},
        "table": {"tabindex": "0"},
    },
    clean_content_tags={"script", "style"},
)
_ASTRAL = re.compile(r"[\U00010000-\U0010FFFF]")


def sanitise_html(markup: str) -> str:
    """Return only what the allow-list names.

    Characters beyond U+FFFF become references, so that Python and JavaScript count the same lengths (`Text.keep`).
    """
    return _ASTRAL.sub(lambda match: f"&#{ord(match[0])};", _cleaner.clean(markup))


def parse_block(text: str, deadline: Deadline) -> list[Token]:
    """Return the tokens of one block of Markdown. Raise RenderTimeout."""
    return get_parser().parse(text, {"deadline": deadline})


def split_blocks(text: str, deadline: Deadline | None) -> list[Token]:
    """Return the block tokens of a text, without parsing their content. Raise RenderTimeout."""
    tokens: list[Token] = []
    get_parser().block.parse(text, get_parser(), {"deadline": deadline}, tokens)
    return tokens


def render_tokens(tokens: Sequence[Token], deadline: Deadline) -> str:
    """Return the HTML of the tokens, not yet sanitised. Raise RenderTimeout."""
    return str(get_parser().renderer.render(tokens, get_parser().options, {"deadline": deadline}))


@cache
def get_parser() -> MarkdownIt:
    """Return the parser of the process. Reference definitions are off: a late one would change finished blocks."""
    md = MarkdownIt("commonmark", {"html": False, "maxNesting": _NESTING}).enable(["table", "strikethrough"])
    md.disable(["reference", "html_block", "html_inline"])
    texmath_plugin(md, delimiters="brackets")
    dollarmath_plugin(md, allow_space=False, allow_digits=False, double_inline=True)
    for rule in md.block.ruler.__rules__:
        if rule.name.startswith("math_block"):
            rule.fn = _limit_formula_rule(rule.fn)
    md.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    md.block.ruler.before("table", "time", _check_line, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.inline.ruler.before("text", "time", _check_sign)
    md.core.ruler.push("number_items", _number_items)
    for name in ("fence", "code_block"):
        md.add_render_rule(name, _code)
    for name in ("inline", "inline_double", "block", "block_label", "block_eqno", "single"):
        md.add_render_rule(f"math_{name}", _math)
    for name in ("th_open", "td_open"):
        md.add_render_rule(name, _cell)
    for name in ("heading_open", "heading_close"):
        md.add_render_rule(name, _heading)
    md.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    md.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return md


def _number_items(state: StateCore) -> None:
    """Set the number of each ordered list item, so that it is kept where items before it are hidden."""
    numbers: list[int] = []  # number of the next item per open list; -1 for bullet lists
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


def _check_line(state: StateBlock, _start: int, _end: int, _silent: bool) -> bool:
    """Match nothing; checks the deadline before every line."""
    check_deadline(state.env.get("deadline"))
    return False


def _check_sign(state: StateInline, _silent: bool) -> bool:
    """Match nothing; checks the deadline wherever inline markup may begin."""
    check_deadline(state.env.get("deadline"))
    return False


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Apply the parser's table rule, up to `_COLUMNS` columns and `_CELLS` cells."""
    columns = state.src.count("|", state.bMarks[start], state.eMarks[start]) + 1
    if columns == 1 or columns > _COLUMNS:
        return False
    return table(state, start, min(end, start + 2 + _CELLS // columns), silent)


def _limit_formula_rule(rule: Callable[..., bool]) -> Callable[..., bool]:
    """Return the formula rule, limited to `_FORMULA_LINES` and to the next empty line, with line maps on its tokens.

    The limit keeps finished blocks stable, whatever closes later; some plugins leave out the line maps.
    """

    def mapped(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        begin = state.bMarks[start] + state.tShift[start]
        if not state.src.startswith(("$$", "\\["), begin):
            return False  # early: searching for an empty line from every line would be quadratic
        before, line = len(state.tokens), state.line
        end = min(end, start + _FORMULA_LINES)
        limit = next((number for number in range(start, end) if state.isEmpty(number)), end)
        closer = "$$" if state.src[begin] == "$" else "\\]"
        if state.src.find(closer, begin + 2, state.eMarks[limit - 1]) < 0:
            return False  # early: the rule itself would search to the end of the text
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
    label = f' data-language="{html.escape(language)}"' if _LANGUAGE.fullmatch(language) else ""
    return f'<div class="code"{label}><pre><code>{_coloured(content, language)}</code></pre></div>\n'


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
    """Return the formula as MathML, or as code if it cannot be converted."""
    if source and _is_convertible(source):
        try:
            return str(converter.convert(source, display=display))
        except _MATH_ERRORS:
            pass
    return f'<code class="formula">{html.escape(source)}</code>'


def _is_convertible(source: str) -> bool:
    """Return whether the converter handles the formula in a few milliseconds."""
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
    """Shift headings of an answer below the first two levels, which belong to the page."""
    token = tokens[index]
    level = min(int(token.tag[1]) + 2, 6)
    return f"<h{level}>" if token.nesting == 1 else f"</h{level}>\n"
