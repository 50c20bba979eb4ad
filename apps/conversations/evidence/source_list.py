"""Render sources, quotes and the notice of an empty search, for stream and reload alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext_noop, ngettext

from apps.conversations.core.document_request import recognise_request
from apps.documents.retrieval import filters
from apps.grounding.quotable_runs import QuotedRow
from apps.lib.text.analyzer import extract_content_terms, normalise_text, stem_word

NEAREST_NOTICE = gettext_noop("No passage says this directly. The nearest ones:")  # before quotes that may not answer
_LEADER = re.compile(r"\s*(?:[.…·_][ \t]?){4,}\s*")  # dots of a table of contents
_RULE = re.compile(r"\|?(?:[ \t]*:?-{3,}:?[ \t]*\|)+(?:[ \t]*:?-{3,}:?)?")  # line below the head of a table
_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_PIPE = re.compile(r"(?:^|(?<=\s))\|+(?=\s|$)|\|\|+")


@dataclass(frozen=True, slots=True)
class SourceView:
    """Source as a page shows it. If `unavailable` (deleted, or no longer readable), only numbers and URL are set."""

    number: int
    href: str
    title: str = ""
    page: int | None = None
    heading: str = ""
    snippet: str = ""
    unavailable: bool = False
    shown_number: int = 0  # number that the answer shows, from 1; 0 while it is not known


@dataclass(frozen=True, slots=True)
class QuoteView:
    """Quote as a page shows it."""

    number: int
    href: str
    text: str
    title: str
    page: int | None
    table: QuotedRow | None = None  # for a table row
    side: int = -1  # side of a comparison, 0 or 1; -1 for others
    shown_number: int = 0  # as in `SourceView`
    html: str = ""  # the text with the words of the question in <b>; set by `render_quotes`


def get_source_url(answer: UUID, number: int, quote: int | None = None) -> str:
    """Return the URL of a source of the answer; `quote`: index of the quote among all of the answer, from 0."""
    return f"/answers/{answer}/sources/{number}/" + ("" if quote is None else f"?quote={quote}")


def make_snippet(text: str, most: int) -> str:
    """Return the beginning of a passage, cut between words after `most` characters.

    Dots of contents lines and the rules and pipes of tables are left out.
    """
    parts = [part.strip() for part in _PIPE.split(_RULE.sub("|", _LEADER.sub(" | ", text)))]
    text = " · ".join(filter(None, parts)) if len(parts) > 1 else text
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"


def highlight_terms(text: str, terms: Collection[str]) -> SafeString:
    """Return the escaped text, with words of these stems in <b>."""
    parts: list[str] = []
    at = 0
    for word in _WORD.finditer(text):
        if stem_word(normalise_text(word.group())) in terms:
            parts += [escape(text[at : word.start()]), "<b>", escape(word.group()), "</b>"]
            at = word.end()
    parts.append(escape(text[at:]))
    return SafeString("".join(parts))  # every part was escaped above


def render_sources(answer: UUID, sources: Sequence[SourceView], used: Collection[int | None], *, nearest: bool) -> str:
    """Return the HTML of the sources, divided into those whose numbers are in `used`, and the others.

    `nearest` means that nothing was found and the others are the passages nearest to the question.
    """
    also = [item for item in sources if item.number not in used]
    shown = {
        "answer": answer,
        "used": sorted((item for item in sources if item.number in used), key=lambda item: item.shown_number),
        "also": also,
        "nearest": nearest,
        "words": describe_sources(len(sources) - len(also), len(also), nearest=nearest),
    }
    return render_to_string("conversations/evidence/_source_list.html", shown)


def describe_sources(used: int, also: int, *, nearest: bool) -> str:
    """Return the words of the line that opens the sources: how many are used, else how many were read; "" for none."""
    if used:
        return ngettext("%(n)s source", "%(n)s sources", used) % {"n": used}
    if nearest and also:
        return ngettext("%(n)s nearest passage", "%(n)s nearest passages", also) % {"n": also}
    return ngettext("%(n)s passage read", "%(n)s passages read", also) % {"n": also} if also else ""


def render_quotes(answer: UUID, quoted: Sequence[QuoteView], question: str, *, nearest: bool) -> str:
    """Return the HTML of the quotes; "" without any. The best stands open, the others are folded.

    Open are all that are only `nearest` to an answer, and quotes of a comparison, which stand side by side under the
    names that the question gives its sides.
    """
    if not quoted:
        return ""
    asked = extract_content_terms(question)
    quoted = [replace(quote, html=highlight_terms(quote.text, set(asked))) for quote in quoted]
    sides = []
    if any(quote.side >= 0 for quote in quoted):
        request = recognise_request(question)
        names = (request.sides if request else ()) or ("", "")
        sides = [(name, [quote for quote in quoted if quote.side == at]) for at, name in enumerate(names)]
    count = len(quoted) if nearest else 1
    shown = {"answer": answer, "open": quoted[:count], "more": quoted[count:], "sides": sides}
    return render_to_string("conversations/evidence/_quotes.html", shown)


def render_no_results(searched: dict[str, Any]) -> str:
    """Return the HTML of the notice; `searched` is the record of `retrieval.emit_no_results`."""
    only = filters.parse_stored_filters(searched.get("filters", {})).words
    awaited = filters.get_language_label(code) if (code := searched.get("awaited_language")) else ""
    context = {**searched, "only": only, "awaited_language": awaited}
    return render_to_string("conversations/evidence/_nothing_found.html", context)
