"""Consents of a user to uses of their data: off by default, each changed by itself and logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils.translation import gettext_lazy

from apps.users import audit_hook
from apps.users.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Consent(models.TextChoices):
    """Kind of use that a user can consent to."""

    RATED = "rated", gettext_lazy("My rated answers may be used to train a model")
    DECIDED = "decided", gettext_lazy("Reviewers' decisions about my texts may be used to train the safety checks")


FIELDS = {Consent.RATED: "allows_training_on_answers", Consent.DECIDED: "allows_training_on_decisions"}
_EXPLANATIONS: dict[Consent, StrOrPromise] = {
    Consent.RATED: gettext_lazy(
        "What is used: two answers to the same question, which one you preferred, and the conversation "
        "before. An administrator can export them to a file."
    ),
    Consent.DECIDED: gettext_lazy(
        "What is used: your text that was flagged, the policy clause and the decision. An administrator can"
        " export them to a file."
    ),
}


@dataclass(frozen=True, slots=True)
class ConsentState:
    """Consent of a user with its explanation, for pages."""

    consent: Consent
    explanation: StrOrPromise
    given: bool


def list_consents(user: User) -> list[ConsentState]:
    """Return every consent with its present state."""
    return [ConsentState(one, _EXPLANATIONS[one], bool(getattr(user, FIELDS[one]))) for one in Consent]


def change_consent(user: User, consent: Consent, given: bool) -> None:
    """Give or withdraw a consent, for past and future data, and log it. An unchanged value is not logged."""
    with transaction.atomic():
        rows = User.objects.filter(pk=user.pk, **{FIELDS[consent]: not given})
        if rows.update(**{FIELDS[consent]: given}):
            kind = "consent.given" if given else "consent.withdrawn"
            audit_hook.record_change(kind, actor=user, user=user.pk, consent=consent.value)
