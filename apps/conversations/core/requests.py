"""Parse messages of the socket into typed commands. Pure: no database.

Entry points: `parse_frame`, `parse_command`, `parse_ask`. All raise RequestRefused with a sentence for the user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import orjson
from django.utils.translation import gettext, gettext_noop
from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from apps.conversations.core import model_choice, picture_request
from apps.conversations.core.picture_request import ChatPictureRequest
from apps.conversations.core.sampling import SamplingChoice, parse_sampling
from apps.conversations.errors import RequestRefused
from apps.documents.retrieval.filters import SearchFilters, parse_filters
from apps.safety.text.normalization import (
    QUESTION_CHARACTERS,
    has_control_characters,
    has_visible_characters,
    normalise,
)

_T = TypeVar("_T")
MAX_CLIENT_ID = 40  # Message.client_id
MAX_COLLECTIONS = 200
UNREADABLE_MESSAGE = gettext_noop("The question could not be read. Reload the page and ask again.")
_UNREADABLE_COLLECTIONS = gettext_noop(
    "The selected collections could not be read. Reload the page and select them again."
)
_UNREADABLE_FILTERS = gettext_noop("The selected filters could not be read. Reload the page and select them again.")
MAX_ATTACHED = 4  # pictures of one question


def clean_question(value: Any) -> str:
    """Return the question as it is stored, checked, searched with and sent to the model.

    Surrounding space, hidden characters and disguised letters are removed. Raise RequestRefused if nothing is left, the
    text is too long, or it holds control characters.
    """
    if not isinstance(value, str) or not (text := value.replace("\r\n", "\n").strip()):
        raise RequestRefused(gettext("Write a question first."))
    if len(text) > QUESTION_CHARACTERS:
        raise RequestRefused(
            gettext(
                "The question has %(text)s characters; the limit is %(question_characters)s. Shorten it, or add the "
                "long part to a collection as a file."
            )
            % {"text": f"{len(text):,}", "question_characters": f"{QUESTION_CHARACTERS:,}"}
        )
    if has_control_characters(text):
        raise RequestRefused(gettext("The question contains control characters. Remove them and ask again."))
    if not has_visible_characters(clean := normalise(text).strip()):
        raise RequestRefused(gettext("Write a question first."))
    return clean


def _optional(parse: Callable[[Any], Any]) -> PlainValidator:
    """Return a validator that leaves None and parses everything else. A RequestRefused of `parse` goes through."""
    return PlainValidator(lambda value: None if value is None else parse(value))


def _or_refuse(words: str) -> WrapValidator:
    """Return a validator that refuses invalid values with a sentence of their own."""

    def validate(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise RequestRefused(words) from None

    return WrapValidator(validate)


def _is_printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("control characters")
    return value


def _limit_attached(value: tuple[UUID, ...]) -> tuple[UUID, ...]:
    if len(value) > MAX_ATTACHED:
        raise RequestRefused(gettext("You can attach up to %(most)s pictures to a question.") % {"most": MAX_ATTACHED})
    return tuple(dict.fromkeys(value))


ClientId = Annotated[str, StringConstraints(max_length=MAX_CLIENT_ID), AfterValidator(_is_printable)]
Flag = Annotated[bool, BeforeValidator(lambda value: value is True)]
Collections = Annotated[tuple[UUID, ...] | None, Field(max_length=MAX_COLLECTIONS), _or_refuse(_UNREADABLE_COLLECTIONS)]
Attached = Annotated[tuple[UUID, ...], BeforeValidator(lambda value: value or ()), AfterValidator(_limit_attached)]
Filters = Annotated[SearchFilters | None, _optional(parse_filters), _or_refuse(_UNREADABLE_FILTERS)]
Options = Annotated[ChatPictureRequest | None, _optional(picture_request.parse_options)]
ChosenSampling = Annotated[SamplingChoice | None, _optional(parse_sampling)]
ModelName = Annotated[str | None, PlainValidator(model_choice.parse_model)]
Question = Annotated[str, PlainValidator(clean_question)]
# Question that this one rewords. Pages of the former release and questions that they queued send it as `beside`.
RewordedQuestion = Annotated[UUID | None, Field(validation_alias=AliasChoices("reworded_question", "beside"))]
_DO = Field(validation_alias="do")  # name of `action` in the message


@dataclass(frozen=True, slots=True)
class AskRequest:
    """Request to answer a new question."""

    client_id: Annotated[ClientId, Field(min_length=1)]
    text: Question
    conversation: UUID | None = None
    collections: Collections = None  # None: the conversation's; (): the assistant's, else all
    without_documents: Flag = False
    after: UUID | None = None  # answer that the question follows; None: the end of the remembered path
    reworded_question: RewordedQuestion = None
    assistant: UUID | None = None  # assistant of a new conversation; None: the site's own
    sampling: ChosenSampling = None  # None: the conversation's
    picture: Options = None  # None for a question
    model: ModelName = None  # name of the chat model; None: the conversation's
    filters: Filters = None  # None: the conversation's
    temporary: Flag = False  # in a temporary chat
    attached: Attached = ()  # attached pictures that the question is about
    files: UUID | None = None  # files that a new conversation begins with; None: none
    model_writes: Flag = False  # a model that would rest writes this answer


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """Request to answer the question of an existing answer again."""

    client_id: ClientId
    turn: UUID
    without_documents: bool | None = None  # None: as in the earlier answer
    continues: bool = False  # go on with the unfinished answer
    sampling: ChosenSampling = None  # None: the conversation's
    model: ModelName = None  # for this answer only; None: as resolved by `model_choice`
    filters: Filters = None  # None: the conversation's
    assistant: UUID | None = None  # for this answer only; None: the conversation's
    model_writes: bool = False  # a model that would rest writes this answer


@dataclass(frozen=True, slots=True)
class AskCommand(AskRequest):
    """Ask now; or "queue" the question, or prefetch for a draft while the user is "typing"."""

    action: Annotated[Literal["ask", "queue", "typing"], _DO] = "ask"


@dataclass(frozen=True, slots=True)
class RetryCommand(RetryRequest):
    """Answer again, with or without documents, continue, or let a model write that would rest."""

    action: Annotated[Literal["retry", "continue", "answer_without_documents", "let_model_write"], _DO] = "retry"


@dataclass(frozen=True, slots=True)
class TurnCommand:
    """Stop the turn, or let it answer now without waiting for files."""

    action: Annotated[Literal["stop", "answer_now"], _DO]
    turn: UUID


@dataclass(frozen=True, slots=True)
class ResumeCommand:
    """Follow the turn from the event behind the number `after`."""

    action: Annotated[Literal["resume"], _DO]
    turn: UUID
    after: Annotated[int, Field(strict=True, ge=0)]


@dataclass(frozen=True, slots=True)
class DecideCommand:
    """Allow or deny a tool call of the turn."""

    action: Annotated[Literal["decide"], _DO]
    turn: UUID
    call: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")]
    allow: Flag = False


@dataclass(frozen=True, slots=True)
class RewordCommand:
    """Replace the text of a question."""

    action: Annotated[Literal["reword"], _DO]
    question: UUID
    text: Question


@dataclass(frozen=True, slots=True)
class QueuedCommand:
    """Ask a queued question at once, or remove it."""

    action: Annotated[Literal["queue_now", "unqueue"], _DO]
    queued: UUID


@dataclass(frozen=True, slots=True)
class ConversationCommand:
    """List retracted answers, mark as read, or stay with a temporary chat."""

    action: Annotated[Literal["look", "seen", "stay"], _DO]
    conversation: UUID


@dataclass(frozen=True, slots=True)
class WatchCommand:
    """Follow the changes of a shared link."""

    action: Annotated[Literal["watch"], _DO]
    secret: str


Command = (
    AskCommand | RetryCommand | TurnCommand | ResumeCommand | DecideCommand | RewordCommand | QueuedCommand
    | ConversationCommand | WatchCommand
)  # fmt: skip
_COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="action")])
_ASK: TypeAdapter[AskCommand] = TypeAdapter(AskCommand)
_CLIENT_ID: TypeAdapter[str] = TypeAdapter(ClientId)


def parse_frame(text: str | None) -> dict[str, Any]:
    """Return the JSON object of a socket frame. Raise RequestRefused if it is none."""
    with suppress(orjson.JSONDecodeError):
        if isinstance(value := orjson.loads(text or ""), dict):
            return value
    raise RequestRefused(UNREADABLE_MESSAGE)


def parse_command(message: Mapping[str, Any]) -> Command:
    """Return the command of a socket message. Raise RequestRefused."""
    command = _validate(_COMMANDS, {"client_id": "", **message})
    if isinstance(command, AskCommand):
        return _resolve_picture(command)
    if isinstance(command, RetryCommand):
        without = True if command.action == "answer_without_documents" else None
        return replace(
            command,
            continues=command.action == "continue",
            without_documents=without,
            model_writes=command.action == "let_model_write",
        )
    return command


def parse_ask(message: Mapping[str, Any]) -> AskCommand:
    """Return the question that a message or a queued row holds. Raise RequestRefused."""
    return _resolve_picture(_validate(_ASK, message))


def _resolve_picture(ask: AskCommand) -> AskCommand:
    picture = picture_request.resolve_picture_request(ask.text, ask.picture)
    return replace(ask, picture=picture, without_documents=ask.without_documents or picture is not None)


def parse_client_id(message: Mapping[str, Any]) -> str:
    """Return the client's id of the message; "" if it has none. Raise RequestRefused."""
    return _validate(_CLIENT_ID, message.get("client_id", ""))


def _validate(adapter: TypeAdapter[_T], value: Any) -> _T:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        raise RequestRefused(UNREADABLE_MESSAGE) from None


def parse_id_or_none(value: str | None) -> UUID | None:
    """Return the id that a URL or form names; None if empty or malformed."""
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
