"""Render the Markdown of a model as HTML, complete or while it is streamed, with the same result.

The text is split into Markdown blocks. Finished blocks are not rendered again; of a growing block, only the changed end
is sent. All text of users and models reaches pages through this module.

Entry points: `StreamRenderer`, `render_answer`, `render_question`, `extract_verified_text`.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from apps.conversations.core.events import Text
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
from apps.grounding.sentence_state import SentenceReveal, get_sentence_state
from apps.lib.concurrency.cpu_deadline import Deadline
from apps.lib.text.sentences import Span

if TYPE_CHECKING:
    from uuid import UUID

    from apps.grounding.citer import SentenceCitation

log = logging.getLogger(__name__)

MAX_CHARACTERS = 100_000  # of one answer; the rest is not shown, and the answer says so
_ROUGH_CHARS = 50_000  # of one block of running text; longer blocks are shown as plain text
_ROUGH_SIGNS = 3_000  # of _SIGNS in one block; blocks with more are shown as plain text
_SIGNS = r"[]*_`~!$\<&"  # signs that may open markup
_ROUND_S = 0.7  # seconds of processor time for all blocks of one round; the rest is shown as plain text
_BLOCK_S = 0.3  # seconds for one block
_PACE_S = 60e-6  # seconds per streamed character; a costlier answer is rendered less often
_AHEAD_S = 0.5  # seconds that an answer may use in advance
_ROUGH = "rough"  # kind of a block that is shown as plain text
_LEVELS = 8  # nested quotes and lists that may begin in one line
_DECISIVE = 12  # characters after which the kind of a block is certain, except for fences and rules

# Characters that are never shown: private use (used for markers), controls, and changes of text direction.
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
    """Renderer of a growing answer: returns the changes of its HTML, and collects the complete sentences.

    Costs are bounded for hostile text too: about `_ROUND_S` of processor time per round, and `_PACE_S` per character.
    Blocks that cost more are shown as plain text, or less often.
    """

    links: LinkPolicy = field(default_factory=LinkPolicy)
    blocks: list[str] = field(default_factory=list)  # HTML of each block, as the client has it
    sentences: list[Span] = field(default_factory=list)  # spans of complete sentences in the whole text
    _open_text: str = ""  # text from the first unfinished block on
    _open_start: int = 0  # position of `_open_text` in the text
    _finished_blocks: int = 0  # number of finished blocks
    _finished_sentences: int = 0  # number of sentences in them
    _round: Deadline = field(default_factory=lambda: Deadline(_ROUND_S))
    _overrun_s: float = -_AHEAD_S  # seconds of processor time used beyond `_PACE_S` per character
    _cut: bool = False

    def feed(self, piece: str) -> list[Text]:
        """Add a piece; return the changes of the HTML, [] while the processor time is used up."""
        self._add(piece)
        self._overrun_s = max(self._overrun_s - len(piece) * _PACE_S, -_AHEAD_S)
        if not piece or self._overrun_s > 0:
            return []
        changes = self._render(final=False)
        self._overrun_s += self._round.spent
        return changes

    def finish(self, piece: str = "") -> list[Text]:
        """Add the last piece; return the remaining changes, none if called again. Unfinished Markdown is shown as
        written."""
        self._add(piece)
        changes = self._render(final=True)
        if self._cut:
            changes += self._show(self._finished_blocks, _CUT)
            self._finished_blocks += 1
            self._cut = False
        return changes

    def _add(self, piece: str) -> None:
        room = MAX_CHARACTERS - self._open_start - len(self._open_text)
        self._cut = self._cut or len(piece) > room
        self._open_text += piece[: max(room, 0)]

    def _render(self, final: bool) -> list[Text]:
        self._round = Deadline(_ROUND_S)
        source = _strip_unsafe_characters(
            self._open_text[:-1] if self._open_text.endswith("\r") and not final else self._open_text
        )
        found = _blocks(source, self._round)
        del self.sentences[self._finished_sentences :]
        number, finished, index, changes = self._finished_sentences, 0, 0, list[Text]()
        while index < len(found):
            block = found[index]
            if self._round.passed:
                found[index:] = [block := _Block(block.start, len(source), _ROUGH)]
            following = found[index + 1] if index + 1 < len(found) else None
            done = final or (finished == index and following is not None and _is_finished(source, block, following))
            text = source[block.start : following.start if following else len(source)]
            markup, spans = self._block(block.kind, text, number, whole=final or following is not None)
            if done or finished == index:
                until = len(text) if done else get_stable_length(source[block.start :])
                offset = self._open_start + block.start
                self.sentences += [(a + offset, b + offset) for a, b in spans if b <= until]
            changes += self._show(self._finished_blocks + index, markup)
            number += len(spans)
            index += 1
            finished = index if done else finished
        for index in range(self._finished_blocks + len(found), len(self.blocks)):
            changes += self._show(index, "")
        self._advance(found, finished, len(source))
        return changes

    def _block(self, kind: str, text: str, first: int, *, whole: bool) -> tuple[str, list[Span]]:
        """Return the HTML of a block, and its sentences; the end of a block that is not `whole` is closed or held
        back.
        """
        spans = find_sentences(text)
        shown = text if whole else close_open_markup(text)
        known = spans if shown == text.rstrip(" ") else find_sentences(shown)  # a trailing space changes no sentence
        rough = kind == _ROUGH or _exceeds_parse_budget(shown) or first + len(known) > MAX_SENTENCES
        made = "" if rough else self._safe_html(shown, known, first)
        return made or _render_plain(text), spans

    def _safe_html(self, text: str, sentences: list[Span], first: int) -> str:
        """Return the HTML of a text; "" if rendering fails or costs too much."""
        try:
            return self._html(text, sentences, first)
        except RenderTimeout:
            return ""
        except Exception:  # any error of a parser: the block is shown as plain text
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
            end = self._open_start + start
            self._finished_sentences = sum(1 for span in self.sentences if span[0] < end)
            self._finished_blocks += finished
            self._open_text, self._open_start = self._open_text[start:], end

    def _show(self, index: int, markup: str) -> list[Text]:
        while len(self.blocks) <= index:
            self.blocks.append("")
        before = self.blocks[index]
        if markup == before:
            return []
        keep = _common_length(before, markup)
        self.blocks[index] = markup
        return [Text(index, keep, markup[keep:])]


@dataclass(frozen=True, slots=True)
class _Block:
    """Top-level block: [start, end) of the text, with its token type."""

    start: int
    end: int
    kind: str


def render_answer(
    text: str,
    citations: Iterable[SentenceCitation],
    answer_id: UUID | str,
    links: LinkPolicy | None = None,
    unavailable: Collection[int] = (),
    shown_numbers: Mapping[int, int] | None = None,
    *,
    only_verified: bool = False,
    bare: bool = False,
    unread_languages: Sequence[str] = (),
) -> str:
    """Return the HTML of a whole answer, as after the last event of its stream.

    `unavailable` are sources that cannot be opened now, `shown_numbers` the numbers as in `render_citation_marks`. With
    `only_verified`, unverified sentences are collapsed below. With `bare`, citation marks are left out.
    `unread_languages` adds a line about languages that the check does not know.
    """
    renderer, citations = StreamRenderer(links or LinkPolicy()), list(citations)
    renderer.finish(text)
    blocks = "".join(renderer.blocks)
    markup = insert_citation_marks(blocks, citations, answer_id, unavailable, shown_numbers, bare=bare)
    note = render_unread_languages(unread_languages)
    if not only_verified:
        return markup + note
    reveal = _compute_reveal(text, renderer.sentences, citations)
    return fold_unverified(blocks, markup, reveal.shown, reveal.folded) + note


def extract_verified_text(text: str, citations: Iterable[SentenceCitation]) -> str:
    """Return the sentences that are visible if only verified ones are shown, as they stand in the text."""
    return keep_verified(text, citations)[0]


def keep_verified(text: str, citations: Iterable[SentenceCitation]) -> tuple[str, list[SentenceCitation]]:
    """Return the text without the sentences that are folded if only verified ones are shown, and the citations of the
    others, with their places in that text. A paragraph of which something is left stays one."""
    renderer, cited = StreamRenderer(), group_by_sentence(citations)
    renderer.finish(text)
    kept: list[SentenceCitation] = []
    left, before = "", -1
    reveal = _compute_reveal(text, renderer.sentences, [cite for found in cited.values() for cite in found])
    for number in sorted(reveal.shown):
        start, end = renderer.sentences[number]
        if before >= 0:
            between = text[renderer.sentences[before][1] : start]
            left += between if number == before + 1 else "\n\n" if "\n" in between else " "
        moved = len(left) - start
        kept += [replace(cite, start=cite.start + moved, end=cite.end + moved) for cite in cited.get(number, ())]
        left, before = left + text[start:end], number
    return left, kept


def _compute_reveal(text: str, sentences: Sequence[Span], citations: Iterable[SentenceCitation]) -> SentenceReveal:
    reveal, cited = SentenceReveal(), group_by_sentence(citations)
    for number, (start, end) in enumerate(sentences):
        reveal.add(number, text[start:end], get_sentence_state(cited.get(number, ())))
    return reveal


def _common_length(one: str, other: str) -> int:
    """Return the length of the common prefix."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def render_question(text: str) -> str:
    """Return the question as HTML: escaped, with line breaks."""
    shown = _HIDDEN.sub("", _BREAKS.sub("\n", _RETURN.sub("", text))).strip()
    paragraphs = re.split(r"\n[ \t]*\n+", shown)
    return "".join(f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


def _strip_unsafe_characters(text: str) -> str:
    """Return the text with unsafe characters replaced one to one, so that spans stay valid."""
    text = _BREAKS.sub("\n", _RETURN.sub(" ", _HIDDEN.sub(ZERO_WIDTH, text)))
    return _NEST.sub(lambda found: found[1] + re.sub(r"[^\s\d]", "·", found[2]), text)


def _blocks(text: str, deadline: Deadline | None = None) -> list[_Block]:
    """Return the top-level blocks in order; a single plain one if the deadline passes or the parser fails."""
    if _is_line(text):
        return [_Block(0, len(text), "paragraph_open")]
    try:
        tokens = split_blocks(text, deadline)
    except RenderTimeout:
        return [_Block(0, len(text), _ROUGH)]
    except Exception:  # any error of a parser
        log.exception("The blocks of an answer cannot be found")
        return [_Block(0, len(text), _ROUGH)]
    lines = [0, *(found.end() for found in re.finditer("\n", text)), len(text)]
    return [
        _Block(lines[token.map[0]], lines[min(token.map[1], len(lines) - 1)], token.type)
        for token in tokens
        if token.level == 0 and token.map and token.nesting >= 0
    ]


def _render_plain(text: str) -> str:
    """Return the block as plain text in HTML."""
    return sanitise_html(f'<p class="plain">{html.escape(text.strip())}</p>\n')


def _is_line(text: str) -> bool:
    """Return whether the text is one line that begins with a letter, and thus a paragraph."""
    return text[:1].isalpha() and "\n" not in text


def _is_finished(text: str, block: _Block, following: _Block) -> bool:
    """Return whether no continuation of the text can change the block, now that `following` has begun."""
    rest = text[following.start :]
    if _FORMULA.search(text, block.start, following.start) and not _EMPTY_LINE.search(text, block.start):
        return False  # an open formula may still include what follows
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
    """Return whether the block would be too costly to parse."""
    if text.lstrip().startswith(("```", "~~~")):
        return False
    return len(text) > _ROUGH_CHARS or sum(map(text.count, _SIGNS)) > _ROUGH_SIGNS
