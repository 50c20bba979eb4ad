"""Interface of tools, which the model may call while it answers, and the user by a slash command.

A tool is a subclass of `BaseTool` in a module of its own, listed in `builtin/catalog.py`. It declares name, arguments
and limits. `executor.py` handles permission, deadline, size, safety gate, card and record for all
tools. Results are untrusted: data for the model, and text for the card.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy, override

from apps.conversations.models.tool import ToolPermission
from apps.documents.retrieval.filters import NO_FILTERS, SearchFilters
from apps.safety.models.strictness import Strictness
from apps.users.i18n import translate_stored

if TYPE_CHECKING:
    from apps.grounding.passage import Passage
    from apps.users.models import User


class ToolHint(models.TextChoices):
    """Claim of a foreign tool about its effects. The claim is not verified."""

    READS = "reads", gettext_lazy("Declares that it only reads.")
    ADDS = "adds", gettext_lazy("Declares that it adds something, but changes or deletes nothing.")
    CHANGES = "changes", gettext_lazy("Declares that it may change or delete something.")
    UNSAID = "", gettext_lazy("Does not declare whether it changes or deletes anything.")


def get_strictest(*permissions: str) -> ToolPermission:
    """Return the strictest of the permissions: off, then ask, then allowed."""
    order = list(ToolPermission)
    return min((ToolPermission(value) for value in permissions), key=order.index)


class ToolError(Exception):
    """Raised if a tool cannot do what was asked; a call then ends as failed.

    `str()` gives a sentence for the user in their language, `plain` one for the model, which may try otherwise.
    `values` are interpolated.
    """

    def __init__(self, words: str, **values: object) -> None:
        super().__init__(words)
        self.values = values

    def __str__(self) -> str:
        return self._put(translate_stored(self.args[0]))

    @property
    def plain(self) -> str:
        """Return the sentence in English."""
        return self._put(str(self.args[0]))

    def _put(self, words: str) -> str:
        return words % self.values if self.values else words


class ToolCallRefused(ToolError):
    """Raised if the user did not approve the call; it then ends as refused."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Caller and limits of a tool call. A tool may do what this user may do, and no more."""

    user: User
    collections: tuple[UUID, ...]  # collections to search; (): all that the user may read
    history: tuple[str, ...]  # the user's earlier questions, oldest first
    conversation: UUID
    answer: UUID
    call_id: str  # "1", "2" … within the answer; with `answer`, identifies a call that is repeated
    max_tokens: int  # limit of the result in the prompt
    count_tokens: Callable[[Sequence[str]], list[int]]  # tokens of each text, by the tokenizer of the model
    report_progress: Callable[[str], Awaitable[None]]  # shows words on the card about what is being done
    passage_tokens: int  # tokens of passages that the model reads at once
    filters: SearchFilters = NO_FILTERS  # filters within the collections
    strictness: Strictness = Strictness.SITE  # strictness of the safety gate


@dataclass(frozen=True, slots=True)
class ToolResult:
    """Result of a tool call.

    Passages become numbered sources of the answer, against which its sentences are verified.
    """

    text: str = ""  # for the model, and for the card unless the tool has a template
    passages: tuple[Passage, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)  # JSON values stored with the call, for the template
    card_text: str = ""  # text for the card if it differs, in the user's language


def localise_result(words: Callable[[], str], passages: Sequence[Passage] = ()) -> ToolResult:
    """Return a result with the words in English for the model and in the active language for the user."""
    with override("en"):
        plain = words()
    return ToolResult(plain, tuple(passages), card_text=words())


class BaseTool(ABC):
    """Tool with one instance per process; subclasses give name, title, description, parameters and what else differs.

    `call` is async: it uses `in_pool` for long work and `in_db` for queries.
    """

    name: str  # for the model: up to 64 of a-z, 0-9, "_" and "-"
    title: str  # for users, in English, such as "Calculator"; pages translate it, and `user_description`
    description: str  # one or two sentences for the model: purpose and result
    user_description = ""  # sentence for users, in English, such as "Calculates exactly."; "": `description`
    parameters: Mapping[str, Any]  # JSON Schema of the arguments, of type "object"
    permission = ToolPermission.ALLOWED  # until an administrator sets one
    has_effects = False  # a call changes something: the user is asked each time, whatever is allowed
    hint: ToolHint | None = None  # claim of a foreign tool about its effects; None for built-in tools
    timeout_s = 20.0  # seconds of a call, without the time in which the user is asked
    max_characters = 8000  # of the result text for the model
    command = ""  # slash command without "/"; "": the name
    argument = ""  # argument that takes the plain text after the command; "": none
    template = ""  # template of the result on the card, which gets `call` (ToolCallRecord); "": plain text

    @property
    def is_harmless(self) -> bool:
        """Return whether a call changes nothing, as far as known; a user who makes the call is not asked then."""
        return not self.has_effects and self.hint in (None, ToolHint.READS)

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raise ToolError if the arguments do not fit the schema."""
        from apps.conversations.tools.argument_schema import check_arguments

        check_arguments(arguments, self.parameters)

    @abstractmethod
    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """Run the tool. Raise ToolError and EngineError; other exceptions are logged and reported as a failure."""
