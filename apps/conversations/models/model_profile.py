"""Profiles of chat models that have answered, by the name under which their server serves them."""

from __future__ import annotations

from django.db import models

from apps.conversations.models.assistant import AnswerStyle, ShownSentences


class ModelProfile(models.Model):
    """Settings chosen for a chat model (style, shown sentences), and the result of its reading check.

    A check that ended early asked fewer questions than there are: enough were wrong.
    """

    name = models.CharField(max_length=255, unique=True)
    style = models.CharField(max_length=16, choices=AnswerStyle.choices, default=AnswerStyle.AUTOMATIC)
    shown_sentences = models.CharField(max_length=16, choices=ShownSentences.choices, default=ShownSentences.AUTOMATIC)
    reading_right = models.PositiveSmallIntegerField(null=True, blank=True)  # reading questions answered right
    reading_asked = models.PositiveSmallIntegerField(null=True, blank=True)
    judging_right = models.PositiveSmallIntegerField(null=True, blank=True)  # sentences judged right
    judging_asked = models.PositiveSmallIntegerField(null=True, blank=True)  # 0: it gives no verdicts at all
    check_version = models.PositiveSmallIntegerField(default=0)  # READING_CHECK_VERSION of the check; 0: an earlier one
    fingerprint = models.CharField(max_length=64, blank=True)  # ModelInfo.fingerprint of the model that was measured
    measured = models.DateTimeField(null=True, blank=True)
    prompt_tokens_per_s = models.FloatField(null=True, blank=True)  # tokens of a prompt read in a second

    def __str__(self) -> str:
        return self.name
