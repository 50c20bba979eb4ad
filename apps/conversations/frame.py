"""What every page of the frame shows: the person's conversations."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.conversations.models import Conversation

_RECENT = 50


def frame(request: HttpRequest) -> dict[str, Any]:
    return {"conversations": Conversation.objects.visible_to(request.user)[:_RECENT]}
