"""What waits for the person who looks at the page, and the words for codes (`apps.safety.wording`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.formats import number_format

from apps.safety import masking, review, wording
from apps.safety.models import Case, Notice
from apps.safety.transitions import State
from apps.users.language import inside
from apps.users.models import User

register = template.Library()
for words in (
    wording.clause, wording.stage, wording.thing, wording.action, wording.effect, wording.detector, wording.reason,
    wording.version, wording.level, wording.change, wording.moved,
):  # fmt: skip
    register.filter(words.__name__, words)
register.filter("inside", inside)
register.filter("masked", masking.mask)  # of texts that staff read


@register.simple_tag
def waiting(user: User) -> int:
    """Cases that this reviewer could claim."""
    return review.queue(user).filter(state__in=[State.OPEN, State.APPEALED]).count()


@register.simple_tag
def unseen(user: User) -> int:
    return Notice.objects.filter(person=user, seen=None).count()


@register.filter
def percent(share: float | None) -> str:
    """ "83 %", or a dash where nothing is known."""
    return "–" if share is None else f"{share * 100:.0f} %"


@register.filter
def fine(share: float | None) -> str:
    """ "0.40 %": of shares that are small."""
    if share is None:
        return "–"
    places = 2 if share < 0.1 else 0
    return f"{number_format(round(share * 100, places), places)} %"


@register.filter
def about(case: Case) -> str:
    """ "Hate in a question"."""
    return wording.about(case.area, case.kind)


@register.filter
def check_status(code: str) -> str:
    return wording.status(code)


@register.filter
def why(payload: Mapping[str, Any]) -> str:
    return wording.why(payload)
