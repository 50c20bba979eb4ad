"""Passages under their numbers: given once, kept through the conversation, read back only by those who still may.

A `Source` holds a place, never text. A passage that was found again keeps its number, and only the sentences that no
earlier turn gave are given again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from apps.conversations.models import Conversation, Retrieved, Source
from apps.documents import search
from apps.documents.passages import Passage, joined
from apps.users.models import User

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Given:
    """What a turn's prompt said of a source, as it reads today."""

    number: int
    title: str
    page_number: int
    paged: bool
    spans: Spans
    text: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A passage of this turn under its number; `fresh` are the sentences that no earlier turn of the path gave."""

    number: int
    passage: Passage
    fresh: Spans

    @property
    def text(self) -> str:
        """The fresh sentences, whitespace folded."""
        if self.fresh == self.passage.spans:
            return self.passage.text
        start = self.passage.full_start
        return joined(self.passage.full_text, [(a - start, b - start) for a, b in self.fresh])


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers that a conversation has given out: by passage, and the highest, also of sources that are gone."""

    known: Mapping[tuple[UUID, int], int] = field(default_factory=dict)
    highest: int = 0


def place(
    passages: Sequence[Passage], numbers: Numbers, given: Mapping[int, frozenset[tuple[int, int]]]
) -> list[Placed]:
    """Numbers for passages: the old one where the chunk has one, the next free one otherwise."""
    following = numbers.highest + 1
    placed = []
    for passage in passages:
        number = numbers.known.get((passage.document_id, passage.chunk_id))
        if number is None:
            number, following = following, following + 1
        before = given.get(number, frozenset())
        placed.append(Placed(number, passage, tuple(span for span in passage.spans if span not in before)))
    return placed


def store(conversation: UUID, answer: UUID, placed: Sequence[Placed]) -> None:
    """Keeps the sources of a turn and how each was found, in one transaction; said twice, it keeps them once.

    A turn that ends while they are being stored cannot know whether they were, and stores them again.
    """
    with transaction.atomic():
        Conversation.objects.select_for_update().filter(pk=conversation).first()
        if Retrieved.objects.filter(answer=answer).exists():
            return
        rows = {row.number: row for row in Source.objects.filter(conversation=conversation)}
        for item in placed:
            spans = [list(span) for span in item.passage.spans]
            row = rows.get(item.number)
            if row is None:
                rows[item.number] = Source(
                    conversation_id=conversation, number=item.number, document_id=item.passage.document_id,
                    chunk_id=item.passage.chunk_id, page_number=item.passage.page_number, spans=spans,
                )  # fmt: skip
            else:
                row.spans = sorted({tuple(span) for span in [*row.spans, *spans]})
        numbers = {item.number for item in placed}
        Source.objects.bulk_create(row for row in rows.values() if row.pk is None)
        Source.objects.bulk_update([row for number, row in rows.items() if number in numbers], ["spans"])
        Retrieved.objects.bulk_create(
            Retrieved(
                answer_id=answer, source=rows[item.number], rank=rank, relevance=item.passage.relevance,
                cosine=item.passage.cosine, bm25=item.passage.bm25, given=[list(span) for span in item.fresh],
            )
            for rank, item in enumerate(placed, 1)
        )  # fmt: skip


def numbers(conversation: UUID) -> Numbers:
    """What the conversation has numbered so far."""
    rows = list(Source.objects.filter(conversation=conversation).values_list("document", "chunk", "number"))
    known = {(document, chunk): number for document, chunk, number in rows if document and chunk}
    return Numbers(known, max((number for _, _, number in rows), default=0))


def given(user: User, answers: Iterable[UUID]) -> dict[UUID, tuple[Given, ...]]:
    """What each answer's prompt added, read back as this person may see it now; what is gone is left out."""
    rows = list(
        Retrieved.objects.filter(answer__in=list(answers))
        .exclude(given=[])
        .select_related("source__document")
        .order_by("rank")
    )
    texts = search.read(user, [(row.source.document_id, row.source.page_number, row.given) for row in rows])
    found: dict[UUID, list[Given]] = {}
    for row, text in zip(rows, texts, strict=True):
        document = row.source.document
        if text is not None and document is not None:
            found.setdefault(row.answer_id, []).append(
                Given(
                    row.source.number, str(document), row.source.page_number, document.has_pages,
                    tuple((a, b) for a, b in row.given), text,
                )
            )  # fmt: skip
    return {answer: tuple(sorted(items, key=lambda item: item.number)) for answer, items in found.items()}
