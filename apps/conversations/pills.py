"""The numbered pills behind a sentence, and the mark of one that no source supports, for event and reload alike."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from django.utils.html import escape
from django.utils.translation import gettext_lazy

from apps.conversations.support import STRONG
from apps.conversations.wrap import SENTENCE, SLOT
from apps.users.templatetags.said import said

if TYPE_CHECKING:
    from uuid import UUID

    from apps.conversations.cite import Cite

UNSUPPORTED = gettext_lazy("No source found for this sentence")
GIVEN = gettext_lazy("From the result of a tool: %(tool)s")
GONE = gettext_lazy("This source was deleted, or you can no longer open it")
_SENTENCE = re.compile(re.escape(SENTENCE).replace("%d", r"(\d+)"))
_SLOT = re.compile(re.escape(SLOT).replace("%d", r"(\d+)"))


def pills_html(cites: Sequence[Cite], answer_id: UUID | str, gone: Collection[int] = ()) -> str:
    """One pill for all the sources of a sentence, the best first; greyed where none of them can be opened any more.

    Empty for a sentence without sources.
    """
    found = {cite.source: cite for cite in sorted(cites, key=lambda cite: cite.score) if cite.source is not None}
    numbers = sorted(found, key=lambda number: (number in gone, -found[number].score, number))
    if not numbers:
        return next((_tool(cite.tool) for cite in cites if cite.tool), "")
    first, more = numbers[0], len(numbers) - 1
    label = f'{first}<span class="more"> +{more}</span>' if more else str(first)
    if first in gone:
        return f'<span class="pill gone" title="{GONE}">{label}</span>'
    cite = found[first]
    others = "" if not more else f" and {more} more"
    return (
        f'<a class="pill" href="/answers/{answer_id}/sources/{first}/?sentence={cite.sentence}" data-source="{first}" '
        f'data-sources="{",".join(map(str, numbers))}" data-strength="{strength(cite.score)}" '
        f'aria-label="Source {first}{others}">{label}</a>'
    )


def _tool(title: str) -> str:
    """Says that a sentence rests on the result of a tool, whose card stands above the answer."""
    name = escape(said(title))
    return f'<span class="pill tool" title="{escape(GIVEN % {"tool": said(title)})}">{name}</span>'


def strength(score: float) -> str:
    """How well a passage supports a sentence or meets a question, in one word."""
    return "strong" if score >= STRONG else "partial"


def supported(cites: Iterable[Cite]) -> bool:
    """Whether a sentence with these citations has a source. One that needs none has no citation, and is not flagged."""
    found = list(cites)
    return not found or any(cite.found for cite in found)


def with_pills(markup: str, cites: Iterable[Cite], answer_id: UUID | str, gone: Collection[int] = ()) -> str:
    """The HTML of an answer with every sentence's pills in its slot, and the unsupported ones marked."""
    by_sentence: dict[int, list[Cite]] = defaultdict(list)
    for cite in cites:
        by_sentence[cite.sentence].append(cite)

    def sentence(found: re.Match[str]) -> str:
        if supported(by_sentence.get(int(found[1]), [])):
            return found[0]
        return f'<span class="sentence unsupported" data-sentence="{found[1]}" title="{UNSUPPORTED}">'

    def slot(found: re.Match[str]) -> str:
        pills = pills_html(by_sentence.get(int(found[1]), []), answer_id, gone)
        return found[0].replace("></span>", f">{pills}</span>")

    return _SLOT.sub(slot, _SENTENCE.sub(sentence, markup))
