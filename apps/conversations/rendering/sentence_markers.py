"""Track sentences through Markdown: a private-use character with the number of the sentence marks each beginning.

The parser passes the markers on inside text; they become spans around the text, with a slot for citation marks behind.
A marker stands between spaces, so that it does not change how emphasis opens or closes, and after the syntax of
headings, items and rows. Private-use characters of the text itself are removed before.

Entry points: `find_sentences`, `insert_markers`, `SentenceWrapper`, `get_stable_length`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markdown_it.token import Token

from apps.conversations.rendering.link_policy import LinkPolicy, normalise_address, render_host
from apps.conversations.rendering.markdown import check_deadline
from apps.grounding.model_citations import strip_model_citations
from apps.lib.concurrency.cpu_deadline import Deadline
from apps.lib.text import sentences
from apps.lib.text.sentences import Span, count_stable
from apps.safety.text.links import find_address_spans

_AFTER_SPACE = 0xF0000  # + number: the space after the marker was inserted
_NO_SPACE = 0x100000  # + number: the spaces on both sides were inserted
MAX_SENTENCES = 60_000  # numbers that fit into a private-use plane

# A marker with the spaces that were inserted. The first character class makes the search three times as fast as two
# alternatives.
_MARKS = re.compile("[ \U000f0000-\U0010fffd](?:(?<! )|[\U00100000-\U0010fffd]) ?")
_SYNTAX = re.compile(r"(?:[ \t]*+(?:>|[-*+]|\d{1,9}[.)]|#{1,6}|\|)(?=[ \t]|(?<=[>|])))*+[ \t]*+(?:\[[ xX]\][ \t]++)?")
_WHOLE = re.compile(
    r"(?<!`)(`{1,2})(?!`)(?:(?!\1)[^\n]){1,2000}\1(?!`)|(?<![\\$\d])\$(?![\s\d$])[^$\n]{0,500}(?<!\s)\$(?!\d)|\\\([^\n]{1,500}?\\\)"
)
_OPENED = re.compile(r"(?<!`)`{1,2}(?!`)|(?<![\\$\d])\$(?![\s\d$])|\\\(")
SENTENCE = '<span class="sentence" data-sentence="%d">'
SLOT = '<span class="pills" data-sentence="%d"></span>'
_INLINE = ("code_inline", "math_inline")  # tokens that belong to the text of a sentence
ZERO_WIDTH = "\u200b"  # replaces characters that must not be shown


def is_numbered_sentence(text: str, span: Span) -> bool:
    """Return whether the span is a sentence that gets a number: not code, a displayed formula or a line of signs."""
    piece = text[span[0] : span[1]]
    if piece[:1].isalnum():  # neither a source number nor code begins with a letter or digit
        return True
    shown = strip_model_citations(piece)
    return any(char.isalnum() for char in shown) and not piece.lstrip(" >\t").startswith(("```", "~~~", "$$", "\\["))


def find_sentences(text: str) -> list[Span]:
    """Return the spans of the numbered sentences of a block. Full stops in code or formulas end none."""
    inside = [found.span() for found in _WHOLE.finditer(text)] if _may_open(text) else []
    joined: list[Span] = []
    offset = 0
    for start, end in _spans(text):
        while offset < len(inside) and inside[offset][1] <= start:
            offset += 1
        if joined and offset < len(inside) and inside[offset][0] < start:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return [span for span in joined if is_numbered_sentence(text, span)]


def _may_open(text: str) -> bool:
    """Return whether the text may hold code or a formula."""
    return "`" in text or "$" in text or r"\(" in text


@lru_cache(maxsize=4)  # called for all sentences of a growing block, then for the stable ones
def _spans(text: str) -> tuple[Span, ...]:
    return tuple(sentences.find_sentences(text))


def get_stable_length(text: str) -> int:
    """Return the length up to which the sentences of a growing block no longer change."""
    every = list(_spans(text))
    done = count_stable(text, every)
    end = every[done - 1][1] if done else 0
    opened = _OPENED.search(_WHOLE.sub(lambda found: ZERO_WIDTH * len(found[0]), text)) if _may_open(text) else None
    return min(end, opened.start()) if opened else end


def insert_markers(text: str, sentences: Sequence[Span], first: int) -> str:
    """Return the text with a marker at the beginning of each sentence, numbered from `first`."""
    pieces: list[str] = []
    at = 0
    for number, (start, end) in enumerate(sentences, first):
        line = text.rfind("\n", 0, start) + 1
        offset = start
        if not text[line:start].strip(" \t>"):
            syntax = _SYNTAX.match(text, start, end)
            offset = syntax.end() if syntax and syntax.end() < end else start
        glued = offset == start and offset > 0 and not text[offset - 1].isspace() and offset > line
        pieces += [text[at:offset], f" {chr(_NO_SPACE + number)} " if glued else f"{chr(_AFTER_SPACE + number)} "]
        at = offset
    return "".join([*pieces, text[at:]])


def strip_markers(text: str) -> str:
    """Return the text without markers."""
    return _MARKS.sub("", text)


@dataclass(slots=True)
class SentenceWrapper:
    """Wraps the text of sentences in the inline tokens of one block."""

    links: LinkPolicy
    deadline: Deadline | None = None  # RenderTimeout is raised after it
    current_sentence: int | None = None  # number of the sentence of the next piece
    output: list[Token] = field(default_factory=list)
    open_links: list[str] = field(default_factory=list)  # URLs of open links; "" for links shown as text
    link_text: str = ""  # text of the open link
    delayed_slots: list[int] = field(default_factory=list)  # slots delayed until the end of a link

    def block(self, tokens: Sequence[Token]) -> None:
        """Wrap in place.

        A sentence may continue through the cells of a row, and nowhere else beyond its inline token.
        """
        inlines = _inlines(tokens)
        last: dict[int, int] = {}
        current = None
        for index, (token, joined) in enumerate(inlines):
            current = current if joined else None
            found = [_number(m[0]) for m in _MARKS.finditer("".join(c.content for c in token.children or []))]
            last |= dict.fromkeys(found if current is None else [current, *found], index)
            current = found[-1] if found else current
        for index, (token, joined) in enumerate(inlines):
            check_deadline(self.deadline)
            self.current_sentence = self.current_sentence if joined else None
            self.output = []
            for child in token.children or []:
                self._child(child)
            if self.current_sentence is not None and last[self.current_sentence] == index:
                self._slot(self.current_sentence)
            token.children = self.output

    def _child(self, child: Token) -> None:
        if child.type in {"text", "image"}:
            self._text(child.content)
        elif child.type == "link_open":
            address = str(child.attrs.get("href", ""))
            self.open_links.append(address if self.links.allow(address) else "")
            if self.open_links[-1]:
                self.link_text = ""
                child.attrs = {"href": address}
                self.output.append(child)
        elif child.type == "link_close":
            if address := self.open_links.pop():
                self._raw(render_host(address, self.link_text))
                self.output.append(child)
            if not any(self.open_links):
                while self.delayed_slots:
                    self._slot(self.delayed_slots.pop(0))
        else:
            child.content = strip_markers(child.content)
            within = self.current_sentence is not None and child.type.startswith(_INLINE)
            self._raw(SENTENCE % self.current_sentence if within else "")
            self.output.append(child)
            self._raw("</span>" if within else "")

    def _text(self, text: str) -> None:
        at = 0
        for found in _MARKS.finditer(text):
            self._piece(text[at : found.start()])
            if self.current_sentence is not None:
                self._slot(self.current_sentence)
            self.current_sentence = _number(found[0])
            at = found.end()
        self._piece(text[at:])

    def _piece(self, text: str) -> None:
        shown = strip_model_citations(text).replace(ZERO_WIDTH, "")
        core = shown.strip()
        if not core:
            self._raw(shown)
            return
        before = len(shown) - len(shown.lstrip())
        self._raw(shown[:before])
        self.link_text += shown
        body = html.escape(core, quote=False) if any(self.open_links) else self._linked(core)
        self._raw(body if self.current_sentence is None else f"{SENTENCE % self.current_sentence}{body}</span>")
        self._raw(shown[before + len(core) :])

    def _linked(self, text: str) -> str:
        """Return the escaped text; written-out addresses become links if allowed."""
        parts, at = [], 0
        for start, end in find_address_spans(text):
            address = text[start:end]
            if self.links.allow(normalise_address(address)):
                shown = html.escape(address)
                parts += [
                    html.escape(text[at:start], quote=False),
                    f'<a href="{html.escape(normalise_address(address))}">{shown}</a>',
                ]
                at = end
        return "".join([*parts, html.escape(text[at:], quote=False)])

    def _raw(self, markup: str) -> None:
        if markup:
            self.output.append(Token("html_inline", "", 0, content=markup))

    def _slot(self, number: int) -> None:
        """Insert the slot for citation marks behind the sentence, before the space that follows."""
        if any(self.open_links):
            self.delayed_slots.append(number)
            return
        index = len(self.output)
        while index and (
            self.output[index - 1].type in {"softbreak", "hardbreak"} or self.output[index - 1].content.isspace()
        ):
            index -= 1
        self.output.insert(index, Token("html_inline", "", 0, content=SLOT % number))


def _inlines(tokens: Sequence[Token]) -> list[tuple[Token, bool]]:
    """Return the inline tokens, each with whether it continues the row of the one before; other markers are removed."""
    found: list[tuple[Token, bool]] = []
    joined = False
    for token in tokens:
        if token.children is not None:
            found.append((token, joined))
            joined = True
        else:
            token.content, token.info = strip_markers(token.content), strip_markers(token.info)
            joined = joined and token.type in {"td_open", "td_close", "th_open", "th_close"}
    return found


def _number(found: str) -> int:
    code = ord(found.strip())
    return code - (_NO_SPACE if code >= _NO_SPACE else _AFTER_SPACE)
