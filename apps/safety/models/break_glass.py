"""Requests of the staff to read one conversation outside any case."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from apps.lib.ids import new_id
from apps.safety.models.user_reference import user_reference

AUDIT_SUBJECT = "glass "  # prefix of the id of a request in the audit log


class BreakGlass(models.Model):
    """Request to read one conversation of a user. Without a conversation, it is bound to the first that is opened."""

    class Ground(models.TextChoices):
        """Legal or practical ground of the request."""

        ORDER = "order", gettext_lazy("A court order or an order of an authority")
        LIFE = "life", gettext_lazy("A threat to a person's life or health")
        INCIDENT = "incident", gettext_lazy("A security incident")
        ASKED = "asked", gettext_lazy("The user asked for help")

    class State(models.TextChoices):
        """State of the request."""

        ASKED = "asked", gettext_lazy("Waiting for approval")
        OPEN = "open", gettext_lazy("Active")
        ENDED = "ended", gettext_lazy("Ended")
        REFUSED = "refused", gettext_lazy("Declined")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    requester, user, approver = user_reference(), user_reference(), user_reference()
    conversation = models.UUIDField(null=True, blank=True)
    ground = models.CharField(max_length=10, choices=Ground.choices)
    reason = models.CharField(max_length=1000, blank=True)  # reason; empty after the user was erased
    # whether it was opened at once, to be reviewed afterwards by another administrator
    emergency = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    minutes = models.PositiveSmallIntegerField()
    created = models.DateTimeField(auto_now_add=True)
    opened = models.DateTimeField(null=True, blank=True)
    expires = models.DateTimeField(null=True, blank=True)
    reviewed = models.DateTimeField(null=True, blank=True)  # when another administrator reviewed the emergency access
    justified = models.BooleanField(null=True, blank=True)
    note = models.CharField(max_length=400, blank=True)
    # whether the requester approved it, because nobody else had the permission
    self_approved = models.BooleanField(default=False)
    mailed = models.DateTimeField(null=True, blank=True)  # when the other users with the permission were notified

    class Meta:
        ordering: ClassVar = ["-created"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(approver=F("requester")) | Q(self_approved=True),
                name="nobody_approves_their_own_break_glass",
            ),
            models.CheckConstraint(
                condition=~Q(user=F("requester")) & ~Q(user=F("approver")), name="no_break_glass_about_oneself"
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | (Q(opened__isnull=False, expires__isnull=False)),
                name="an_open_break_glass_ends",
            ),
            models.UniqueConstraint(
                fields=["requester"],
                condition=Q(emergency=True, reviewed=None),
                name="one_emergency_until_it_is_reviewed",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "expires"], name="break_glass_by_state")]

    def __str__(self) -> str:
        return f"Break-glass {self.pk}"

    @property
    def subject(self) -> str:
        """Subject of the audit entries about this request."""
        return f"{AUDIT_SUBJECT}{self.pk}"
