"""Markdown to HTML that may be shown: raw HTML is off, pictures become their words, a link stays only where its host is
known, code is coloured by classes, formulas become MathML. What leaves here passed one strict allow-list last of all.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import nh3
from latex2mathml import converter, exceptions
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.texmath import texmath_plugin
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

_NESTING = 40  # levels; lists take two each. Deeper is never written by a model that means well.
_CODE_CHARS = 20_000  # longer code is shown without colours
_FORMULA_CHARS = 1_000
_FORMULA_DEPTH = 12  # of braces: the converter recurses

_MATH_ERRORS: tuple[type[Exception], ...] = (  # the converter's own, and what malformed formulas were seen to raise
    *(kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    *(ValueError, LookupError, AttributeError, TypeError, StopIteration),
)

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


def clean(markup: str) -> str:
    """Only what the allow-list names. Characters beyond the first plane are written as references, so that lengths are
    the same in Python and in JavaScript (`Text.keep` counts characters)."""
    return _ASTRAL.sub(lambda match: f"&#{ord(match[0])};", _cleaner.clean(markup))


@cache
def parser() -> MarkdownIt:
    """One parser a process; reference definitions are off, because a late one would change blocks that are finished."""
    md = MarkdownIt("commonmark", {"html": False, "maxNesting": _NESTING}).enable(["table", "strikethrough"])
    md.disable(["reference", "html_block", "html_inline"])
    texmath_plugin(md, delimiters="brackets")
    dollarmath_plugin(md, allow_space=False, allow_digits=False, double_inline=True)
    for rule in md.block.ruler.__rules__:
        if rule.name.startswith("math_block"):
            rule.fn = _mapped(rule.fn)
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


def _mapped(rule: Callable[..., bool]) -> Callable[..., bool]:
    """The rule, kept from reaching over an empty line (what is finished must stay so, whatever closes later), and with
    the lines that it took noted on its tokens (some plugins leave them out)."""

    def mapped(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        if not state.src.startswith(("$$", "\\["), state.bMarks[start] + state.tShift[start]):
            return False  # at once: looking for the empty line from every line would take quadratic time
        before, line = len(state.tokens), state.line
        limit = next((number for number in range(start, end) if state.isEmpty(number)), end)
        done = rule(state, start, limit, silent)
        if done and not silent and state.line > limit:
            del state.tokens[before:]
            state.line = line
            return False
        for token in state.tokens[before:]:
            token.map = token.map or [start, state.line]
        return done

    return mapped


def _code(_self: Any, tokens: Sequence[Token], index: int, *_: Any) -> str:
    content, language = tokens[index].content, tokens[index].info.strip().split(" ")[0]
    return f'<div class="code"><pre><code>{_coloured(content, language)}</code></pre></div>\n'


@lru_cache(maxsize=64)
def _coloured(content: str, language: str) -> str:
    if not language or len(content) > _CODE_CHARS or len(language) > 40:
        return html.escape(content)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return html.escape(content)
    return str(highlight(content, lexer, HtmlFormatter(nowrap=True)))


def _math(_self: Any, tokens: Sequence[Token], index: int, *_: Any) -> str:
    token = tokens[index]
    display = "block" if token.block or token.type == "math_inline_double" else "inline"
    return _formula(token.content.strip(), display) + ("\n" if token.block else "")


@lru_cache(maxsize=512)
def _formula(source: str, display: str) -> str:
    """MathML, or the formula as it was written where it cannot be read."""
    if source and len(source) <= _FORMULA_CHARS and _depth(source) <= _FORMULA_DEPTH:
        try:
            return str(converter.convert(source, display=display))
        except _MATH_ERRORS:
            pass
    return f'<code class="formula">{html.escape(source)}</code>'


def _depth(source: str) -> int:
    level = deepest = 0
    for part in re.findall(r"[{}]|\\(?:left|right|begin|end)\b", source):
        level += 1 if part in {"{", "\\left", "\\begin"} else -1
        deepest = max(deepest, level)
    return deepest


def _cell(_self: Any, tokens: Sequence[Token], index: int, *_: Any) -> str:
    style = str(tokens[index].attrs.get("style", ""))
    side = style.removeprefix("text-align:")
    return f'<{tokens[index].tag} class="align-{side}">' if side in _ALIGN else f"<{tokens[index].tag}>"


def _heading(_self: Any, tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Headings of an answer stand below the page's own first and second."""
    token = tokens[index]
    level = min(int(token.tag[1]) + 2, 6)
    return f"<h{level}>" if token.nesting == 1 else f"</h{level}>\n"
