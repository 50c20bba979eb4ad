"""Requests of the staff to read one conversation outside any case."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from apps.lib.ids import new_id

PERSON = settings.AUTH_USER_MODEL


AUDIT_SUBJECT = "glass "  # prefix of the id of a request in the audit log


def _person() -> Any:
    return models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")


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
    asker, person, approver = _person(), _person(), _person()
    conversation = models.UUIDField(null=True, blank=True)
    ground = models.CharField(max_length=10, choices=Ground.choices)
    reason = models.CharField(max_length=1000, blank=True, help_text="Reason; empty after the user was erased")
    emergency = models.BooleanField(
        default=False, help_text="Whether it was opened at once, to be reviewed afterwards by another administrator"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    minutes = models.PositiveSmallIntegerField()
    created = models.DateTimeField(auto_now_add=True)
    opened = models.DateTimeField(null=True, blank=True)
    ends = models.DateTimeField(null=True, blank=True)
    judged = models.DateTimeField(
        null=True, blank=True, help_text="When another administrator reviewed the emergency access"
    )
    justified = models.BooleanField(null=True, blank=True)
    note = models.CharField(max_length=400, blank=True)
    self_approved = models.BooleanField(
        default=False, help_text="Whether the requester approved it, because nobody else had the permission"
    )
    mailed = models.DateTimeField(
        null=True, blank=True, help_text="When the other users with the permission were notified"
    )

    class Meta:
        ordering: ClassVar = ["-created"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(approver=F("asker")) | Q(self_approved=True), name="nobody_approves_their_own_break_glass"
            ),
            models.CheckConstraint(
                condition=~Q(person=F("asker")) & ~Q(person=F("approver")), name="no_break_glass_about_oneself"
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | (Q(opened__isnull=False, ends__isnull=False)),
                name="an_open_break_glass_ends",
            ),
            models.UniqueConstraint(
                fields=["asker"], condition=Q(emergency=True, judged=None), name="one_emergency_until_it_is_judged"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "ends"], name="break_glass_by_state")]

    def __str__(self) -> str:
        return f"Break-glass {self.pk}"

    @property
    def subject(self) -> str:
        """Subject of the audit entries about this request."""
        return f"{AUDIT_SUBJECT}{self.pk}"
