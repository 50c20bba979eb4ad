"""Number the passages of a conversation, store them as sources, and read them back for users who may still do so.

A source keeps its number through the conversation. It stores a place, never text. A passage that is found again is
given to the model only by its new sentences.

Entry points: `number_passages`, `add_passages`, `save_sources`, `load_numbers`, `load_prompted_sources`,
`format_passage_line`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from django.db import transaction

from apps.conversations.core.numbered_sources import NumberedPassage, PromptedSource, SourceNumbers, Spans
from apps.conversations.models import Conversation, RetrievedPassage, Source
from apps.documents.retrieval import search
from apps.grounding.citer import SourceSpan
from apps.grounding.passage import Passage, join_spans
from apps.lib.text.spans import merge_spans
from apps.safety.text.prompt_tokens import escape_template_tokens
from apps.users.models import User


def number_passages(
    passages: Sequence[Passage], numbers: SourceNumbers, given: Mapping[int, frozenset[tuple[int, int]]]
) -> list[NumberedPassage]:
    """Return the passages with numbers: the known one of the chunk, or the next free one.

    `given` are the spans that the prompt holds already, by source number.
    """
    following = numbers.highest + 1
    numbered = []
    for passage in passages:
        number = numbers.by_chunk.get((passage.document_id, passage.chunk_id))
        if number is None:
            number, following = following, following + 1
        before = given.get(number, frozenset())
        numbered.append(NumberedPassage(number, passage, tuple(span for span in passage.spans if span not in before)))
    return numbered


def add_passages(
    numbered: Sequence[NumberedPassage], passages: Sequence[Passage], numbers: SourceNumbers
) -> tuple[list[NumberedPassage], list[NumberedPassage], list[NumberedPassage]]:
    """Return what the turn has after a further search: (all passages, those found, those with text new to the model).

    A passage that the turn has already keeps its number and is extended by the new sentences.
    """
    own = {item.number: item for item in numbered}
    known = {(item.passage.document_id, item.passage.chunk_id): item.number for item in numbered}
    highest = max([numbers.highest, *own])
    found = number_passages(passages, SourceNumbers({**numbers.by_chunk, **known}, highest), {})
    fresh = []
    for item in found:
        before = own.get(item.number)
        new = tuple(span for span in item.new_spans if before is None or not _is_covered(span, before.passage.spans))
        if new:
            fresh.append(replace(item, new_spans=new))
            own[item.number] = item if before is None else _merge_passages(before, item)
    return list(own.values()), found, fresh


def _is_covered(span: tuple[int, int], spans: Spans) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in spans)


def _merge_passages(before: NumberedPassage, item: NumberedPassage) -> NumberedPassage:
    """Return both passages as one; they are on the same page and share a chunk."""
    one, other = sorted((before.passage, item.passage), key=lambda passage: passage.full_start)
    text = one.full_text + other.full_text[max(0, one.full_end - other.full_start) :]
    spans = tuple(merge_spans([*before.passage.spans, *item.passage.spans], gap=-1))
    start, end = one.full_start, one.full_start + len(text)
    passage = replace(
        before.passage, spans=spans, text=join_spans(text, [(a - start, b - start) for a, b in spans]),
        full_start=start, full_end=end, full_text=text,
    )  # fmt: skip
    return NumberedPassage(before.number, passage, tuple(merge_spans([*before.new_spans, *item.new_spans], gap=-1)))


def save_sources(conversation: UUID, answer: UUID, numbered: Sequence[NumberedPassage]) -> None:
    """Store the sources of a turn and how each was found, in one transaction; repeated calls store them once.

    A turn that ends while they are being stored stores them again. A turn whose tools find further passages stores
    those, and the growth of earlier ones. For `in_db`.
    """
    with transaction.atomic():
        Conversation.objects.select_for_update().filter(pk=conversation).first()
        stored = {
            row.source.number: row for row in RetrievedPassage.objects.filter(answer=answer).select_related("source")
        }
        numbered = [item for item in numbered if item.number not in stored or _has_grown(item, stored[item.number])]
        if not numbered:
            return
        rows = {row.number: row for row in Source.objects.filter(conversation=conversation)}
        for item in numbered:
            spans = [list(span) for span in item.passage.spans]
            row = rows.get(item.number)
            if row is None:
                rows[item.number] = Source(
                    conversation_id=conversation, number=item.number, document_id=item.passage.document_id,
                    chunk_id=item.passage.chunk_id, page_number=item.passage.page_number, spans=spans,
                )  # fmt: skip
            else:
                row.spans = sorted({tuple(span) for span in [*row.spans, *spans]})
        numbers = {item.number for item in numbered}
        Source.objects.bulk_create(row for row in rows.values() if row.pk is None)
        Source.objects.bulk_update([row for number, row in rows.items() if number in numbers], ["spans"])
        RetrievedPassage.objects.bulk_update([stored[number] for number in numbers & set(stored)], ["given_spans"])
        RetrievedPassage.objects.bulk_create(
            RetrievedPassage(
                answer_id=answer, source=rows[item.number], rank=rank, relevance=item.passage.relevance,
                cosine=item.passage.cosine, bm25=item.passage.bm25, given_spans=[list(span) for span in item.new_spans],
            )
            for rank, item in enumerate([item for item in numbered if item.number not in stored], len(stored) + 1)
        )  # fmt: skip


def _has_grown(item: NumberedPassage, row: RetrievedPassage) -> bool:
    """Return whether the turn gave more of the source than its row says; updates the row in memory."""
    given = [list(span) for span in item.new_spans]
    before: list[list[int]] = row.given_spans
    row.given_spans = given
    return given != before


def load_numbers(conversation: UUID) -> SourceNumbers:
    """Return the source numbers of the conversation."""
    rows = list(Source.objects.filter(conversation=conversation).values_list("document", "chunk", "number"))
    known = {(document, chunk): number for document, chunk, number in rows if document and chunk}
    return SourceNumbers(known, max((number for _, _, number in rows), default=0))


def load_prompted_sources(user: User, answers: Iterable[UUID]) -> dict[UUID, tuple[PromptedSource, ...]]:
    """Return the sources that each answer's prompt added, by answer id, with text that the user may read now.

    Sources that are gone are left out. For `in_db`.
    """
    rows = list(
        RetrievedPassage.objects.filter(answer__in=list(answers))
        .exclude(given_spans=[])
        .select_related("source__document", "source__chunk")
        .defer("source__chunk__vector", "source__chunk__text")
        .order_by("rank")
    )
    locations = [(row.source.document_id, row.source.page_number, row.given_spans) for row in rows]
    texts = search.read_spans(user, locations, for_answers=True)
    found: dict[UUID, list[PromptedSource]] = {}
    for row, text in zip(rows, texts, strict=True):
        document = row.source.document
        if text is not None and document is not None:
            found.setdefault(row.answer_id, []).append(
                PromptedSource(
                    row.source.number, str(document), row.source.page_number, document.has_pages,
                    tuple((a, b) for a, b in row.given_spans), text, document.pk,
                    row.source.chunk.heading if row.source.chunk else "",
                )
            )  # fmt: skip
    return {answer: tuple(sorted(items, key=lambda item: item.number)) for answer, items in found.items()}


def load_source_spans(user: User, items: Iterable[PromptedSource]) -> list[SourceSpan]:
    """Return the spans of earlier sources, read again as the user may read them now; gone ones are left out.

    For `in_db`.
    """
    numbered = [(item, (item.document_id, item.page_number)) for item in items if item.document_id is not None]
    pages = search.read_page_texts(user, {page_key for _, page_key in numbered})
    found = []
    for item, page_key in numbered:
        page = pages.get(page_key, "")
        found += [
            SourceSpan(item.number, item.title, item.heading, start, page[start:end])
            for start, end in _merge_adjacent(page, item.spans)
        ]
    return found


def _merge_adjacent(page: str, spans: Spans) -> list[tuple[int, int]]:
    """Return the spans, merged where only whitespace separates them; [] if the page no longer reaches that far."""
    runs: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if not 0 <= start < end <= len(page):
            return []
        if runs and not page[runs[-1][1] : start].strip():
            runs[-1] = runs[-1][0], end
        else:
            runs.append((start, end))
    return runs


def format_source_line(number: int, title: str, page: int | None, text: str) -> str:
    """Return the prompt line of a source, with template tokens and quotation marks escaped."""
    where = " ".join(escape_template_tokens(title).split()) + (f", page {page}" if page else "")
    quoted = " ".join(escape_template_tokens(text).split()).replace('"', "'")
    return f'[{number}] {where}: "{quoted}"'


def format_passage_line(item: NumberedPassage) -> str:
    """Return the prompt line of a passage that this turn adds."""
    page = item.passage.page_number if item.passage.kind == "pdf" else None
    return format_source_line(item.number, item.passage.title, page, item.text)


def format_prompted_line(item: PromptedSource) -> str:
    """Return the prompt line of a passage that an earlier turn added."""
    return format_source_line(item.number, item.title, item.page_number if item.paged else None, item.text)
