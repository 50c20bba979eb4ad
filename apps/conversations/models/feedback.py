"""Feedback of users about answers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy


class Feedback(models.Model):
    """Feedback of one user on one answer; may be changed and withdrawn at any time."""

    class Reason(models.TextChoices):
        """Reason for a poor rating."""

        WRONG = "wrong", gettext_lazy("Incorrect")
        CITATION = "citation", gettext_lazy("A source does not support it")
        OUTDATED = "outdated", gettext_lazy("Out of date")
        UNSAFE = "unsafe", gettext_lazy("Unsafe or offensive")
        STYLE = "style", gettext_lazy("Length, tone or format")

    answer = models.ForeignKey("conversations.Message", on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    is_positive = models.BooleanField()
    reasons = models.JSONField(default=list, blank=True)  # reason for a poor rating
    note = models.CharField(max_length=1000, blank=True)
    reported = models.DateTimeField(null=True, blank=True)  # when it was sent to the reviewers
    handled = models.DateTimeField(null=True, blank=True)  # when an administrator marked it as handled
    handler = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["-changed"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["answer", "user"], name="one_feedback_a_person_and_answer")
        ]
        indexes: ClassVar = [models.Index(fields=["-changed"], name="feedback_by_time")]

    def __str__(self) -> str:
        return "good" if self.is_positive else "poor"

    @property
    def reason_words(self) -> list[str]:
        """Return the labels of the reasons."""
        return [str(reason.label) for reason in Feedback.Reason if reason in self.reasons]
