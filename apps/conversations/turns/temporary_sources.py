"""Links to sources of turns without rows: their URLs hold document, page and spans instead of the answer.

The view behind the URL checks at each request whether the user may read the document. Entry point:
`rewrite_source_links`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.utils.html import escape
from django.utils.http import urlencode

from apps.conversations.core.events import Cited, Closed, Event, Quotes, Sources
from apps.conversations.core.numbered_sources import PromptedSource
from apps.conversations.turns.state import Turn
from apps.grounding.sentence_state import SentenceState, get_sentence_state

_SOURCE = re.compile(r"/answers/([\w-]+)/sources/(\d+)/(?:\?(sentence|quote)=(\d+))?")


def rewrite_source_links(turn: Turn, event: Event) -> Event:
    """Return the event with the links to the turn's sources rewritten to such URLs."""
    if isinstance(event, Sources | Quotes | Cited | Closed):
        return replace(event, html=_SOURCE.sub(lambda found: _make_source_url(turn, found), event.html))
    return event


def _make_source_url(turn: Turn, found: re.Match[str]) -> str:
    """Return the URL of a source, escaped for an HTML attribute; links to other answers stay as they are."""
    if found[1] != turn.id:
        return found[0]
    number = int(found[2])
    sentence = int(found[4]) if found[3] == "sentence" else None
    citations = [cite for cite in turn.citations if cite.source == number]
    citations += [cite for cite in turn.citations if cite.compared == number and cite.sentence == sentence]
    source = _map_sources(turn)[number]
    exact = sorted({(cite.source_start, cite.source_end) for cite in citations if cite.source_end}) or source.spans
    of_sentence = [cite for cite in citations if sentence is None or cite.sentence == sentence]
    quoted = sentence is None and any(quote.source == number for quote in turn.quotes)
    meant = {(cite.source_start, cite.source_end) for cite in of_sentence if cite.source_end} if found[3] else set()
    if found[3] == "quote" and int(found[4]) < len(turn.quotes):
        quote = turn.quotes[int(found[4])]
        meant = set(quote.spans or [(quote.start, quote.end)])
    known: dict[str, str | int] = {
        "page": source.page_number, "spans": _join(exact), "here": _join(sorted(meant)),
        "state": SentenceState.QUOTED if quoted else get_sentence_state(of_sentence) or "",
    }  # fmt: skip
    shown = turn.shown_numbers.get(number, 0)
    return escape(f"/documents/{source.document_id}/source/{shown}/?{urlencode(known)}")


def _join(spans: Iterable[tuple[int, int]]) -> str:
    return ",".join(f"{start}-{end}" for start, end in spans)


def _map_sources(turn: Turn) -> Mapping[int, PromptedSource]:
    earlier = {item.number: item for past in turn.input.history for item in past.sources}
    return {**earlier, **{item.number: item.to_prompted(item.passage.spans, item.text) for item in turn.passages}}
