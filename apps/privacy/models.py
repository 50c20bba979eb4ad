"""What people ask for about their own data, how long things are kept, and whose data must not go."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from apps.lib.db.leases import Leased
from apps.lib.ids import new_id


class Wish(Leased):
    """A copy of all data of a person, or that all of it goes. Done by the worker; the row is also the receipt."""

    class Kind(models.TextChoices):
        EXPORT = "export", gettext_lazy("A copy of all data")
        ERASE = "erase", gettext_lazy("Erasure of all data")

    class Status(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting")
        DONE = "done", gettext_lazy("Done")
        FAILED = "failed", gettext_lazy("Failed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="wishes")
    number = models.BigIntegerField(help_text="Of the person, also when the account is gone")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    reason = models.CharField(max_length=400, blank=True, help_text="Why it failed, in words that say what to do")
    fault = models.CharField(max_length=400, blank=True, help_text="The error behind it, for administrators")
    counts = models.JSONField(default=dict, help_text="{what: how many} copied or erased")
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the file, or of the receipt")
    size = models.PositiveBigIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["number", "kind"], condition=Q(status="waiting"), name="one_waiting_wish_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}: {self.status}"


class ErasureFile(models.Model):
    """A file, or a segment of the index, that an erasure removes: noted before the row that names it is deleted."""

    wish = models.ForeignKey(Wish, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=400, blank=True, help_text="In DATA_DIR; empty: a segment")
    segment = models.JSONField(null=True, help_text="The fields of its SegmentInfo; null: a file")

    def __str__(self) -> str:
        return self.path or f"segment {self.segment and self.segment['id']}"


class Keeping(models.Model):
    """How long something is kept after its last change. The nearest one counts: a thing's own, its owner's, the site's;
    of the owner's and the site's the shorter."""

    class Scope(models.TextChoices):
        SITE = "site", gettext_lazy("Conversations of everybody")
        PERSON = "person", gettext_lazy("All conversations of a person")
        CONVERSATION = "conversation", gettext_lazy("One conversation")
        COLLECTION = "collection", gettext_lazy("The documents of a collection")

    scope = models.CharField(max_length=12, choices=Scope.choices)
    subject = models.CharField(max_length=40, blank=True, help_text="Its id; empty: the site")
    days = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "subject"], name="one_keeping_a_subject"),
            models.CheckConstraint(condition=Q(days__gte=1), name="kept_for_a_day_at_least"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.subject}: {self.days} days"


class Hold(models.Model):
    """Nothing of this person goes until it is lifted: a law or a court asks for that."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="hold")
    reason = models.CharField(max_length=400)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"hold of person {self.person_id}"


class CaseHold(models.Model):
    """What one case of review froze does not go until it is lifted, not even with its person. `Case.legal_hold` says
    the same, where review asks."""

    class Ground(models.TextChoices):
        ORDER = "order", gettext_lazy("an order of a court or an authority")
        DUTY = "duty", gettext_lazy("a duty of the law")
        CLAIMS = "claims", gettext_lazy("claims that are pursued or defended")

    case = models.OneToOneField("safety.Case", on_delete=models.PROTECT, related_name="hold")
    ground = models.CharField(max_length=8, choices=Ground.choices, help_text="What its person is told")
    reason = models.CharField(max_length=400, help_text="For staff alone")
    whom = models.CharField(max_length=400, blank=True, help_text="Whom it is about, once their account was erased")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    entry = models.PositiveBigIntegerField(help_text="Number of the entry of the log that says so")
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"hold of case {self.case_id}"
