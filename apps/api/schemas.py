"""Request and response schemas of the REST operations under /api/."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

from apps.grounding.sentence_state import SentenceState
from apps.safety.policy import helplines
from apps.safety.policy.user_messages import is_crisis_support

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00]*$")]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400, pattern=r"^[^\x00]*$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255, pattern=r"^[^\x00]*$")]


class CollectionOut(Schema):
    id: UUID
    name: str
    description: str
    everyone: bool
    created: datetime


class CollectionIn(Schema):
    name: Name
    description: Description = ""


class CollectionChange(Schema):
    name: Name | None = None
    description: Description | None = None


class DocumentOut(Schema):
    id: UUID
    collection_id: UUID
    name: str
    path: str
    title: str
    kind: str
    size: int
    sha256: str
    status: str
    stage: str
    done: int
    total: int
    pages_count: int
    reason: str
    version: int
    address: str  # of a web page, without its query
    fetched: datetime | None
    created: datetime
    changed: datetime


class WebPageIn(Schema):
    """Address of a public web page to fetch."""

    model_config = ConfigDict(extra="forbid")  # another field that names an address is an error, not ignored
    url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class DocumentChange(Schema):
    title: Title


class PassageOut(Schema):
    """Passage that a search found, with the relevance that the reranker or the search gave it."""

    document_id: UUID
    collection_id: UUID
    title: str
    page_number: int
    heading: str
    text: str
    relevance: float


class SearchIn(Schema):
    question: str
    collections: Annotated[list[UUID], Field(max_length=200)] = []
    kinds: Annotated[list[str], Field(max_length=50, description="Only these, as in a document's `kind`")] = []
    languages: Annotated[list[str], Field(max_length=50, description="Only these, two letters of ISO 639-1")] = []
    path: Annotated[str, Field(max_length=500, description="Only this folder and the folders in it")] = ""
    since: date | None = Field(None, description="Only what was added on this day or later")
    until: date | None = Field(None, description="Only what was added on this day or earlier")


class SearchOut(Schema):
    """Passages that a search found, best first, with the collections that it searched."""

    passages: list[PassageOut]
    searched: list[str]
    left_out: Annotated[
        list[str], Field(description="Collections that were partly or wholly read by another embedding model")
    ]
    documents: int
    waiting: int
    query: str


class ConversationOut(Schema):
    id: UUID
    title: str
    created: datetime
    changed: datetime


class CitationOut(Schema):
    start: int
    end: int
    source: int | None
    score: float
    tool: str  # name of the tool whose result supports the sentence; "" if a passage does, or nothing
    state: str = Field(
        description="Of the source and the sentence: “quoted”, “supported”, “unverified” or “contradicted”"
    )
    compare_with: int | None = Field(None, description="Without a source: number of the source to compare with")
    checked_by: str = Field("", description="Model of the judge that found it; empty for the built-in check")

    @staticmethod
    def resolve_state(row: Any) -> str:
        """Return the verification state of the sentence as this source, or tool, supports it."""
        if row.source_id is None:
            if row.tool:
                return SentenceState.SUPPORTED
            return SentenceState.CONTRADICTED if row.contradicted else SentenceState.UNVERIFIED
        return SentenceState.QUOTED if row.quoted else SentenceState.SUPPORTED

    @staticmethod
    def resolve_source(row: Any) -> int | None:
        return row.source.number if row.source_id else None

    @staticmethod
    def resolve_compare_with(row: Any) -> int | None:
        return row.compared if row.source_id is None else None


class MessageOut(Schema):
    id: UUID
    parent_id: UUID | None
    role: str
    status: str
    text: str
    model: str
    reason: str
    created: datetime
    citations: list[CitationOut] = []
    grounded: bool | None = Field(
        None,
        description="Of an answer: false where it was written without documents, so that nothing in it was checked, "
        "and for small talk such as a greeting or a sum, which needs none",
    )
    unread_languages: list[str] = Field(
        [],
        description="Of an answer: languages (ISO 639-1) that the check of its sentences does not know; in these only "
        "what stands word for word in a document is “quoted”, and all else “unverified”",
    )
    help: dict[str, Any] | None = Field(
        None, description="Helplines, the emergency number and a directory, if a user speaks of hurting themselves"
    )

    @staticmethod
    def resolve_grounded(row: Any) -> bool | None:
        """Return whether an answer was written from documents; None for a question."""
        if isinstance(row, dict):
            return bool(row["grounded"])
        return row.grounded if row.role == "assistant" else None

    @staticmethod
    def resolve_help(row: Any) -> dict[str, Any] | None:
        reason = row["reason"] if isinstance(row, dict) else row.reason
        return dict(helplines.select_helplines().to_json()) if is_crisis_support(reason) else None


class ConversationChange(Schema):
    title: Name


class ConversationIn(Schema):
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120, pattern=r"^[^\x00]*$")] = Field(
        "", description="If empty, the first words of the first question"
    )
    collections: Annotated[list[UUID], Field(max_length=200, description="Searched for its answers")] = []
    assistant: UUID | None = Field(None, description="Assistant that answers; null: the default of the site")


class QuestionIn(Schema):
    question: str
    collections: Annotated[list[UUID], Field(max_length=200)] | None = Field(
        None, description="Searched from now on; null: as set in the conversation, []: all that you can read"
    )
    without_documents: bool = False
    after: UUID | None = Field(None, description="The answer that it follows; null: the last one")
    model: str | None = Field(None, max_length=60, description="Name of the model; null: as set in the conversation")
    model_writes: bool = Field(
        False, description="Below quotes, have a model write that failed the reading check; it often errs"
    )
    stream: bool = False


class SourceOut(Schema):
    number: int  # stable through the conversation; citations name it
    shown: int  # from 1 in each answer: the number that pages, copies and exports show
    document_id: UUID | None
    title: str
    page_number: int | None
    heading: str
    text: str  # the beginning of the passage
    used: bool  # a sentence or a quote of the answer cites it
    gone: bool  # deleted, or no longer readable for the caller; nothing else is known then


class QuoteOut(Schema):
    text: str
    number: int = Field(description="Of its source")
    shown: int = Field(description="The number of the source that pages, copies and exports show")
    title: str
    page_number: int | None


class AnswerOut(MessageOut):
    conversation_id: UUID
    quotes: list[QuoteOut] = Field(
        [],
        description="Word for word from the sources, the best first; with a model that failed the reading check they "
        "are the whole answer, and `text` is empty",
    )
    sources: list[SourceOut]
    outcome: Literal["answered", "nearest", "nothing"] = Field(
        description="“nearest”: no passage says it directly, and the quotes come nearest; “nothing”: nothing in the "
        "documents is about it"
    )
    nothing_found: bool
