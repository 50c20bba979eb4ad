"""Feedback of a user about an answer: rating, reasons, note, consent to training, and a report to the reviewers.

Entry points: `save_rating`, `save_details`, `withdraw_feedback`, `report_answer`. Callers must check that the answer is
the user's.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.conversations.models import Message
from apps.conversations.models.feedback import Feedback
from apps.lib.db.permissions import require_row
from apps.safety.moderation import cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.policy.evaluation import REPORTED, PolicyResult
from apps.safety.policy.schema import Action, Stage
from apps.users import consents
from apps.users.consents import Consent
from apps.users.models import User

_SEVERITY = 2  # of a report: due within three days; with "unsafe", one more and due within one


class FeedbackForm(forms.Form):
    """Form for the details of a rating; the template shows the fields that fit it."""

    reasons = forms.MultipleChoiceField(
        label=gettext_lazy("What was the problem?"), choices=Feedback.Reason.choices, required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("For example the correct answer, and where to find it."),
    )  # fmt: skip
    report = forms.BooleanField(
        label=gettext_lazy("Report this answer to the reviewers"), required=False,
        help_text=gettext_lazy(
            "For answers that should not be shown at all. A reviewer decides whether the answer stays, and you are "
            "told."),
    )  # fmt: skip
    lend = forms.BooleanField(
        label=gettext_lazy("My rated answers may be used to train a model"), required=False,
        help_text=gettext_lazy("Applies to all your rated answers, also earlier ones, until you clear this box."),
    )  # fmt: skip


def save_rating(user: User, answer: Message, is_positive: bool) -> Feedback:
    """Store the rating and return the feedback. A changed rating clears its details and the handling by staff.

    Raise PermissionDenied if the user may not see the answer.
    """
    require_row(Message.objects.visible_to(user), answer.pk)
    row, made = Feedback.objects.get_or_create(answer=answer, user=user, defaults={"is_positive": is_positive})
    if not made and row.is_positive != is_positive:
        row.is_positive, row.reasons, row.note = is_positive, [], ""
        row.handled, row.handler = None, None
        row.save()
    return row


def save_details(user: User, row: Feedback, details: dict[str, Any]) -> None:
    """Store reasons, note and consent in one transaction; open a case if the user reports the answer for the first
    time.

    The consent applies to all rated answers of the user. `details` is the cleaned data of FeedbackForm. Raise
    PermissionDenied if the feedback is not the user's.
    """
    require_row(Feedback.objects.filter(user=user), row.pk)
    row.reasons, row.note = ([] if row.is_positive else details["reasons"]), details["note"]
    row.handled, row.handler = None, None
    reports = bool(details["report"] and row.reported is None and row.answer.text)
    if reports:
        row.reported = timezone.now()
    with transaction.atomic():
        consents.change_consent(user, Consent.RATED, details["lend"])
        row.save()
        if reports:
            report_answer(row)


def withdraw_feedback(user: User, answer: Message) -> None:
    """Delete the user's feedback on the answer. A case that a report opened stays open."""
    Feedback.objects.filter(answer=answer, user=user).delete()


def report_answer(row: Feedback) -> None:
    """Open a case for the answer; the reason UNSAFE raises its severity by one. Call inside a transaction."""
    severity = _SEVERITY + (Feedback.Reason.UNSAFE in row.reasons)
    outcome = PolicyResult(Action.REVIEW, REPORTED, severity)
    cases.flag_content(
        FlaggedContent("answer", str(row.answer_id), Stage.ANSWER, row.answer.text, row.user_id, outcome)
    )
