"""What a person may ask for over the socket: parsed once, refused in words. Pure: nothing here touches a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.safety.intake import QUESTION_CHARACTERS, control_characters, normalise, visible

MAX_CLIENT_ID = 40  # Message.client_id
MAX_COLLECTIONS = 200


class Refused(Exception):
    """Nothing was kept; the message is a sentence for the person, who still has the draft."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question, as it came."""

    client_id: str
    text: str
    conversation: UUID | None = None
    collections: tuple[UUID, ...] | None = None  # None: as the conversation has it; (): all that are visible
    without_documents: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """The question of an answer that exists, once more."""

    client_id: str
    turn: UUID
    without_documents: bool | None = None  # None: as it was asked then


def ask(message: dict[str, Any]) -> Ask:
    """The ask of a socket message. Raises Refused."""
    conversation = message.get("conversation")
    chosen = message.get("collections")
    if chosen is not None and (not isinstance(chosen, list) or len(chosen) > MAX_COLLECTIONS):
        raise Refused("The chosen collections could not be read. Reload the page and choose again.")
    return Ask(
        client_id=client_id(message),
        text=question(message.get("text")),
        conversation=None if conversation is None else identifier(conversation),
        collections=None if chosen is None else tuple(identifier(item) for item in chosen),
        without_documents=message.get("without_documents") is True,
    )


def again(message: dict[str, Any], *, without_documents: bool | None = None) -> Again:
    """The retry of a socket message. Raises Refused."""
    return Again(client_id(message, required=False), identifier(message.get("turn")), without_documents)


def client_id(message: dict[str, Any], *, required: bool = True) -> str:
    value = message.get("client_id", "")
    if not isinstance(value, str) or len(value) > MAX_CLIENT_ID or not value.isprintable() or (required and not value):
        raise Refused("The page sent something that cannot be read. Reload it and ask again.")
    return value


def identifier(value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise Refused("The page sent something that cannot be read. Reload it and ask again.") from None


def question(value: Any) -> str:
    """The question without surrounding space, line ends as \\n. Raises Refused where it cannot be asked."""
    if not isinstance(value, str) or not (text := value.replace("\r\n", "\n").strip()):
        raise Refused("Write a question first.")
    if len(text) > QUESTION_CHARACTERS:
        raise Refused(
            f"The question has {len(text):,} characters; {QUESTION_CHARACTERS:,} can be asked at once. "
            "Shorten it, or add the long part to a collection as a file."
        )
    if control_characters(text):
        raise Refused("The question holds control characters that cannot be read. Remove them and ask again.")
    if not visible(normalise(text)):
        raise Refused("Write a question first.")
    return text
