"""Show a source of an answer, in the panel and in the card of a citation mark. Permissions are checked each time.

Entry points: `get_own_answer`, `get_readable_answer`, `load_source`, `load_passage`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext

from apps.conversations.evidence import source_list
from apps.conversations.evidence.answer_sources import NAMES_SOURCE
from apps.conversations.models import Citation, Message, RetrievedPassage, Source
from apps.conversations.moderation import message_cases
from apps.conversations.rendering.citation_marks import STATE_LABELS, number_sources
from apps.documents.models import Document
from apps.documents.retrieval import search
from apps.grounding.quote_selection import read_spans
from apps.grounding.sentence_state import CHECK_VERSION, SentenceState
from apps.lib.text.analyzer import extract_content_terms
from apps.lib.text.spans import merge_spans
from apps.users.models import User
from apps.users.special_permissions import SEALED

_CARD = 320  # characters of a card: two or three lines

Spans = list[list[int]]


@dataclass(frozen=True, slots=True)
class SourcePanel:
    """Source as panel and card show it. If `unavailable` (deleted or unreadable), only number and URL are set."""

    number: int  # that the answer shows, from 1; 0 while the answer is written
    href: str
    title: str = ""
    page: int | None = None
    text: str = ""
    snippet_html: str = ""
    state: str = ""  # words about how the source supports the sentence; "" if it is not cited
    unavailable: bool = False
    passage_url: str = ""
    file_name: str = ""  # "": the title is the name of the file
    dated: datetime | None = None  # when this content was uploaded, or fetched from the web
    version: int = 1
    newer_url: str = ""  # URL of the current version; "": this is it

    @property
    def reader_url(self) -> str:
        """Return the URL of the document at the passage."""
        return self.passage_url.replace("/passage/", "/", 1)


def get_own_answer(user: User, pk: UUID) -> Message:
    """Return the user's answer. Raise Http404."""
    answer = Message.objects.visible_to(user).answers().filter(pk=pk).select_related("parent").first()
    if answer is None:
        raise Http404
    return answer


def get_readable_answer(user: User, pk: UUID) -> Message:
    """Return the user's own answer, or for staff one with feedback. Raise Http404.

    Answers of sealed cases are readable only for staff named for them. Passages are checked separately.
    """
    rated = Message.objects.filter(feedback__isnull=False, conversation__deleted__isnull=True).answers()
    if user.is_staff and not SEALED.is_held_by(user):
        rated = rated.exclude(pk__in=message_cases.find_sealed_answers())
    if user.is_staff and (row := rated.filter(pk=pk).select_related("parent").first()) is not None:
        return row
    return get_own_answer(user, pk)


def load_source(user: User, answer: Message, number: int, sentence: int | None, quote: int | None) -> SourcePanel:
    """Return the source of that number, for one sentence or quote of the answer (both from 0), or for all of it.

    Raise Http404 if the conversation has no such source.
    """
    source = (
        Source.objects.filter(conversation=answer.conversation_id, number=number).select_related("document").first()
    )
    if source is None:
        raise Http404
    named = Q(source=source) | Q(source=None, compared=source.number)
    rows = list(Citation.objects.filter(named, answer=answer).order_by("-score"))
    citations = [cite for cite in rows if cite.source_id or cite.sentence == sentence]  # compared only where meant
    spans = _find_spans(answer, source, citations)
    here = _find_meant_spans(answer, source, citations, sentence, quote)
    text = search.read_spans(user, [(source.document_id, source.page_number, here or spans)])[0]
    href, shown = source_list.get_source_url(answer.pk, number), _number_sources(answer).get(number, 0)
    if text is None or source.document is None:
        return SourcePanel(shown, href, unavailable=True)
    quoted = sentence is None and any(item["source"] == number for item in answer.quotes)
    state = _describe_state(
        [cite for cite in citations if sentence is None or cite.sentence == sentence], quoted=quoted
    )
    return _make_panel(
        shown, href, source.document, source.page_number, text, spans, state, _find_terms(answer, citations), here
    )


def load_passage(user: User, pk: UUID, number: int, page: int, spans: Spans, state: str, here: Spans) -> SourcePanel:
    """Return a source without a row: the spans of a document, under that number; `here` are those that are meant.

    Raise Http404 if unreadable.
    """
    document = Document.all_objects.visible_to(user).filter(pk=pk).first()
    text = search.read_spans(user, [(pk, page, here or spans)])[0]
    if document is None or text is None:
        raise Http404
    words = next((str(words) for known, words in STATE_LABELS.items() if known == state), "")
    return _make_panel(number, "", document, page, text, spans, words, (), here)


def _make_panel(
    number: int, href: str, document: Document, page: int, text: str, spans: Spans, state: str,
    terms: Collection[str], here: Spans,
) -> SourcePanel:  # fmt: skip
    return SourcePanel(
        number,
        href,
        document.title or document.name,
        page if document.has_pages else None,
        text,
        source_list.highlight_terms(source_list.make_snippet(text, _CARD), terms),
        state,
        passage_url=_get_passage_url(document.pk, page, spans, here),
        file_name="" if document.title in {"", document.name} else document.address or document.name,
        dated=document.fetched or document.created,
        version=document.version,
        newer_url=reverse("documents:document", args=[document.replaces_id]) if _is_outdated(document) else "",
    )


def _is_outdated(document: Document) -> bool:
    """Return whether the document is an earlier version."""
    return document.status == Document.Status.REPLACED and document.replaces_id is not None


def get_neighbour_urls(answer: Message, number: int) -> tuple[str, str]:
    """Return the URLs of the previous and next source of the answer; "" at the ends."""
    own = [0, *_list_sources(answer), 0]
    at = own.index(number) if number in own[1:-1] else 0
    before, after = (own[at - 1], own[at + 1]) if at else (0, 0)
    return (
        source_list.get_source_url(answer.pk, before) if before else "",
        source_list.get_source_url(answer.pk, after) if after else "",
    )


def _list_sources(answer: Message) -> list[int]:
    """Return the source numbers of the answer in the order in which it shows them."""
    cited = Citation.objects.filter(NAMES_SOURCE, answer=answer)
    cited = cited.order_by("sentence", "-quoted", "-score", "source__number")
    numbers = cited.values_list("source__number", "compared")
    given = RetrievedPassage.objects.filter(answer=answer).order_by("rank")
    quoted = [quote["source"] for quote in answer.quotes]
    return list(
        number_sources(
            [
                *quoted,
                *(compared if number is None else number for number, compared in numbers),
                *given.values_list("source__number", flat=True),
            ]
        )
    )


def _number_sources(answer: Message) -> dict[int, int]:
    """Return the numbers that the answer shows, by source number; {} while it is written."""
    return {} if answer.status == Message.Status.WRITING else number_sources(_list_sources(answer))


def _find_spans(answer: Message, source: Source, citations: list[Citation]) -> Spans:
    """Return the cited and quoted spans of the source; all given ones if nothing cites it."""
    exact = {(cite.source_start, cite.source_end) for cite in citations if cite.source_end}
    quoted = (quote for quote in answer.quotes if quote["source"] == source.number)
    exact |= {(start, end) for quote in quoted for start, end in read_spans(quote)}
    return [list(span) for span in merge_spans(exact, gap=-1)] or source.spans


def _find_meant_spans(
    answer: Message, source: Source, citations: list[Citation], sentence: int | None, quote: int | None
) -> Spans:
    """Return the spans of the source that the sentence or quote stands on; [] if neither is meant."""
    if quote is not None and quote < len(answer.quotes) and answer.quotes[quote]["source"] == source.number:
        return [[start, end] for start, end in read_spans(answer.quotes[quote])]
    return [[cite.source_start, cite.source_end] for cite in citations if cite.sentence == sentence and cite.source_end]


def _find_terms(answer: Message, citations: list[Citation]) -> set[str]:
    claim = " ".join(answer.text[cite.start : cite.end] for cite in citations)
    asked = answer.parent.text if answer.parent else ""
    return set(extract_content_terms(f"{asked} {claim}"))


def _describe_state(citations: list[Citation], *, quoted: bool) -> str:
    """Return words about how the source supports the sentences, and which judge said so; "" if nothing cites it."""
    if quoted:
        return str(STATE_LABELS[SentenceState.QUOTED])
    if not citations:
        return ""
    supporting = [cite for cite in citations if cite.source_id]
    if not supporting:
        contradicted = any(cite.contradicted for cite in citations)
        state = SentenceState.CONTRADICTED if contradicted else SentenceState.UNVERIFIED
    else:
        state = SentenceState.QUOTED if any(cite.quoted for cite in supporting) else SentenceState.SUPPORTED
    label = str(STATE_LABELS[state])
    if any(cite.check_version < CHECK_VERSION for cite in supporting):
        return gettext("%(state)s, by an earlier check") % {"state": label}
    return describe_judge(label, next((cite.checked_by for cite in citations if cite.checked_by), ""))


def describe_judge(state: str, judge: str) -> str:
    """Return the words of a state with the judge that found it; `judge` is "" for the built-in check."""
    return gettext("%(state)s, checked by %(model)s") % {"state": state, "model": judge} if judge else state


def _get_passage_url(document: UUID, page: int, spans: Spans, here: Spans) -> str:
    where, cited = (",".join(f"{start}-{end}" for start, end in found) for found in (spans, here))
    return f"/documents/{document}/passage/?page={page}&spans={where}" + (f"&here={cited}" if cited else "")
