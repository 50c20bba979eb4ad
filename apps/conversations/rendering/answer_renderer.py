"""The one renderer: what a model wrote, as HTML, whole or while it is being written, to the same bytes.

The text is cut into the blocks of Markdown. A block that is finished is never rendered again; of the one that grows
only what changed is sent. Nothing of what a person or a model wrote reaches a page by any other way.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.conversations.core.events import Text
from apps.conversations.grounding.sentence_state import SentenceReveal, get_sentence_state
from apps.conversations.rendering.citation_marks import (
    fold_unverified,
    group_by_sentence,
    insert_citation_marks,
    render_unread_languages,
)
from apps.conversations.rendering.link_policy import LinkPolicy
from apps.conversations.rendering.markdown import RenderTimeout, parse_block, render_tokens, sanitise_html, split_blocks
from apps.conversations.rendering.partial_markdown import close_open_markup
from apps.conversations.rendering.sentence_markers import (
    MAX_SENTENCES,
    ZERO_WIDTH,
    SentenceWrapper,
    find_sentences,
    get_stable_length,
    insert_markers,
)
from apps.lib.concurrency.cpu_deadline import Deadline
from apps.lib.text.sentences import Span

if TYPE_CHECKING:
    from uuid import UUID

    from apps.conversations.grounding.citer import SentenceCitation

log = logging.getLogger(__name__)

MAX_CHARACTERS = 100_000  # of one answer; what is beyond is not shown, and the answer says so
_ROUGH_CHARS = 50_000  # of one block of running text: longer is shown as it is
_ROUGH_SIGNS = 3_000  # that may open something, in one block
_SIGNS = r"[]*_`~!$\<&"  # those
_ROUND_S = 0.7  # of processor time for all blocks of one round; the rest of the text is shown as it was written
_BLOCK_S = 0.3  # for one block
_PACE_S = 60e-6  # for one character of an answer that grows; what costs more is shown again a little later
_AHEAD_S = 0.5  # that an answer may take before its characters have paid for it
_ROUGH = "rough"  # kind of a block that is shown as it was written
_LEVELS = 8  # quotes and lists that may begin in one line
_DECISIVE = 12  # characters of a line after which its kind of block is certain, except for fences and rules

# Private use (ours), controls, and the characters that turn the direction of what follows: nothing of them is shown.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff"
    "\ud800-\udfff\U000f0000-\U0010ffff]"
)
_RETURN = re.compile(r"\r(?=\n)")
_BREAKS = re.compile("[\r\u2028\u2029]")
_NEST = re.compile(rf"^((?:[ \t]*(?:>|[-*+]|\d{{1,9}}[.)])[ \t]?){{{_LEVELS}}})([ \t>*+.)\d-]+)", re.MULTILINE)
_FORMULA = re.compile(r"^[ \t>*+.)\d-]*(?:\$\$|\\\[)", re.MULTILINE)
_EMPTY_LINE = re.compile(r"\n[ \t]*\n")
_CUT = '<p class="cut">The answer goes on, but is too long to be shown.</p>\n'


@dataclass(slots=True)
class StreamRenderer:
    """Takes the answer piece by piece; says what changed, and which sentences are complete.

    However hostile a text is, one round takes about `_ROUND_S` of processor time at most, and an answer that grows
    about `_PACE_S` for each character: what would take longer is shown as it was written, or shown less often."""

    links: LinkPolicy = field(default_factory=LinkPolicy)
    blocks: list[str] = field(default_factory=list)  # HTML, as the client has it
    sentences: list[Span] = field(default_factory=list)  # complete ones, in the whole text
    _tail: str = ""  # from the first block that is not finished
    _at: int = 0  # where the tail begins
    _done: int = 0  # blocks that are finished
    _numbered: int = 0  # sentences in them
    _round: Deadline = field(default_factory=lambda: Deadline(_ROUND_S))
    _owed: float = -_AHEAD_S  # seconds of processor time beyond what the characters so far pay for
    _cut: bool = False

    def feed(self, piece: str) -> list[Text]:
        """Adds a piece; the changes to what the client shows."""
        self._add(piece)
        self._owed = max(self._owed - len(piece) * _PACE_S, -_AHEAD_S)
        if not piece or self._owed > 0:
            return []
        changes = self._render(final=False)
        self._owed += self._round.spent
        return changes

    def finish(self, piece: str = "") -> list[Text]:
        """Nothing follows `piece`: every block and sentence is complete, and unfinished Markdown stands as it was
        written."""
        self._add(piece)
        changes = self._render(final=True)
        if self._cut:
            changes += self._show(self._done, _CUT)
            self._done += 1
        return changes

    def _add(self, piece: str) -> None:
        room = MAX_CHARACTERS - self._at - len(self._tail)
        self._cut = self._cut or len(piece) > room
        self._tail += piece[: max(room, 0)]

    def _render(self, final: bool) -> list[Text]:
        self._round = Deadline(_ROUND_S)
        source = _strip_unsafe_characters(self._tail[:-1] if self._tail.endswith("\r") and not final else self._tail)
        found = _blocks(source, self._round)
        del self.sentences[self._numbered :]
        number, finished, place, changes = self._numbered, 0, 0, list[Text]()
        while place < len(found):
            block = found[place]
            if self._round.passed:
                found[place:] = [block := _Block(block.start, len(source), _ROUGH)]
            following = found[place + 1] if place + 1 < len(found) else None
            done = final or (finished == place and following is not None and _is_finished(source, block, following))
            text = source[block.start : following.start if following else len(source)]
            markup, kept = self._block(block.kind, text, number, whole=final or following is not None)
            if done or finished == place:
                until = len(text) if done else get_stable_length(source[block.start :])
                offset = self._at + block.start
                self.sentences += [(a + offset, b + offset) for a, b in kept if b <= until]
            changes += self._show(self._done + place, markup)
            number += len(kept)
            place += 1
            finished = place if done else finished
        for place in range(self._done + len(found), len(self.blocks)):
            changes += self._show(place, "")
        self._advance(found, finished, len(source))
        return changes

    def _block(self, kind: str, text: str, first: int, *, whole: bool) -> tuple[str, list[Span]]:
        """Return the HTML of a block, and its sentences; the end of one that is not `whole` is closed or held back."""
        spans = find_sentences(text)
        shown = text if whole else close_open_markup(text)
        known = spans if shown == text.rstrip(" ") else find_sentences(shown)  # a space at the end changes none
        rough = kind == _ROUGH or _exceeds_parse_budget(shown) or first + len(known) > MAX_SENTENCES
        made = "" if rough else self._safe_html(shown, known, first)
        return made or _plain(text), spans

    def _safe_html(self, text: str, sentences: list[Span], first: int) -> str:
        """The HTML of a text; "" where that costs too much or cannot be made."""
        try:
            return self._html(text, sentences, first)
        except RenderTimeout:
            return ""
        except Exception:  # of a parser: one block is not worth the page
            log.exception("A block of an answer cannot be rendered")
            return ""

    def _html(self, text: str, sentences: list[Span], first: int) -> str:
        marked = insert_markers(text, sentences, first)
        deadline = Deadline(min(_BLOCK_S, self._round.left))
        tokens = parse_block(marked, deadline)
        SentenceWrapper(self.links, deadline).block(tokens)
        return sanitise_html(render_tokens(tokens, deadline))

    def _advance(self, found: list[_Block], finished: int, length: int) -> None:
        start = found[finished].start if finished < len(found) else length
        if finished:
            end = self._at + start
            self._numbered = sum(1 for span in self.sentences if span[0] < end)
            self._done += finished
            self._tail, self._at = self._tail[start:], end

    def _show(self, place: int, markup: str) -> list[Text]:
        while len(self.blocks) <= place:
            self.blocks.append("")
        before = self.blocks[place]
        if markup == before:
            return []
        keep = _common(before, markup)
        self.blocks[place] = markup
        return [Text(place, keep, markup[keep:])]


@dataclass(frozen=True, slots=True)
class _Block:
    start: int
    end: int
    kind: str


def render_answer(
    text: str,
    citations: Iterable[SentenceCitation],
    answer_id: UUID | str,
    links: LinkPolicy | None = None,
    gone: Collection[int] = (),
    *,
    only_verified: bool = False,
    bare: bool = False,
    unread_languages: Sequence[str] = (),
) -> str:
    """Return a whole answer as the stream and its `Cited` events end with. `gone` are sources that cannot be opened
    now. With `only_verified` the rest is folded below what is verified; with `bare` no pills name sources.
    `unread_languages` are those that the check did not know: a line at the end says so."""
    renderer, citations = StreamRenderer(links or LinkPolicy()), list(citations)
    renderer.finish(text)
    blocks = "".join(renderer.blocks)
    markup = insert_citation_marks(blocks, citations, answer_id, gone, bare=bare)
    note = render_unread_languages(unread_languages)
    if not only_verified:
        return markup + note
    reveal = _reveal(text, renderer.sentences, citations)
    return fold_unverified(blocks, markup, reveal.shown, reveal.folded) + note


def extract_verified_text(text: str, citations: Iterable[SentenceCitation]) -> str:
    """Return the sentences of an answer that stand open where only verified ones are shown, a space between them."""
    renderer = StreamRenderer()
    renderer.finish(text)
    shown = [renderer.sentences[number] for number in _reveal(text, renderer.sentences, citations).shown]
    return " ".join(text[start:end] for start, end in shown)


def _reveal(text: str, sentences: Sequence[Span], citations: Iterable[SentenceCitation]) -> SentenceReveal:
    reveal, cited = SentenceReveal(), group_by_sentence(citations)
    for number, (start, end) in enumerate(sentences):
        reveal.add(number, text[start:end], get_sentence_state(cited.get(number, ())))
    return reveal


def _common(one: str, other: str) -> int:
    """How many characters the two begin with together."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def render_question(text: str) -> str:
    """A question as it was written: no markup, line breaks kept."""
    shown = _HIDDEN.sub("", _BREAKS.sub("\n", _RETURN.sub("", text))).strip()
    paragraphs = re.split(r"\n[ \t]*\n+", shown)
    return "".join(f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


def _strip_unsafe_characters(text: str) -> str:
    """The text without what may not be shown, of the same length, so that spans stay true."""
    text = _BREAKS.sub("\n", _RETURN.sub(" ", _HIDDEN.sub(ZERO_WIDTH, text)))
    return _NEST.sub(lambda found: found[1] + re.sub(r"[^\s\d]", "·", found[2]), text)


def _blocks(text: str, deadline: Deadline | None = None) -> list[_Block]:
    """The top-level blocks of Markdown in order; one rough one where the deadline passes meanwhile."""
    if _is_line(text):
        return [_Block(0, len(text), "paragraph_open")]
    try:
        tokens = split_blocks(text, deadline)
    except RenderTimeout:
        return [_Block(0, len(text), _ROUGH)]
    except Exception:  # of a parser
        log.exception("The blocks of an answer cannot be found")
        return [_Block(0, len(text), _ROUGH)]
    lines = [0, *(found.end() for found in re.finditer("\n", text)), len(text)]
    return [
        _Block(lines[token.map[0]], lines[min(token.map[1], len(lines) - 1)], token.type)
        for token in tokens
        if token.level == 0 and token.map and token.nesting >= 0
    ]


def _plain(text: str) -> str:
    """A block as it was written."""
    return sanitise_html(f'<p class="plain">{html.escape(text.strip())}</p>\n')


def _is_line(text: str) -> bool:
    """Whether this is one line that begins as running text does: a paragraph, whatever follows in the line."""
    return text[:1].isalpha() and "\n" not in text


def _is_finished(text: str, block: _Block, following: _Block) -> bool:
    """Whether no continuation of the text can change `block`, now that `following` has begun."""
    rest = text[following.start :]
    if _FORMULA.search(text, block.start, following.start) and not _EMPTY_LINE.search(text, block.start):
        return False  # a formula that is open may yet swallow what follows
    complete = rest.count("\n")
    if following.kind == "table_open":
        return complete >= 2
    if complete:
        return True
    parted = (
        text[block.start : following.start].count("\n") - text[block.start : following.start].rstrip().count("\n") > 1
    )
    if parted and block.kind not in {"bullet_list_open", "ordered_list_open", "blockquote_open", "code_block"}:
        return True
    return len(rest.strip()) >= _DECISIVE and not rest.lstrip().startswith(
        ("```", "~~~", "***", "___", "---", "===", "|")
    )


def _exceeds_parse_budget(text: str) -> bool:
    """Return whether this block would cost more to read than it can be worth."""
    if text.lstrip().startswith(("```", "~~~")):
        return False
    return len(text) > _ROUGH_CHARS or sum(map(text.count, _SIGNS)) > _ROUGH_SIGNS
