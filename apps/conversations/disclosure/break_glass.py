"""Read one conversation under break-glass access (`apps/safety/break_glass/access_requests.py`).

Changes nothing else. Entry points: `find_conversation`, `list_conversations`, `choose_conversation`, `load_messages`.
Each reading is recorded in the audit log before anything is returned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from apps.conversations.attachments import queries
from apps.conversations.attachments.review import CASE_KIND as ATTACHED
from apps.conversations.image_chat import tiles
from apps.conversations.models import Conversation, Message
from apps.conversations.models.attachment import Attachment
from apps.conversations.moderation.message_cases import find_sealed_answers
from apps.conversations.rendering import answer_renderer
from apps.conversations.rendering.link_policy import LinkPolicy
from apps.images.moderation.picture_cases import KIND as PICTURE
from apps.safety.break_glass import access_requests
from apps.safety.errors import ActionRefused
from apps.safety.models.break_glass import BreakGlass
from apps.safety.moderation import masking
from apps.safety.moderation import sealed_cases as seals
from apps.users.models import User
from apps.users.special_permissions import SEALED

PAGE_SIZE = 100  # messages
_LISTED = 200  # latest conversations of the owner
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class MessageView:
    """Question or answer as the reader sees it.

    `hidden_reason` holds the reason why a sealed or withheld message is not shown; "" if it is shown.
    """

    role: str
    created: datetime
    html: SafeString
    status: str
    hidden_reason: str
    pictures: tuple[str, ...]


def find_conversation(text: str) -> tuple[User, UUID | None]:
    """Return the owner, and the conversation if `text` names one; `text` is a URL or id, or an email address.

    Raise ActionRefused if nothing matches.
    """
    if found := _UUID.search(text.lower()):
        conversation = Conversation.objects.filter(pk=found.group()).select_related("owner").first()
        if conversation is not None:
            return conversation.owner, conversation.pk
        raise ActionRefused(
            gettext("This conversation does not exist. Copy its web address, or enter the e-mail address of its user.")
        )
    user = User.objects.filter(email=text.strip().lower()).first()
    if user is None:
        raise ActionRefused(gettext("No user has this e-mail address."))
    return user, None


def list_conversations(row: BreakGlass, user: User) -> list[dict[str, Any]]:
    """Return id, title, date and number of messages of the owner's conversations, the latest 200, the newest first.

    Secrets in titles are masked; titles of conversations with sealed messages are hidden unless the user is named for
    sealed cases. The reading is recorded in the audit log. `row` must be open access of the user.
    """
    access_requests.record_reading(row, user, 0)
    rows = Conversation.objects.filter(owner=row.user_id).annotate(count=Count("messages")).order_by("-changed", "pk")
    listed: list[dict[str, Any]] = [{**values} for values in rows.values("id", "title", "changed", "count")[:_LISTED]]
    sealed = set() if SEALED.is_held_by(user) else _find_sealed_conversations(row.user_id)
    for one in listed:
        hidden = one["id"] in sealed
        one["title"] = (
            gettext("Part of a sealed case")
            if hidden
            else masking.mask_text(one["title"] or gettext("New conversation"))
        )
    return listed


def choose_conversation(row: BreakGlass, conversation: UUID) -> None:
    """Bind the access to one conversation. Raise ActionRefused if it is not the owner's, or another one is bound."""
    if row.user is None or not Conversation.objects.owned_by(row.user).filter(pk=conversation).exists():
        raise ActionRefused(str(access_requests.NOT_PERMITTED))
    access_requests.bind_conversation(row, conversation)


def load_messages(row: BreakGlass, user: User, page: int) -> tuple[list[MessageView], bool]:
    """Return a page of messages of all branches in order of creation, and whether more follow.

    The reading is recorded in the audit log first. Secrets are masked; sealed messages are closed unless the user is
    named for sealed cases. Raise ActionRefused if the conversation is gone.
    """
    conversation = (
        Conversation.objects.filter(pk=row.conversation, owner=row.user_id).first() if row.conversation else None
    )
    if conversation is None:
        raise ActionRefused(gettext("This conversation is no longer available."))
    rows = list(conversation.messages.order_by("created", "pk")[page * PAGE_SIZE : (page + 1) * PAGE_SIZE + 1])
    shown = rows[:PAGE_SIZE]
    access_requests.record_reading(row, user, len(shown), str(conversation))
    closed = set() if SEALED.is_held_by(user) else _find_sealed(conversation)
    asked = queries.load_by_question(one.pk for one in shown if one.role == Message.Role.USER)
    drawn = tiles.load_tiles(one for one in shown if one.role == Message.Role.ASSISTANT)
    names = {pk: tuple(one.name for one in some) for pk, some in asked.items()}
    names |= {pk: tuple(tile.row.prompt for tile in some) for pk, some in drawn.items()}
    return [_make_view(one, one.pk in closed, names.get(one.pk, ())) for one in shown], len(rows) > PAGE_SIZE


def _make_view(one: Message, closed: bool, pictures: tuple[str, ...]) -> MessageView:
    reason = (
        gettext("Part of a sealed case: only reviewers with permission for sealed cases can read it.") if closed else ""
    )
    if not reason and one.retracted:
        reason = gettext("A reviewer withheld this.")
    html, label = "", str(one.get_role_display())
    if not reason and one.text:
        asked = one.role == Message.Role.USER
        text = masking.mask_text(one.text)
        html = (
            answer_renderer.render_question(text)
            if asked
            else answer_renderer.render_answer(text, [], one.pk, LinkPolicy(stored_links=one.links))
        )
    status = "" if one.status == Message.Status.COMPLETE else str(one.get_status_display())
    return MessageView(
        label, one.created, SafeString(html), status, reason, () if reason else tuple(map(masking.mask_text, pictures))
    )


def _find_sealed_conversations(owner: int | None) -> set[UUID]:
    """Return the conversations of the owner that have a sealed message or picture."""
    drawn = Message.pictures.through.objects.filter(message__conversation__owner=owner)
    drawn = drawn.filter(picture__in=list(seals.sealed_subjects(PICTURE)))
    attached = Attachment.objects.filter(question__conversation__owner=owner)
    attached = attached.filter(picture__in=list(seals.sealed_subjects(ATTACHED)))
    answers = find_sealed_answers().filter(conversation__owner=owner)
    return {
        *answers.values_list("conversation", flat=True),
        *drawn.values_list("message__conversation", flat=True),
        *attached.values_list("question__conversation", flat=True),
    }


def _find_sealed(conversation: Conversation) -> set[UUID | None]:
    """Return the questions and answers of sealed turns, and of those with a sealed picture, whose prompt they hold."""
    drawn = Message.pictures.through.objects.filter(message__conversation=conversation)
    drawn = drawn.filter(picture__in=list(seals.sealed_subjects(PICTURE)))
    given_to = Attachment.objects.filter(
        question__conversation=conversation, picture__in=list(seals.sealed_subjects(ATTACHED))
    )
    answers = Message.objects.answers().filter(conversation=conversation)
    asked = {pk for pk in answers.filter(pk__in=drawn.values("message")).values_list("parent", flat=True) if pk}
    asked |= set(given_to.values_list("question", flat=True))
    closed: set[UUID | None] = {*asked, *answers.filter(parent__in=asked).values_list("pk", flat=True)}
    rows = find_sealed_answers().filter(conversation=conversation)
    return closed | {pk for row in rows.values_list("pk", "parent") for pk in row}
