"""Content of retracted messages, kept apart from their rows.

Code that reads messages cannot show it, and a restore brings it back complete.
"""

from __future__ import annotations

from django.db import models


class RetractedMessage(models.Model):
    """Retracted content of a message, written by `moderation/retraction.py` and deleted with its message."""

    message = models.OneToOneField(
        "conversations.Message", on_delete=models.CASCADE, primary_key=True, related_name="withdrawn"
    )
    fields = models.JSONField()  # column values of the message, by name
    citations = models.JSONField(default=list)  # [{column: value}] of its citations, keys among them
    trace = models.BinaryField(default=bytes)  # recorded trace of the answer; empty: none
    # [title, who chose it, replacement] of a conversation named after the message
    title = models.JSONField(default=list)
    retracted = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "conversations_withdrawn"

    def __str__(self) -> str:
        return str(self.message_id)
