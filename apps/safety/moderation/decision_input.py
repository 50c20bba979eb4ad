"""Parse and validate the form of a decision: claim token and case version of the page, and the reviewer's choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext

from apps.safety.errors import ActionRefused
from apps.safety.gate import span_redaction
from apps.safety.models import BulkDecision, Decision
from apps.safety.models.feature_restrictions import DURATION_DAYS, Feature
from apps.safety.moderation import enforcement
from apps.safety.text.redaction_marks import REDACTION_CHARACTER

if TYPE_CHECKING:
    from django.http import QueryDict

RESTRICT, SUSPEND = Decision.Outcome.RESTRICT, Decision.Outcome.SUSPEND
UNCHOSEN = -1  # days; the reviewer chose no duration


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """Decision that a reviewer sent, not yet validated."""

    token: str
    version: int
    outcome: str
    reason: str
    note: str = ""
    batch: BulkDecision | None = None  # set if the case is decided together with others
    feature: str = ""
    restriction_days: int = 0
    suspension_days: int = 0  # 0: until an administrator lifts it
    redact_terms: tuple[str, ...] = ()

    @property
    def restricted_feature(self) -> str:
        """Feature that the decision restricts; "" unless the outcome is RESTRICT."""
        return self.feature if self.outcome == RESTRICT else ""

    @property
    def until(self) -> datetime | None:
        """End of the restriction or suspension, counted from now; None if it has no end."""
        days = {RESTRICT: self.restriction_days, SUSPEND: self.suspension_days}.get(Decision.Outcome(self.outcome), 0)
        return timezone.now() + timedelta(days=days) if days > 0 else None


def parse_form(form: QueryDict) -> DecisionInput:
    """Return the input of the form on a case page.

    Missing or malformed numbers become 0, a missing or malformed suspension UNCHOSEN; ten or more digits are malformed.
    """
    return DecisionInput(
        form.get("token", ""), _number(form, "version"), form.get("outcome", ""), form.get("reason", ""),
        form.get("note", ""), feature=form.get("feature", ""), restriction_days=_number(form, "days"),
        suspension_days=_number(form, "suspended", UNCHOSEN), redact_terms=parse_spans(form.get("spans", "")),
    )  # fmt: skip


def validate_input(ruling: DecisionInput) -> None:
    """Raise ActionRefused if the input is incomplete, independent of its case.

    Checked are the outcome, the reason and its note. A restriction needs feature and duration, a suspension a duration,
    a redaction its terms.
    """
    if ruling.outcome not in enforcement.FIRST_OUTCOMES or ruling.reason not in Decision.Reason.values:
        raise ActionRefused(gettext("Choose an action and a reason."))
    if ruling.reason == "other" and not ruling.note.strip():
        raise ActionRefused(gettext("Write a note if you choose “Other”."))
    if ruling.outcome == RESTRICT and (
        ruling.feature not in Feature.values or ruling.restriction_days not in DURATION_DAYS
    ):
        raise ActionRefused(gettext("Choose which feature to restrict, and how long."))
    if ruling.outcome == SUSPEND and ruling.suspension_days not in (0, *DURATION_DAYS):
        raise ActionRefused(gettext("Choose how long the account is suspended."))
    if ruling.outcome == Decision.Outcome.REDACT and not ruling.redact_terms:
        raise ActionRefused(gettext("Enter the text to redact, one passage per line, at least three characters each."))


def parse_spans(text: str) -> tuple[str, ...]:
    """Return the terms to redact, one per line of `text`, without duplicates.

    Lines under 3 characters and lines with a redaction mark are dropped; at most 50 terms are kept.
    """
    lines = dict.fromkeys(line.strip() for line in text.splitlines())
    fitting = [
        line for line in lines if len(line) >= span_redaction.MIN_TERM_CHARACTERS and REDACTION_CHARACTER not in line
    ]
    return tuple(fitting[: span_redaction.MAX_TERMS])


def _number(form: Mapping[str, str], name: str, otherwise: int = 0) -> int:
    text = form.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else otherwise
