"""Parse messages of the socket into typed requests. Pure: no database.

Entry points: `parse_message`, `parse_ask`, `parse_retry`. All raise RequestRefused with a sentence for the user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.utils.translation import gettext

from apps.conversations.core import model_choice, picture_request
from apps.conversations.core.picture_request import PictureRequest
from apps.conversations.core.sampling import SamplingChoice, parse_sampling
from apps.conversations.errors import ConversationBusy, RequestRefused
from apps.documents.retrieval import filters
from apps.documents.retrieval.filters import SearchFilters
from apps.safety.text.normalization import (
    QUESTION_CHARACTERS,
    has_control_characters,
    has_visible_characters,
    normalise,
)

__all__ = [
    "AskRequest",
    "ConversationBusy",
    "RequestRefused",
    "RetryRequest",
    "clean_question",
    "parse_ask",
    "parse_client_id",
    "parse_id",
    "parse_message",
    "parse_optional_id",
    "parse_retry",
]

MAX_CLIENT_ID = 40  # Message.client_id
MAX_COLLECTIONS = 200
UNREADABLE_MESSAGE = "The question could not be read. Reload the page and ask again."
MAX_ATTACHED = 4  # pictures of one question


@dataclass(frozen=True, slots=True)
class AskRequest:
    """Request to answer a new question."""

    client_id: str
    text: str
    conversation: UUID | None = None
    collections: tuple[UUID, ...] | None = None  # None: the conversation's; (): the assistant's, else all
    without_documents: bool = False
    after: UUID | None = None  # answer that the question follows; None: the end of the remembered path
    beside: UUID | None = None  # question that this one rewords
    assistant: UUID | None = None  # assistant of a new conversation; None: the site's own
    sampling: SamplingChoice | None = None  # None: the conversation's
    picture: PictureRequest | None = None  # None for a question
    model: str | None = None  # name of the chat model; None: the conversation's
    filters: SearchFilters | None = None  # None: the conversation's
    temporary: bool = False  # in a temporary chat
    attached: tuple[UUID, ...] = ()  # attached pictures that the question is about
    files: UUID | None = None  # files that a new conversation begins with; None: none


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """Request to answer the question of an existing answer again."""

    client_id: str
    turn: UUID
    without_documents: bool | None = None  # None: as in the earlier answer
    on: bool = False  # continue the unfinished answer
    sampling: SamplingChoice | None = None  # None: the conversation's
    model: str | None = None  # for this answer only; None: as resolved by `model_choice`
    filters: SearchFilters | None = None  # None: the conversation's
    assistant: UUID | None = None  # for this answer only; None: the conversation's


def parse_message(text: str | None) -> dict[str, Any]:
    """Return the JSON object of a socket frame. Raise RequestRefused if it is none."""
    try:
        value = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        raise RequestRefused(UNREADABLE_MESSAGE) from None
    if not isinstance(value, dict):
        raise RequestRefused(UNREADABLE_MESSAGE)
    return value


def parse_ask(message: dict[str, Any]) -> AskRequest:
    """Return the request of an "ask" message. Raise RequestRefused."""
    conversation = message.get("conversation")
    chosen = message.get("collections")
    if chosen is not None and (not isinstance(chosen, list) or len(chosen) > MAX_COLLECTIONS):
        raise RequestRefused(
            gettext("The selected collections could not be read. Reload the page and select them again.")
        )
    text = clean_question(message.get("text"))
    picture = picture_request.parse_picture_request(text, message.get("picture"))
    return AskRequest(
        client_id=parse_client_id(message),
        text=text,
        picture=picture,
        conversation=parse_optional_id(conversation),
        after=parse_optional_id(message.get("after")),
        beside=parse_optional_id(message.get("beside")),
        collections=None if chosen is None else tuple(parse_id(item) for item in chosen),
        without_documents=message.get("without_documents") is True or picture is not None,
        assistant=parse_optional_id(message.get("assistant")),
        sampling=None if message.get("sampling") is None else parse_sampling(message["sampling"]),
        model=model_choice.parse_model(message.get("model")),
        filters=parse_filters(message),
        temporary=message.get("temporary") is True,
        attached=_attached(message.get("attached")),
        files=parse_optional_id(message.get("files")),
    )


def parse_retry(message: dict[str, Any], *, without_documents: bool | None = None, on: bool = False) -> RetryRequest:
    """Return the request of a "retry" message. Raise RequestRefused."""
    chosen = None if message.get("sampling") is None else parse_sampling(message["sampling"])
    known, turn, model = parse_client_id(message, required=False), parse_id(message.get("turn")), message.get("model")
    return RetryRequest(
        known,
        turn,
        without_documents,
        on,
        chosen,
        model_choice.parse_model(model),
        parse_filters(message),
        parse_optional_id(message.get("assistant")),
    )


def parse_filters(message: dict[str, Any]) -> SearchFilters | None:
    """Return the search filters; None if the message names none. Raise RequestRefused."""
    if (value := message.get("filters")) is None:
        return None
    try:
        return filters.parse_filters(value)
    except ValueError:
        raise RequestRefused(
            gettext("The selected filters could not be read. Reload the page and select them again.")
        ) from None


def _attached(value: Any) -> tuple[UUID, ...]:
    if not isinstance(found := value or [], list):
        raise RequestRefused(gettext("The question could not be read. Reload the page and ask again."))
    if len(found) > MAX_ATTACHED:
        raise RequestRefused(gettext("You can attach up to %(most)s pictures to a question.") % {"most": MAX_ATTACHED})
    return tuple(dict.fromkeys(parse_id(item) for item in found))


def parse_client_id(message: dict[str, Any], *, required: bool = True) -> str:
    """Return the client's id of the request; "" if it is optional and missing. Raise RequestRefused."""
    value = message.get("client_id", "")
    if not isinstance(value, str) or len(value) > MAX_CLIENT_ID or not value.isprintable() or (required and not value):
        raise RequestRefused(gettext("The question could not be read. Reload the page and ask again."))
    return value


def parse_optional_id(value: Any) -> UUID | None:
    """Return the id; None for None. Raise RequestRefused."""
    return None if value is None else parse_id(value)


def parse_id_or_none(value: str | None) -> UUID | None:
    """Return the id that a URL or form names; None if empty or malformed."""
    try:
        return UUID(value) if value else None
    except ValueError:
        return None


def parse_id(value: Any) -> UUID:
    """Return the id. Raise RequestRefused if it is malformed."""
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise RequestRefused(gettext("The question could not be read. Reload the page and ask again.")) from None


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
