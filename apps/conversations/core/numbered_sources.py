"""Numbered passages and sources of a conversation, as values. `evidence.source_numbering` gives the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from apps.grounding.passage import Passage, join_spans

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PromptedSource:
    """Source as an earlier prompt gave it, with its present text."""

    number: int
    title: str
    page_number: int
    paged: bool
    spans: Spans
    text: str
    document_id: UUID | None = None
    heading: str = ""


@dataclass(frozen=True, slots=True)
class NumberedPassage:
    """Passage of this turn with its number. `new_spans` are those that the prompt gives the model for the first time;
    () if an earlier turn of the path gave them all, or no model is asked."""

    number: int
    passage: Passage
    new_spans: Spans

    @property
    def text(self) -> str:
        """Return the new sentences with normalised whitespace."""
        if self.new_spans == self.passage.spans:
            return self.passage.text
        start = self.passage.full_start
        return join_spans(self.passage.full_text, [(a - start, b - start) for a, b in self.new_spans])

    def to_prompted(self, spans: Spans, text: str) -> PromptedSource:
        """Return the passage with these spans and their text, as later prompts repeat it."""
        found = self.passage
        return PromptedSource(
            self.number, found.title, found.page_number, found.kind == "pdf", spans, text, found.document_id,
            found.heading,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceNumbers:
    """Source numbers of a conversation: by (document id, chunk id), and the highest, deleted sources included."""

    by_chunk: Mapping[tuple[UUID, int], int] = field(default_factory=dict)
    highest: int = 0
