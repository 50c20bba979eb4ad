"""What a reviewer sends: the token and version that their page was made with, and what they decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext

from apps.safety.errors import ActionRefused
from apps.safety.gate import redaction
from apps.safety.models import Batch, Decision
from apps.safety.models.feature_restrictions import DURATION_DAYS, Feature
from apps.safety.moderation import enforcement
from apps.safety.text.redaction_marks import REDACTION_CHARACTER

if TYPE_CHECKING:
    from django.http import QueryDict

RESTRICT, SUSPEND = Decision.Outcome.RESTRICT, Decision.Outcome.SUSPEND
UNCHOSEN = -1  # days


@dataclass(frozen=True, slots=True)
class OutcomeScope:
    """How far an outcome goes that needs to be told: which feature is closed, and for how many days; for how many days
    the account is (0: until somebody lifts it); what is taken out."""

    feature: str = ""
    days: int = 0
    suspended: int = 0
    spans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionInput:
    token: str
    version: int
    outcome: str
    reason: str
    note: str = ""
    batch: Batch | None = None  # where it is one of many that were decided together
    extent: OutcomeScope = field(default_factory=OutcomeScope)

    @property
    def feature(self) -> str:
        """That is closed; "" where the outcome closes none."""
        return self.extent.feature if self.outcome == RESTRICT else ""

    @property
    def until(self) -> datetime | None:
        """When what is closed opens again; None where it is until somebody lifts it."""
        days = {RESTRICT: self.extent.days, SUSPEND: self.extent.suspended}.get(Decision.Outcome(self.outcome), 0)
        return timezone.now() + timedelta(days=days) if days > 0 else None


def parse_form(form: QueryDict) -> DecisionInput:
    """As the page of a case sends it; what is no number is none."""
    number = _number(form, "version")
    suspended = _number(form, "suspended") if form.get("suspended", "").isdecimal() else UNCHOSEN
    extent = OutcomeScope(form.get("feature", ""), _number(form, "days"), suspended, parse_spans(form.get("spans", "")))
    return DecisionInput(
        form.get("token", ""), number, form.get("outcome", ""), form.get("reason", ""), form.get("note", ""),
        extent=extent,
    )  # fmt: skip


def validate_input(ruling: DecisionInput) -> None:
    """Raises Refused where it says too little, whatever the case."""
    if ruling.outcome not in enforcement.FIRST_OUTCOMES or ruling.reason not in Decision.Reason.values:
        raise ActionRefused(gettext("Choose what is to happen, and why."))
    if ruling.reason == "other" and not ruling.note.strip():
        raise ActionRefused(gettext("A reason of its own needs a note."))
    if ruling.outcome == RESTRICT and (ruling.feature not in Feature.values or ruling.extent.days not in DURATION_DAYS):
        raise ActionRefused(gettext("Choose which feature is closed, and for how long."))
    if ruling.outcome == SUSPEND and ruling.extent.suspended not in (0, *DURATION_DAYS):
        raise ActionRefused(gettext("Choose for how long the account is suspended."))
    if ruling.outcome == Decision.Outcome.REDACT and not ruling.extent.spans:
        raise ActionRefused(
            gettext("Write what is to be taken out, each on a line of its own, three characters or more.")
        )


def parse_spans(text: str) -> tuple[str, ...]:
    """What a reviewer wants taken out, a line each. A gap is no text."""
    lines = dict.fromkeys(line.strip() for line in text.splitlines())
    fitting = [line for line in lines if len(line) >= redaction.LEAST and REDACTION_CHARACTER not in line]
    return tuple(fitting[: redaction.MOST])


def _number(form: Mapping[str, str], name: str) -> int:
    said = form.get(name, "")
    return int(said) if said.isdecimal() and len(said) < 10 else 0
