"""What reviewers are exposed to: counted, shown to them first, and limited. Hard texts are covered until asked for.

Hard is what is severe (`HARD`). Time counts from when the text was opened until it is decided or left, at most
`LONGEST_S` a text; over `CAP_S` within a shift the person gets milder cases only, until time has passed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.safety.transitions import Refused

if TYPE_CHECKING:
    from apps.users.models import User

HARD = 3  # of severity 0 to 4
CAP_S = 45 * 60.0
SHIFT_S = 8 * 3600.0
LONGEST_S = 300.0  # a page left open counts no longer
TIRED = gettext_lazy(
    "You have read hard texts for %(minutes)s minutes in this shift; that is enough. "
    "Milder cases are still open to you."
)


class Exposure(models.Model):
    """One hard text, or a list of them, in front of one reviewer."""

    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    subject = models.CharField(max_length=60)
    clause = models.CharField(max_length=40)
    texts = models.PositiveSmallIntegerField(default=1)
    began = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "safety"
        indexes: ClassVar = [models.Index(fields=["reviewer", "-began"], name="exposure_of_a_shift")]

    def __str__(self) -> str:
        return f"{self.clause}: {self.began:%H:%M}"


class Care(models.Model):
    """What a reviewer wants for themselves; nobody asks why, and nobody else sees it."""

    reviewer = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    covered = models.BooleanField(default=True, help_text="Hard texts are shown when asked for")
    without = models.JSONField(default=list, help_text="Codes of clauses that are left to others")

    class Meta:
        app_label = "safety"

    def __str__(self) -> str:
        return f"Care {self.pk}"


def care(user: User) -> Care:
    """As the person set it, or as everybody begins: covered, nothing left out."""
    return Care.objects.filter(reviewer=user).first() or Care(reviewer=user)


def set_care(user: User, *, covered: bool, without: list[str]) -> None:
    Care.objects.update_or_create(reviewer=user, defaults={"covered": covered, "without": without})


def look(user: User, subject: str, clause: str, severity: int, texts: int = 1) -> None:
    """The text is in front of the person; what was there before no longer is."""
    now = timezone.now()
    open_rows = Exposure.objects.filter(reviewer=user, ended=None)
    open_rows.exclude(subject=subject).update(ended=now)
    if severity >= HARD and not open_rows.filter(subject=subject).exists():
        Exposure.objects.create(reviewer=user, subject=subject[:60], clause=clause, texts=texts, began=now)


def left(user: User) -> None:
    """Nothing is in front of the person any more."""
    Exposure.objects.filter(reviewer=user, ended=None).update(ended=timezone.now())


def seconds(user: User) -> float:
    """Of hard texts within the shift."""
    now, total = timezone.now(), 0.0
    for row in _shift(user):
        total += min(((row.ended or now) - row.began).total_seconds(), LONGEST_S * row.texts)
    return total


def texts(user: User) -> int:
    return _shift(user).aggregate(all=Sum("texts"))["all"] or 0


def tired(user: User) -> bool:
    return seconds(user) >= CAP_S


def guard(user: User, severity: int) -> None:
    """Raises Refused where the person has seen enough of what is so severe."""
    if severity >= HARD and tired(user):
        raise Refused(TIRED % {"minutes": int(CAP_S // 60)})


def bearable(user: User, severity: str = "severity") -> dict[str, Any]:
    """What filters rows by: milder ones only, for who has seen enough."""
    return {f"{severity}__lt": HARD} if tired(user) else {}


def _shift(user: User) -> models.QuerySet[Exposure]:
    since = timezone.now() - timedelta(seconds=SHIFT_S)
    return Exposure.objects.filter(reviewer=user, began__gt=since)
