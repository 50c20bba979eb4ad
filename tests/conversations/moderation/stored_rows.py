"""Read what the database stores of a conversation, to compare it before and after a decision."""

from __future__ import annotations

import zlib
from typing import Any

from django.apps import apps
from django.db import models

from apps.conversations.models import AnswerTrace, Citation, Conversation, Message


def read_conversation(conversation: Conversation) -> dict[str, Any]:
    """Return all that is stored of a conversation."""
    return {
        "conversation": Conversation.objects.filter(pk=conversation.pk).values("title", "title_origin").get(),
        "messages": list(Message.objects.filter(conversation=conversation).order_by("created").values()),
        "citations": list(Citation.objects.filter(answer__conversation=conversation).order_by("pk").values()),
        "records": [
            bytes(row.data) for row in AnswerTrace.objects.filter(answer__conversation=conversation).order_by("pk")
        ],
    }


def fields_containing(word: str) -> set[str]:
    """Return the model fields of the whole database that hold the word."""
    found = set()
    for model in apps.get_models():
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                value = field.value_from_object(row)
                if isinstance(field, models.BinaryField):
                    try:
                        value = zlib.decompress(bytes(value)).decode()
                    except (zlib.error, UnicodeDecodeError):
                        continue
                if word in str(value):
                    found.add(f"{model._meta.label}.{field.name}")
    return found
