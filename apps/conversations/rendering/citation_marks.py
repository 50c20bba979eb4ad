"""Render citation marks behind sentences, and marks of unverified sentences, for events and reloads alike.

A source has one number through its conversation, by which prompts and addresses name it. Readers see another one, from
1 in each answer: `number_sources`.

Entry points: `number_sources`, `list_cited_sources`, `render_citation_marks`, `insert_citation_marks`,
`fold_unverified`, `explain_unread_languages`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.utils.html import escape
from django.utils.translation import gettext, gettext_lazy, ngettext

from apps.conversations.rendering.sentence_markers import SENTENCE, SLOT
from apps.documents.retrieval.filters import get_language_label
from apps.grounding.sentence_state import SentenceState, get_sentence_state
from apps.users.i18n import translate_stored

if TYPE_CHECKING:
    from uuid import UUID

    from django_stubs_ext import StrOrPromise

    from apps.grounding.citer import SentenceCitation

UNVERIFIED = gettext_lazy("Not verified: no passage was found that says this")
CONTRADICTED = gettext_lazy("Contradicted: a passage says otherwise")
_SENTENCE_TITLES: Mapping[SentenceState, StrOrPromise] = {
    SentenceState.UNVERIFIED: UNVERIFIED,
    SentenceState.CONTRADICTED: CONTRADICTED,
}
FROM_TOOL = gettext_lazy("From the result of a tool: %(tool)s")
SOURCE_GONE = gettext_lazy("This source was deleted, or you can no longer open it")
STATE_LABELS: Mapping[SentenceState, StrOrPromise] = {
    SentenceState.QUOTED: gettext_lazy("Quoted"),
    SentenceState.SUPPORTED: gettext_lazy("Supported"),
    SentenceState.UNVERIFIED: gettext_lazy("Not verified"),
    SentenceState.CONTRADICTED: gettext_lazy("Contradicted"),
}
_SENTENCE = re.compile(re.escape(SENTENCE).replace("%d", r"(\d+)"))
_SLOT = re.compile(re.escape(SLOT).replace("%d", r"(\d+)"))
_MARKED = re.compile(r'<span class="sentence( unverified(?: contradicted)?)?" data-sentence="(\d+)"')
_CODE = '<div class="code"'  # begins a code block, which is not verified
_HEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)


def number_sources(sources: Iterable[int]) -> dict[int, int]:
    """Return the number that an answer shows, from 1, by source number; in order of first appearance.

    The order is: sources of its quotes, those of its sentences, other ones.
    """
    return {source: number for number, source in enumerate(dict.fromkeys(sources), 1)}


def list_cited_sources(citations: Iterable[SentenceCitation]) -> list[int]:
    """Return the source numbers of the citations, sentence by sentence, the best of each first; with repetitions.

    Passages to compare a sentence with are among them.
    """
    found = [
        (cite.sentence, not cite.quoted, -cite.score, number)
        for cite in citations
        if (number := cite.compared if cite.source is None else cite.source) is not None
    ]
    return [number for *_, number in sorted(found)]


def render_citation_marks(
    citations: Sequence[SentenceCitation],
    answer_id: UUID | str,
    unavailable: Collection[int] = (),
    shown_numbers: Mapping[int, int] | None = None,
) -> str:
    """Return one mark for all sources of a sentence, the best first; greyed out if none can be opened.

    `shown_numbers` are the numbers of `number_sources`; without it, those of the sources are shown. A sentence that is
    not verified, or contradicted, gets words for screen readers and a link to the passage to compare it with; one that
    states nothing gets "".
    """
    state = get_sentence_state(citations)
    if state is None:
        return ""
    if not state.is_verified:
        return _render_compared(citations[0], state, answer_id, unavailable, shown_numbers or {})
    found = {cite.source: cite for cite in sorted(citations, key=_sort_key) if cite.source is not None}
    numbers = sorted(
        found, key=lambda number: (number not in unavailable, *_sort_key(found[number]), -number), reverse=True
    )
    if not numbers:
        return next((_render_tool_mark(cite.tool) for cite in citations if cite.tool), "")
    first, more = numbers[0], len(numbers) - 1
    seen = [shown_numbers.get(number, number) for number in numbers] if shown_numbers else numbers
    label = f'{seen[0]}<span class="more"> +{more}</span>' if more else str(seen[0])
    if first in unavailable:
        return f'<span class="pill gone" title="{SOURCE_GONE}">{label}</span>'
    names = ngettext("Source %(numbers)s", "Sources %(numbers)s", len(numbers))
    words = f"{STATE_LABELS[state]}: {names % {'numbers': ', '.join(map(str, seen))}}"
    return (
        f'<a class="pill" href="/answers/{answer_id}/sources/{first}/?sentence={found[first].sentence}" '
        f'data-source="{seen[0]}" data-sources="{",".join(map(str, seen))}" data-state="{state}" '
        f'aria-label="{escape(words)}">{label}</a>'
    )


def _render_compared(
    cite: SentenceCitation,
    state: SentenceState,
    answer_id: UUID | str,
    unavailable: Collection[int],
    shown_numbers: Mapping[int, int],
) -> str:
    hidden = f'<span class="visually-hidden"> [{escape(describe_state(state))}]</span>'
    number = cite.compared
    if number is None or number in unavailable:
        return hidden
    shown = shown_numbers.get(number, number)
    link = (
        f'<a class="pill compare" href="/answers/{answer_id}/sources/{number}/?sentence={cite.sentence}" '
        f'data-source="{shown}" data-state="{state}">{escape(describe_comparison(state, shown))}</a>'
    )
    return link if state is SentenceState.CONTRADICTED else hidden + link


def describe_state(state: SentenceState) -> str:
    """Return the words in brackets behind a sentence that is not verified, or contradicted."""
    return gettext("contradicted") if state is SentenceState.CONTRADICTED else gettext("not verified")


def describe_comparison(state: SentenceState, number: int) -> str:
    """Return the words that name the passage to compare a sentence with, by the number that the answer shows."""
    if state is SentenceState.CONTRADICTED:
        return gettext("contradicted by %(number)s") % {"number": number}
    return gettext("compare with %(number)s") % {"number": number}


def _sort_key(cite: SentenceCitation) -> tuple[bool, float]:
    """Return the sort key of a citation: quoted ones first, then by score."""
    return cite.quoted, cite.score


def _render_tool_mark(title: str) -> str:
    """Return the mark of a sentence that rests on a tool result, whose card stands above the answer."""
    name = escape(translate_stored(title))
    return f'<span class="pill tool" title="{escape(FROM_TOOL % {"tool": translate_stored(title)})}">{name}</span>'


def group_by_sentence(citations: Iterable[SentenceCitation]) -> dict[int, list[SentenceCitation]]:
    """Return the citations by number of sentence; sentences that state nothing have none."""
    found: dict[int, list[SentenceCitation]] = defaultdict(list)
    for cite in citations:
        found[cite.sentence].append(cite)
    return dict(found)


def insert_citation_marks(
    markup: str,
    citations: Iterable[SentenceCitation],
    answer_id: UUID | str,
    unavailable: Collection[int],
    shown_numbers: Mapping[int, int] | None,
    *,
    bare: bool,
) -> str:
    """Return the HTML with citation marks in their slots, and unverified sentences marked.

    With `bare`, only the latter. `shown_numbers` as in `render_citation_marks`.
    """
    found = group_by_sentence(citations)

    def sentence(match: re.Match[str]) -> str:
        state = get_sentence_state(found.get(int(match[1]), []))
        if state is None or state.is_verified:
            return match[0]
        kinds = "unverified contradicted" if state is SentenceState.CONTRADICTED else "unverified"
        return f'<span class="sentence {kinds}" data-sentence="{match[1]}" title="{_SENTENCE_TITLES[state]}">'

    def slot(match: re.Match[str]) -> str:
        pills = render_citation_marks(found.get(int(match[1]), []), answer_id, unavailable, shown_numbers)
        return match[0].replace("></span>", f">{pills}</span>")

    marked = _SENTENCE.sub(sentence, markup)
    return marked if bare else _SLOT.sub(slot, marked)


def explain_unread_languages(codes: Sequence[str]) -> str:
    """Return why sentences are unverified, for languages (ISO 639-1) that the check does not know; "" for none."""
    if not codes:
        return ""
    return gettext(
        "This check does not support %(languages)s: only sentences quoted word for word from a document count as "
        "verified."
    ) % {"languages": ", ".join(map(get_language_label, codes))}


def render_unread_languages(codes: Sequence[str]) -> str:
    """Return the HTML line about languages that the check does not know; "" for none."""
    return f'<p class="unread muted small">{escape(explain_unread_languages(codes))}</p>' if codes else ""


def fold_unverified(blocks: str, markup: str, shown: Collection[int], folded: Collection[int]) -> str:
    """Return an answer in which only verified sentences are visible; the rest is collapsed below, in order.

    `blocks`: HTML without citation marks; `markup`: the same with them. `shown`, `folded`: numbers of sentences
    (`SentenceReveal`).
    """
    heads = {int(number) for head in _HEAD.findall(blocks) for number in _SENTENCE.findall(head)}  # in both
    count = len(set(folded) - heads) + blocks.count(_CODE)
    if not count and shown:
        return markup
    words = ngettext("%(n)s sentence could not be verified", "%(n)s sentences could not be verified", count)
    if not shown:
        words = gettext("The model's own words could not be verified")
    every = {int(found[1]) for found in _SENTENCE.finditer(blocks)} - heads
    standing = _mark_visible(markup, shown, hidden=every - set(shown)).replace(_CODE, f"{_CODE} hidden")
    rest = (
        f'<details class="folded"><summary>{escape(words % {"n": count})}'
        f'<span class="closed"> · {gettext("show")}</span><span class="open"> · {gettext("hide")}</span></summary>'
        f'<div data-shows="rest">{_mark_visible(blocks, shown, hidden=set(shown))}</div></details>'
    )
    return f'<div data-shows="verified">{standing}</div>{rest}' if shown else rest


def _mark_visible(markup: str, shown: Collection[int], *, hidden: set[int]) -> str:
    """Return the HTML with visible sentences marked, and those in `hidden` hidden."""

    def sentence(found: re.Match[str]) -> str:
        number = int(found[2])
        kind = f"sentence{found[1] or ''}{' revealed' if number in shown else ''}"
        return f'<span class="{kind}" data-sentence="{number}"' + (" hidden" if number in hidden else "")

    return _MARKED.sub(sentence, markup)
