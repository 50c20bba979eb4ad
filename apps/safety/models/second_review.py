"""Second reviews: a text judged once more by another reviewer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from apps.lib.db.leases import Leased
from apps.lib.ids import new_id
from apps.safety.models.user_reference import user_reference


class SecondReview(Leased):
    """Second review of a text, decided or not yet decided: waiting, claimed or given."""

    class Cause(models.TextChoices):
        """Reason for the second review."""

        SAMPLE = "sample", gettext_lazy("Random sample")
        ASKED = "asked", gettext_lazy("Asked for")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    cause = models.CharField(max_length=6, choices=Cause.choices)
    snapshot = models.ForeignKey("safety.Snapshot", on_delete=models.PROTECT, related_name="second_reviews")
    clause = models.CharField(max_length=40)
    severity = models.PositiveSmallIntegerField(default=0)
    case = models.ForeignKey(
        "safety.Case", on_delete=models.PROTECT, null=True, blank=True, related_name="second_reviews"
    )
    decision = models.OneToOneField(
        "safety.Decision", on_delete=models.PROTECT, null=True, blank=True, related_name="second_review"
    )
    owner = user_reference()  # user whose text it is
    first_reviewer = user_reference()  # reviewer who decided or asked
    reviewer = user_reference()
    harmful = models.BooleanField(null=True, blank=True)  # result of the second review
    note = models.CharField(max_length=1000, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    submitted = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "safety_opinion"
        ordering: ClassVar = ["created"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(reviewer=F("owner")), name="nobody_looks_twice_at_their_own"),
            models.CheckConstraint(
                condition=~Q(reviewer=F("first_reviewer")), name="a_second_look_is_by_somebody_else"
            ),
        ]

    def __str__(self) -> str:
        return f"A second look: {self.clause}"
