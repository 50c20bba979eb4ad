"""Input of a turn, fixed before its first step: `TurnInput`, with the earlier exchanges as `PastExchange`.

`turns.preparation` makes it for stored turns, `turns.ephemeral` for API clients and `turns.temporary_turn` for
temporary chats. No step changes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from apps.conversations.core.attached_picture import AttachedPictureView
from apps.conversations.core.numbered_sources import PromptedSource, SourceNumbers
from apps.conversations.core.sampling import SamplingChoice
from apps.conversations.models import Assistant, Conversation, Message
from apps.documents.retrieval.candidates import SearchScope
from apps.documents.retrieval.filters import NO_FILTERS, SearchFilters
from apps.engines.chat.model_catalog import MAIN
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class PastExchange:
    """Earlier question and answer, as the prompt repeats them."""

    question: str
    answer: str
    sources: tuple[PromptedSource, ...] = ()
    attached: tuple[AttachedPictureView, ...] = ()
    notes: tuple[str, ...] = ()  # lines of the prompt about attached pictures and tool calls of the user
    pictures: tuple[str, ...] = ()  # attached pictures as data URLs, for a model with vision

    @property
    def only_called_tool(self) -> bool:
        """Return whether the exchange has notes but no answer text, as when the user only called a tool."""
        return not self.answer and bool(self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnIds:
    """Ids under which a question and its answer are stored."""

    user: User
    conversation_id: UUID
    question_id: UUID
    answer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInput(TurnIds):
    """Everything that is known before the first step of a turn, and the rows that `save_question` stores."""

    text: str
    collections: tuple[UUID, ...]
    without_documents: bool
    lease: str = ""  # token under which the answer row is written; "" if the turn has no rows
    history: tuple[PastExchange, ...] = ()
    numbers: SourceNumbers = field(default_factory=SourceNumbers)
    assistant: Assistant
    conversation: Conversation
    is_new: bool = True  # the conversation is created with this turn
    rows: tuple[Message, ...] = ()  # the question if it is new, and the answer; () if nothing is stored
    new_collections: tuple[UUID, ...] | None = None  # new collections of the conversation; None leaves them
    branch_changes: tuple[UUID, ...] = ()  # messages whose branch becomes the chosen one
    text_so_far: str = ""  # text of the unfinished answer that this one continues
    sampling: SamplingChoice = field(default_factory=SamplingChoice)
    instructions: str = ""  # of the assistant and of the user
    scope: SearchScope | None = None  # read when the turn was prepared; None without documents
    model: str = MAIN  # name in the settings of the model that writes
    model_writes: bool = False  # also where it would rest: the user asked for it
    missing_model: str = ""  # name of a chosen model that is no longer offered
    lost_collections: int = 0  # collections of the conversation that the user may no longer search
    kept_inside: str = ""  # names of collections that are not read, because the model runs outside the house
    is_comparison: bool = False  # whether another assistant than the conversation's answers, to be compared
    unshared_assistant: str = ""  # name of a chosen assistant that is no longer shared with the user
    filters: SearchFilters = NO_FILTERS  # filters within the collections
    attached: tuple[AttachedPictureView, ...] = ()  # pictures of the question
    files: UUID | None = None  # files of the conversation, among `collections`; None if it has none
    files_first: bool = False  # the other collections are searched only if the files hold no answer
    gives_title: bool = False  # the conversation gets its title from this question

    @property
    def first_collections(self) -> tuple[UUID, ...]:
        """Return the collections that the first search looks in; () means all that the user may read."""
        return (self.files,) if self.files_first and self.files else self.collections
