"""What every page of the frame shows: the person's conversations, and which of them is being answered."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.conversations.models import Conversation, Message

_RECENT = 50


def frame(request: HttpRequest) -> dict[str, Any]:
    """`conversations`, each with `answering`; asked for only where a template shows them."""
    return {"conversations": SimpleLazyObject(lambda: _recent(request))}


def _recent(request: HttpRequest) -> list[Conversation]:
    writing = Message.objects.filter(conversation=OuterRef("pk"), status=Message.Status.WRITING)
    rows = Conversation.objects.visible_to(request.user).annotate(answering=Exists(writing))
    return list(rows.only("title", "owner_id", "changed")[:_RECENT])
