"""Models of data requests, erasure steps, retention rules and legal holds."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from apps.lib.db.leases import Leased
from apps.lib.db.stored_text_field import StoredTextField
from apps.lib.ids import new_id


class DataRequest(Leased):
    """Data request of a user: a copy of all data or its erasure. Also its queue entry and, for an erasure, the
    receipt."""

    class Kind(models.TextChoices):
        """Kind of data request."""

        EXPORT = "export", gettext_lazy("A copy of all data")
        ERASE = "erase", gettext_lazy("Erasure of all data")

    class Status(models.TextChoices):
        """State of a data request."""

        WAITING = "waiting", gettext_lazy("Waiting")
        DONE = "done", gettext_lazy("Done")
        FAILED = "failed", gettext_lazy("Failed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="data_requests"
    )
    user_pk = models.BigIntegerField()  # primary key of the user; stays after the account is erased
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    reason = StoredTextField(blank=True)  # reason of the failure for the user, with what to do
    error = models.CharField(max_length=400, blank=True)  # error, for administrators
    counts = models.JSONField(default=dict)  # {label: count} of what was copied or erased
    sha256 = models.CharField(max_length=64, blank=True)  # hash of the copy, or of the receipt
    size = models.PositiveBigIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "privacy_wish"
        ordering: ClassVar = ["-created"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user_pk", "kind"], condition=Q(status="waiting"), name="one_waiting_request_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.user_pk}: {self.status}"


class ErasureFile(models.Model):
    """File or index segment that an erasure has to remove; stored before the row that names it is deleted."""

    data_request = models.ForeignKey(DataRequest, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=400, blank=True)  # path in DATA_DIR; empty: a segment
    segment = models.JSONField(null=True)  # fields of the SegmentInfo; null: a file

    def __str__(self) -> str:
        return self.path or f"segment {self.segment and self.segment['id']}"


class RetentionRule(models.Model):
    """Retention rule: days until something is deleted after its last change.

    A conversation's own rule wins. Without one the shorter of its owner's and the site's rule applies.
    """

    class Scope(models.TextChoices):
        """Scope of a retention rule."""

        SITE = "site", gettext_lazy("Conversations of all users")
        USER = "person", gettext_lazy("All conversations of a user")
        CONVERSATION = "conversation", gettext_lazy("One conversation")
        COLLECTION = "collection", gettext_lazy("The documents of a collection")

    scope = models.CharField(max_length=12, choices=Scope.choices)
    subject = models.CharField(max_length=40, blank=True)  # id of the user, conversation or collection; empty: the site
    days = models.PositiveIntegerField()

    class Meta:
        db_table = "privacy_keeping"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "subject"], name="one_keeping_a_subject"),
            models.CheckConstraint(condition=Q(days__gte=1), name="kept_for_a_day_at_least"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.subject}: {self.days} days"


class LegalHold(models.Model):
    """Legal hold of a user: neither erasure nor retention deletes their data until it is lifted."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="hold")
    reason = models.CharField(max_length=400)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "privacy_hold"

    def __str__(self) -> str:
        return f"hold of user {self.user_id}"


class CaseLegalHold(models.Model):
    """Legal hold of a case whose user was erased, set by a former release: its frozen text is kept until it is lifted.

    `Case.legal_hold` repeats it for queries of the safety app. None is created any more.
    """

    class Ground(models.TextChoices):
        """Legal ground of a hold, which the user is told."""

        ORDER = "order", gettext_lazy("a court order or an order of an authority")
        DUTY = "duty", gettext_lazy("a legal obligation")
        CLAIMS = "claims", gettext_lazy("legal claims")

    case = models.OneToOneField("safety.Case", on_delete=models.PROTECT, related_name="hold")
    ground = models.CharField(max_length=8, choices=Ground.choices)  # legal ground, shown to the user
    reason = models.CharField(max_length=400)  # reason, shown to staff only
    # name and e-mail address of the user, stored when the account is erased
    erased_user = models.CharField(max_length=400, blank=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    audit_seq = models.PositiveBigIntegerField()  # number of the entry in the audit log
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "privacy_casehold"

    def __str__(self) -> str:
        return f"hold of case {self.case_id}"
