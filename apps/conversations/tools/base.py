"""What a tool is: something that the model may call while it answers, and a person by a `/` command.

A tool is one object that fulfils `Tool`, in a file of its own, named in one line of `kit.py`. It says what it is
called, what it takes and how long it may take; permission, deadline, size, the safety gate, the card on the page and
the record on the turn are looked after by `calling.py`, for all tools alike. What a tool gives back is untrusted: data
for the model, and text for the card.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy, override

from apps.conversations.models.tool import ToolPermission
from apps.documents.retrieval.filters import NO_FILTERS, SearchFilters
from apps.safety.models.strictness import Strictness
from apps.users.i18n import translate_stored

if TYPE_CHECKING:
    from apps.documents.retrieval.passages import Passage
    from apps.users.models import User

TIMEOUT_S = 20.0  # until a call is given up, where the tool says nothing else
MAX_RESULT_CHARACTERS = 8000  # of a result that the model gets at most; a window may hold less


class ToolHint(models.TextChoices):
    """What a tool that is not ours says of its effects. Nobody vouches for it."""

    READS = "reads", gettext_lazy("Says of itself that it only reads.")
    ADDS = "adds", gettext_lazy("Says of itself that it adds something, and changes or deletes nothing.")
    CHANGES = "changes", gettext_lazy("Says of itself that it may change or delete something.")
    UNSAID = "", gettext_lazy("Does not say whether it changes or deletes anything.")


def get_strictest(*permissions: str) -> ToolPermission:
    """What holds where several decide: off before ask before allowed."""
    order = list(ToolPermission)
    return min((ToolPermission(value) for value in permissions), key=order.index)


class ToolError(Exception):
    """The tool could not do it: a sentence for the person, in their language, and for the model, which may try
    otherwise (`plain`). `values` are put into it."""

    def __init__(self, words: str, **values: object) -> None:
        super().__init__(words)
        self.values = values

    def __str__(self) -> str:
        return self._put(translate_stored(self.args[0]))

    @property
    def plain(self) -> str:
        """In English."""
        return self._put(str(self.args[0]))

    def _put(self, words: str) -> str:
        return words % self.values if self.values else words


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Who calls, from where, and with how much room. A tool does what this person may do, and no more."""

    user: User
    collections: tuple[UUID, ...]  # where may be searched; (): all that the person may read
    history: tuple[str, ...]  # the person's earlier questions, oldest first
    conversation: UUID
    answer: UUID
    call: str  # "1", "2" … in this answer: with `answer` the name of the call, should it be made twice
    tokens: int  # that the result may have in the prompt
    count: Callable[[Sequence[str]], list[int]]  # tokens of texts, as the model counts
    progress: Callable[[str], Awaitable[None]]  # says on the card what is being done, in words
    filters: SearchFilters = NO_FILTERS  # which documents there may be searched
    level: Strictness = Strictness.SITE  # how strictly words are judged


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave. Passages become numbered sources of the answer, against which its sentences are verified."""

    text: str = ""  # for the model, and for the card where the tool has no template of its own
    passages: tuple[Passage, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)  # JSON, kept with the call: what the template is given
    shown: str = ""  # the text for the card, where it is another: in the language of the person


def localise_result(words: Callable[[], str], passages: Sequence[Passage] = ()) -> ToolResult:
    """What those words say: in English to the model, in their language to the person."""
    with override("en"):
        plain = words()
    return ToolResult(plain, tuple(passages), shown=words())


class Tool(Protocol):
    """One instance for the process. `call` is async; long work goes through `in_pool`, rows through `in_db`."""

    @property
    def name(self) -> str:
        """As the model calls it: up to 64 of a-z, 0-9, "_" and "-"."""

    @property
    def title(self) -> str:
        """As people know it: "Calculator". In English; pages translate it, and the description."""

    @property
    def description(self) -> str:
        """What it is good for and what it gives, in one or two sentences, for the model and for people."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """JSON Schema of the arguments, of type "object". A call that does not fit it never arrives."""

    @property
    def permission(self) -> ToolPermission:
        """What holds until an administrator says otherwise."""

    @property
    def effects(self) -> bool:
        """It changes something: then it asks each time, whatever anybody allows."""

    @property
    def hint(self) -> ToolHint | None:
        """What it says of its effects; None of a tool of our own, whose `effects` are known."""

    @property
    def harmless(self) -> bool:
        """It changes nothing, as far as is known: who calls it themselves is not asked again."""

    @property
    def seconds(self) -> float:
        """After so long a call is given up. Time in which the person is asked does not count."""

    @property
    def characters(self) -> int:
        """More of its result the model never gets."""

    @property
    def command(self) -> str:
        """The word after "/" by which a person calls it; "": it is its name."""

    @property
    def argument(self) -> str:
        """The argument that what follows the command is for."""

    @property
    def template(self) -> str:
        """Of the result on the card, given `call` (`Call`); "": its text, plain."""

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raises ToolError where the arguments do not fit."""

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """Does it. Raises ToolError, EngineError; whatever else it raises is logged, and said to have gone wrong."""


class ToolDefaults:
    """What most tools say of themselves; a tool that is one of these says only where it differs."""

    permission = ToolPermission.ALLOWED
    effects = False
    hint: ToolHint | None = None
    seconds = TIMEOUT_S
    characters = MAX_RESULT_CHARACTERS
    command = ""
    argument = ""
    template = ""
    parameters: Mapping[str, Any]

    @property
    def harmless(self) -> bool:
        return not self.effects and self.hint in (None, ToolHint.READS)

    def check(self, arguments: Mapping[str, Any]) -> None:
        from apps.conversations.tools.argument_schema import check_arguments

        check_arguments(arguments, self.parameters)


@dataclass(frozen=True, slots=True)
class ToolCallRecord:
    """A call as its card shows it and its answer keeps it."""

    id: str  # "1", "2" … in its answer
    tool: str
    title: str
    arguments: dict[str, Any]
    status: str = "running"  # asking | running | done | failed | refused
    words: str = ""  # what is being done, or why there is no result
    text: str = ""  # the result as text, cut for the card
    data: dict[str, Any] = field(default_factory=dict)
    sources: tuple[int, ...] = ()  # numbers under which its passages stand in this conversation
    template: str = ""
    ms: float | None = None
    by_person: bool = False  # who called it themselves; later turns are told what it gave
