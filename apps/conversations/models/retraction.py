"""What a question or an answer held that a reviewer withheld: apart from its row, so that nothing that reads messages
can show it, and whole, so that it can be given back as it was."""

from __future__ import annotations

from django.db import models


class Withdrawn(models.Model):
    """Written by `retracting.py` and what it calls; it goes with its message."""

    message = models.OneToOneField(
        "conversations.Message", on_delete=models.CASCADE, primary_key=True, related_name="withdrawn"
    )
    fields = models.JSONField(help_text="Columns of the message, by their names")
    citations = models.JSONField(default=list, help_text="[{column: value}] of its citations, keys among them")
    trace = models.BinaryField(default=bytes, help_text="What lay behind the answer; empty where nothing was recorded")
    title = models.JSONField(
        default=list, help_text="[title, by whom, what stands there instead] of a conversation that was named after it"
    )
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.message_id)
