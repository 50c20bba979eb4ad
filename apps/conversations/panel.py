"""One source of an answer, for the panel and the card of its pill. Who may read is asked again, each time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from django.http import Http404
from django.utils.html import escape
from django.utils.safestring import SafeString

from apps.conversations import fragments
from apps.conversations.models import Citation, Message, Retrieved, Source
from apps.conversations.pills import strength
from apps.documents import search
from apps.lib.words import content_terms, normalise, stem
from apps.users.models import User

_CARD = 320  # characters: two or three lines
_WORD = re.compile(r"\w+(?:[.,]\d+)*")

Spans = list[list[int]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A source as panel and card show it. `gone`: deleted, or no longer theirs to read; nothing else is known."""

    number: int
    href: str
    title: str = ""
    page: int | None = None
    text: str = ""
    snippet_html: str = ""
    strength: str = "strong"
    gone: bool = False
    passage_url: str = ""


def answer_of(user: User, pk: UUID) -> Message:
    answer = Message.objects.visible_to(user).answers().filter(pk=pk).select_related("parent").first()
    if answer is None:
        raise Http404
    return answer


def opened(user: User, answer: Message, number: int) -> Opened:
    """The source of that number. Raises Http404 where the conversation has none."""
    source = (
        Source.objects.filter(conversation=answer.conversation_id, number=number).select_related("document").first()
    )
    if source is None:
        raise Http404
    cites = list(Citation.objects.filter(answer=answer, source=source).order_by("-score"))
    spans = _spans(answer, source, cites)
    text = search.read(user, [(source.document_id, source.page_number, spans)])[0]
    href = fragments.href(answer.pk, number)
    if text is None or source.document is None:
        return Opened(number, href, gone=True)
    return Opened(
        number, href, str(source.document), source.page_number if source.document.has_pages else None, text,
        marked(text[:_CARD] if len(text) <= _CARD else text[:_CARD].rsplit(" ", 1)[0] + " …", _terms(answer, cites)),
        strength(cites[0].score if cites else _relevance(answer, source)),
        passage_url=_passage_url(source, spans),
    )  # fmt: skip


def neighbours(answer: Message, number: int) -> tuple[str, str]:
    """The addresses of the source before and after it among the answer's own; empty at the ends."""
    own = sorted(Retrieved.objects.filter(answer=answer).values_list("source__number", flat=True))
    before = [other for other in own if other < number]
    after = [other for other in own if other > number]
    return (
        fragments.href(answer.pk, before[-1]) if before else "",
        fragments.href(answer.pk, after[0]) if after else "",
    )


def marked(text: str, terms: set[str]) -> SafeString:
    """The text, escaped, with the words of those stems in <b>."""
    parts: list[str] = []
    at = 0
    for word in _WORD.finditer(text):
        if stem(normalise(word.group())) in terms:
            parts += [escape(text[at : word.start()]), "<b>", escape(word.group()), "</b>"]
            at = word.end()
    parts.append(escape(text[at:]))
    return SafeString("".join(parts))  # every part was escaped above


def _spans(answer: Message, source: Source, cites: list[Citation]) -> Spans:
    """The sentences that the answer stands on; before any are known, all that the model was given."""
    exact = {(cite.source_start, cite.source_end) for cite in cites if cite.source_end}
    exact |= {(quote["start"], quote["end"]) for quote in answer.quotes if quote["source"] == source.number}
    return sorted([start, end] for start, end in exact) or source.spans


def _terms(answer: Message, cites: list[Citation]) -> set[str]:
    said = " ".join(answer.text[cite.start : cite.end] for cite in cites)
    asked = answer.parent.text if answer.parent else ""
    return set(content_terms(f"{asked} {said}"))


def _relevance(answer: Message, source: Source) -> float:
    return Retrieved.objects.filter(answer=answer, source=source).values_list("relevance", flat=True).first() or 0.0


def _passage_url(source: Source, spans: Spans) -> str:
    where = ",".join(f"{start}-{end}" for start, end in spans)
    return f"/documents/{source.document_id}/passage/?page={source.page_number}&spans={where}"
