"""Results of the steps of a turn, each input of the next: `Retrieved`, `Prompted`, `Presented`, `Written`, `Verified`.

All are frozen. `turns.state.Turn` holds the latest of each, so that a turn that is stopped can be stored as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.conversations.models import AnswerStyle, ShownSentences
from apps.documents.retrieval.search import SearchResult
from apps.engines.types import ChatRequest, TokenProb, Usage
from apps.grounding.citer import SentenceCitation
from apps.grounding.quote_selection import Quote

if TYPE_CHECKING:
    from apps.conversations.turns.context_usage import ContextUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """Result of a search."""

    result: SearchResult
    collections: tuple[UUID, ...] = ()  # that were searched; (): all that the user may read
    rewriting: asyncio.Task[str] | None = None  # the question, rewritten to stand alone; None if no model is asked
    quotes: tuple[Quote, ...] = ()  # chosen already, as for a comparison; (): they are chosen of the passages

    @property
    def has_passages(self) -> bool:
        """Return whether the search found passages."""
        return bool(self.result.passages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """Request to the model."""

    request: ChatRequest
    model: str  # name of the model as its server gives it
    sampling_used: dict[str, Any]  # sampling, and settings that the server ignores
    measure_window: Callable[[], ContextUsage]  # counts the tokens of the request by part


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """Presentation of an answer on the page, around its text."""

    window: ContextUsage | None = None  # use of the context window; None if no model was asked
    style: AnswerStyle | None = None  # None without passages
    shown_sentences: ShownSentences | None = None  # None: all, because nothing is verified
    quotes: tuple[Quote, ...] = ()
    no_results: dict[str, Any] | None = None  # scope of a search that found nothing; None if it found passages


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Output of the model, from which the answer is stored."""

    text: str  # approved by the gate
    reasoning: str  # approved by the gate
    piece_count: int  # number of approved pieces of the text
    tokens: tuple[TokenProb, ...]  # as the model wrote them, approved or not
    finish_reason: str  # of the server, or `repetition.LOOP_FINISH`; "" if the model has not finished
    usage: Usage | None  # as counted by the server; None if it has not counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Result of comparing the sentences with their sources."""

    citations: tuple[SentenceCitation, ...]
    # Languages (ISO 639-1) of the answer and of passages near unverified sentences that the support check does not
    # know, sorted; () if every sentence was verified.
    unread_languages: tuple[str, ...]
    ms: float  # milliseconds that the comparison took
