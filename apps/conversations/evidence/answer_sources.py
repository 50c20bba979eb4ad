"""Build the sources and quotes below an answer: as events of a running turn, or for stored answers as the user may read
them now. Selecting and citing them is not done here.

Entry points: `build_retrieved_event`, `build_final_event`, `build_quotes_event`, `number_turn_sources`,
`load_answer_sources`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q

from apps.conversations.core.events import Quotes, Sources
from apps.conversations.core.numbered_sources import NumberedPassage, PromptedSource
from apps.conversations.evidence import source_list
from apps.conversations.evidence.source_list import QuoteView, SourceView
from apps.conversations.models import Citation, Message, RetrievedPassage, Source
from apps.conversations.rendering.citation_marks import list_cited_sources, number_sources
from apps.documents.retrieval import search
from apps.grounding.passage import Passage
from apps.grounding.quotable_runs import lay_out_row
from apps.grounding.quote_selection import read_spans
from apps.users.models import User

if TYPE_CHECKING:
    from apps.conversations.core.turn_input import TurnInput
    from apps.grounding.citer import SentenceCitation
    from apps.grounding.quote_selection import Quote

NAMES_SOURCE = Q(source__isnull=False) | Q(compared__isnull=False)
_SNIPPET = 240  # characters of a passage below an answer


@dataclass(slots=True)
class AnswerSources:
    """Rendered quotes and sources of an answer, with the numbers of sources that can no longer be opened."""

    quotes_html: str = ""
    sources_html: str = ""
    unavailable: frozenset[int] = field(default_factory=frozenset)
    sources: tuple[SourceView, ...] = ()  # all sources of the answer, the best first
    used: frozenset[int] = frozenset()  # numbers of the sources of sentences and quotes
    quotes: tuple[QuoteView, ...] = ()
    numbers: Mapping[int, int] = field(default_factory=dict)  # numbers that the answer shows, by source number
    words: str = ""  # how many sources there are, for the line that opens them


def number_turn_sources(
    passages: Sequence[NumberedPassage], quotes: Sequence[Quote], citations: Sequence[SentenceCitation]
) -> dict[int, int]:
    """Return the numbers that the answer shows, by source number. Later citations change those of unused ones only."""
    quoted = (quote.source for quote in quotes)
    return number_sources([*quoted, *list_cited_sources(citations), *(item.number for item in passages)])


def build_retrieved_event(answer: UUID, passages: Sequence[NumberedPassage], *, nearest: bool = False) -> Sources:
    """Return the event with the turn's sources, before any is known to be used.

    `nearest` says that none of them answers the question.
    """
    shown = [_make_passage_view(answer, item) for item in passages]
    return Sources(source_list.render_sources(answer, shown, (), nearest=nearest), len(shown))


def build_final_event(
    turn_input: TurnInput,
    passages: Sequence[NumberedPassage],
    quotes: Sequence[Quote],
    citations: Sequence[SentenceCitation],
    *,
    nearest: bool,
) -> Sources:
    """Return the event with the turn's sources, divided into used and other ones."""
    used = {cite.source for cite in citations} | {quote.source for quote in quotes}
    answer = turn_input.answer_id
    shown = [_make_passage_view(answer, item) for item in passages]
    known = {item.number for item in shown}
    earlier = {item.number: item for past in turn_input.history for item in past.sources}
    shown += [_make_prompted_view(answer, earlier[n]) for n in sorted(set(earlier) - known) if n in used]
    numbers = number_turn_sources(passages, quotes, citations)
    shown = [replace(item, shown_number=numbers[item.number]) for item in shown]
    return Sources(source_list.render_sources(answer, shown, used, nearest=nearest), len(shown))


def build_quotes_event(
    turn_input: TurnInput, numbered: Sequence[NumberedPassage], quotes: Sequence[Quote], *, nearest: bool = False
) -> Quotes:
    """Return the event with the turn's quotes, which stand before the first sentence.

    `nearest` says that they may not answer.
    """
    passages = {item.number: item.passage for item in numbered}
    answer, numbers = turn_input.answer_id, number_turn_sources(numbered, quotes, ())
    return Quotes(
        source_list.render_quotes(
            answer,
            [
                QuoteView(
                    quote.source,
                    source_list.get_source_url(answer, quote.source, at),
                    quote.text,
                    passages[quote.source].title,
                    _get_page(passages[quote.source]),
                    quote.table,
                    quote.side,
                    numbers[quote.source],
                )
                for at, quote in enumerate(quotes)
            ],
            turn_input.text,
            nearest=nearest,
        )
    )


def load_answer_sources(user: User, answers: Sequence[Message]) -> dict[UUID, AnswerSources]:
    """Return the sources by answer id, as the user may read them now; empty for retracted answers.

    Five queries at most, however many answers.
    """
    retracted = [row for row in answers if row.retracted]
    answers = [row for row in answers if not row.retracted]
    rows: dict[UUID, list[Source]] = {}
    retrieved = RetrievedPassage.objects.filter(answer__in=answers).select_related("source__document", "source__chunk")
    for row in retrieved.defer("source__chunk__vector", "source__chunk__text").order_by("rank"):
        rows.setdefault(row.answer_id, []).append(row.source)
    cited: dict[UUID, _CitedNumbers] = {}
    earlier: dict[int, list[UUID]] = {}
    for answer, source_id, number, compared in _list_cited(answers):
        numbers = cited.setdefault(answer, _CitedNumbers())
        numbers.order.append(compared if source_id is None else number)
        if source_id is None:
            continue
        numbers.used.add(number)
        if all(found.pk != source_id for found in rows.get(answer, ())):
            earlier.setdefault(source_id, []).append(answer)
    for source in _load_sources(earlier):
        for answer in earlier[source.pk]:
            rows.setdefault(answer, []).append(source)
    return {
        answer.pk: built
        for answer, built in zip(answers, _build_sources(user, answers, rows, cited), strict=True)
    } | {answer.pk: AnswerSources() for answer in retracted}  # fmt: skip


@dataclass(slots=True)
class _CitedNumbers:
    """Source numbers of an answer: as `list_cited_sources` orders them, and those of sources of sentences."""

    order: list[int] = field(default_factory=list)
    used: set[int] = field(default_factory=set)


def _list_cited(answers: Sequence[Message]) -> Iterable[tuple[UUID, int | None, Any, Any]]:
    """Return (answer id, source id, its number, number to compare with) of all citations that name a source."""
    rows = Citation.objects.filter(NAMES_SOURCE, answer__in=answers)
    rows = rows.order_by("sentence", "-quoted", "-score", "source__number")
    return dict.fromkeys(rows.values_list("answer", "source", "source__number", "compared"))


def _load_sources(pks: Collection[int]) -> Iterable[Source]:
    if not pks:
        return ()
    rows = Source.objects.filter(pk__in=pks).select_related("document", "chunk")
    return rows.defer("chunk__vector", "chunk__text").order_by("number")


def _build_sources(
    user: User, answers: Sequence[Message], rows: Mapping[UUID, list[Source]], cited: Mapping[UUID, _CitedNumbers]
) -> Iterable[AnswerSources]:
    locations: list[tuple[UUID | None, int, list[list[int]]]] = []
    for answer in answers:
        own = rows.get(answer.pk, [])
        sources = {source.number: source for source in own}
        locations += [(source.document_id, source.page_number, source.spans) for source in own]
        locations += [_locate_quote(sources, quote) for quote in answer.quotes]
    texts, questions = iter(search.read_spans(user, locations)), _load_questions(answers)
    for answer in answers:
        own = rows.get(answer.pk, [])
        quoted, numbers = [quote["source"] for quote in answer.quotes], cited.get(answer.pk, _CitedNumbers())
        order = number_sources([*quoted, *numbers.order, *(source.number for source in own)])
        shown = [_make_stored_view(answer.pk, source, next(texts), order[source.number]) for source in own]
        by_number = {item.number: item for item in shown}
        quotes = [
            _make_quote_view(item, text, quote, source_list.get_source_url(answer.pk, item.number, at))
            for at, quote in enumerate(answer.quotes)
            if (text := next(texts)) is not None and (item := by_number.get(quote["source"])) is not None
        ]
        used = {*quoted, *numbers.used}
        known = {item.number for item in shown}
        yield AnswerSources(
            source_list.render_quotes(
                answer.pk, quotes, questions.get(answer.pk, ""), nearest=answer.nothing_found
            ),
            source_list.render_sources(answer.pk, shown, used, nearest=answer.nothing_found)
            if answer.status != Message.Status.WRITING
            else "",
            frozenset(item.number for item in shown if item.unavailable),
            tuple(shown), frozenset(known & used), tuple(quotes), order,
            source_list.describe_sources(
                len(known & used), len(known - used), nearest=answer.nothing_found
            ),
        )  # fmt: skip


def _make_quote_view(item: SourceView, text: str, quote: Mapping[str, Any], href: str) -> QuoteView:
    """Return a stored quote with its source, laid out as when it was selected."""
    table = lay_out_row(text, item.heading, item.title, quote["cell"]) if "cell" in quote else None
    quote_text = table.text if table else text
    return QuoteView(
        item.number,
        "" if item.unavailable else href,
        quote_text,
        item.title,
        item.page,
        table,
        quote.get("side", -1),
        item.shown_number,
    )


def _load_questions(answers: Sequence[Message]) -> dict[UUID, str]:
    """Return the questions of the answers that have quotes, by answer id."""
    asked = [answer.parent_id for answer in answers if answer.quotes and answer.parent_id]
    by_question = dict(Message.objects.filter(pk__in=asked).values_list("pk", "text")) if asked else {}
    return {answer.pk: by_question.get(answer.parent_id, "") for answer in answers if answer.parent_id}


def _locate_quote(sources: Mapping[int, Source], quote: Mapping[str, Any]) -> tuple[UUID | None, int, list[list[int]]]:
    source = sources.get(quote["source"])
    if source is None:
        return None, 0, []
    return source.document_id, source.page_number, read_spans(quote)


def _make_stored_view(answer: UUID, source: Source, text: str | None, shown: int) -> SourceView:
    document, number = source.document, source.number
    if text is None or document is None:
        return SourceView(number, "", unavailable=True, shown_number=shown)
    return SourceView(
        number,
        source_list.get_source_url(answer, number),
        str(document),
        source.page_number if document.has_pages else None,
        source.chunk.heading if source.chunk else "",
        source_list.make_snippet(text, _SNIPPET),
        shown_number=shown,
    )


def _make_passage_view(answer: UUID, item: NumberedPassage) -> SourceView:
    return _make_prompted_view(answer, item.to_prompted(item.passage.spans, item.passage.text))


def _make_prompted_view(answer: UUID, item: PromptedSource) -> SourceView:
    return SourceView(
        item.number,
        source_list.get_source_url(answer, item.number),
        item.title,
        item.page_number if item.paged else None,
        item.heading,
        source_list.make_snippet(item.text, _SNIPPET),
    )


def _get_page(passage: Passage) -> int | None:
    return passage.page_number if passage.kind == "pdf" else None
