"""Recorded verdicts: on checked content, of shadow versions, and on exported content; and versions of detectors."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from apps.safety.models.strictness import Strictness


class Surface(models.TextChoices):
    """Part of the product in which content was checked."""

    CHAT = "chat"
    API = "api"
    DOCUMENTS = "documents"
    PICTURES = "pictures"
    TOOLS = "tools"
    UNRECORDED = "nowhere"  # not recorded: drafts of questions, temporary chats, previews


class RecordedVerdict(models.Model):
    """Verdict without text or user."""

    stage = models.CharField(max_length=12)
    surface = models.CharField(max_length=12)
    content_hmac = models.CharField(max_length=64, blank=True)  # keyed hash of the checked content; empty: none
    signals = models.JSONField()  # signals of the detectors, as `evaluation.Signal` writes them
    strictness = models.CharField(max_length=12, choices=Strictness.choices, default=Strictness.SITE)
    policy = models.PositiveIntegerField()  # number of the policy version; 0: the built-in default before it was stored
    action = models.CharField(max_length=20, blank=True)
    code = models.CharField(max_length=40, blank=True)
    score = models.FloatField(default=0)
    # whether it passed because a reviewer had allowed exactly this text
    allowlisted = models.BooleanField(default=False)
    hour = models.DateTimeField()

    class Meta:
        db_table = "safety_recorded"
        indexes: ClassVar = [models.Index(fields=["hour"], name="recorded_by_hour")]

    def __str__(self) -> str:
        return f"{self.stage}: {self.action or 'let through'}"


class ShadowVerdict(models.Model):
    """Verdict of a shadow version on recorded content."""

    record = models.ForeignKey(RecordedVerdict, on_delete=models.CASCADE, related_name="shadows")
    policy = models.ForeignKey("safety.PolicyVersion", on_delete=models.CASCADE, related_name="shadows")
    stage = models.CharField(max_length=12)
    change = models.CharField(max_length=8, blank=True)  # how the verdict changes (`Change`); empty: not at all
    clause = models.CharField(max_length=40, blank=True)  # code of the clause that decides now, or decided before
    action = models.CharField(max_length=20, blank=True)
    score = models.FloatField(default=0)

    class Meta:
        db_table = "safety_shadowed"
        indexes: ClassVar = [models.Index(fields=["policy", "change", "stage", "clause"], name="shadowed_by_change")]

    def __str__(self) -> str:
        return f"{self.stage}: {self.change or 'the same'}"


class OutboundVerdict(models.Model):
    """Latest verdict on content that leaves, without text or user."""

    stage = models.CharField(max_length=12)
    content_hmac = models.CharField(max_length=64)  # keyed hash of the checked content
    judge = models.CharField(max_length=80)  # versions of the policy and the classifier
    action = models.CharField(max_length=20, blank=True)
    code = models.CharField(max_length=40, blank=True)
    checked = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "safety_leaving"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stage", "content_hmac"], name="one_verdict_on_what_leaves")
        ]

    def __str__(self) -> str:
        return f"{self.stage}: {self.action or 'let through'}"


class DetectorVersion(models.Model):
    """Detector with its present and past versions, and the time since when each judged."""

    name = models.CharField(max_length=40, primary_key=True)
    version = models.CharField(max_length=120)
    since = models.DateTimeField()
    history = models.JSONField(default=list)  # [{version, since}], the oldest first, this one last

    class Meta:
        db_table = "safety_detector"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def version_at(self, moment: datetime) -> str:
        """Return the version that judged at `moment`; the oldest known one for an earlier time."""
        known = [one["version"] for one in self.history if datetime.fromisoformat(one["since"]) <= moment]
        first = self.history[0]["version"] if self.history else self.version
        return str(known[-1] if known else first)
