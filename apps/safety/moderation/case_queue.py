"""List the cases of the review queue: by queue, filtered and sorted.

A `CaseFilter` is what the address of the page says, so that a link shows the same list to every reviewer. Users are
named by the number of their pseudonym only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db.models import OuterRef, Q, QuerySet, Subquery, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.safety.models import Case, Decision
from apps.safety.models.case_states import UNDECIDED_STATES, WAITING_STATES, CaseState
from apps.safety.moderation import cases, second_reviews
from apps.users.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

AGES: Mapping[str, StrOrPromise] = {  # least age in days
    "1": gettext_lazy("Older than 1 day"),
    "3": gettext_lazy("Older than 3 days"),
    "7": gettext_lazy("Older than 7 days"),
    "30": gettext_lazy("Older than 30 days"),
}
_MAX_CODE = 40  # characters of a clause or kind in an address
_MAX_NUMBER = 12  # digits of a pseudonym in an address

QUEUES: dict[str, tuple[StrOrPromise, Callable[[User], Q]]] = {
    "new": (pgettext_lazy("cases", "New"), lambda user: Q(state=CaseState.OPEN)),
    "mine": (gettext_lazy("Mine"), lambda user: Q(state__in=cases.CLAIMED_STATES, holder=user)),
    "appeals": (gettext_lazy("Appeals"), lambda user: Q(state=CaseState.APPEALED)),
    "escalated": (pgettext_lazy("cases", "Escalated"), lambda user: Q(state=CaseState.ESCALATED)),
    "overdue": (
        gettext_lazy("Overdue"),
        lambda user: Q(state__in=UNDECIDED_STATES | {CaseState.APPEALED}, due_at__lt=timezone.now()),
    ),
    "waiting": (gettext_lazy("All open"), lambda user: Q(state__in=WAITING_STATES)),
    "disputed": (
        gettext_lazy("Disputed"),
        lambda user: Q(state=CaseState.DECIDED, second_reviews__in=second_reviews.disputed_reviews()),
    ),
    "decided": (
        pgettext_lazy("cases", "Decided"),
        lambda user: Q(state__in=[CaseState.DECIDED, CaseState.UPHELD, CaseState.OVERTURNED]),
    ),
}
_WORKED = ("appeals", "escalated", "overdue", "waiting")  # queues that go on after a decision; others go on with "new"


class CaseOrder(TextChoices):
    """Order of the list."""

    SEVERITY = "severity", gettext_lazy("Most severe first")
    DUE = "due", gettext_lazy("Due first")
    OLDEST = "oldest", gettext_lazy("Oldest first")
    NEWEST = "newest", gettext_lazy("Newest first")


class ClaimFilter(TextChoices):
    """Claim of a case. Other reviewers are not told apart."""

    FREE = "free", gettext_lazy("Not claimed")
    MINE = "mine", gettext_lazy("Claimed by you")
    OTHERS = "others", gettext_lazy("Claimed by another reviewer")


_ORDERS = {
    CaseOrder.SEVERITY: ("-severity", "due_at", "created"),
    CaseOrder.DUE: ("due_at", "-severity", "created"),
    CaseOrder.OLDEST: ("created", "-severity"),
    CaseOrder.NEWEST: ("-created", "-severity"),
}


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Queue, filters and order of a list of cases; "" filters nothing."""

    show: str = "new"  # key of QUEUES
    clause: str = ""
    kind: str = ""  # of the content
    age: str = ""  # key of AGES
    user: str = ""  # number of a pseudonym, without leading zeros
    claim: str = ""  # `ClaimFilter`
    sort: str = ""  # `CaseOrder`; "": the usual one of the queue

    def query(self, **changes: str) -> str:
        """Return the filter, with changes, as the query of an address. Defaults are left out, except for `show`."""
        wanted, default = asdict(replace(self, **changes)), asdict(CaseFilter())
        return urlencode({name: value for name, value in wanted.items() if name == "show" or value != default[name]})

    @property
    def order(self) -> CaseOrder:
        """Order of the list: decided cases by their decision, the newest first, unless another one was chosen."""
        return CaseOrder(self.sort) if self.sort else _usual_order(self.show)

    @property
    def filtered(self) -> int:
        """Number of filters, without queue and order."""
        return sum(map(bool, (self.clause, self.kind, self.age, self.user, self.claim)))


def _usual_order(show: str) -> CaseOrder:
    return CaseOrder.NEWEST if show == "decided" else CaseOrder.SEVERITY


def parse_filter(query: Mapping[str, str]) -> CaseFilter:
    """Return the filter that an address asks for. Unknown values filter nothing."""

    def chosen(name: str, known: Mapping[str, object] | list[str], default: str = "") -> str:
        return value if (value := query.get(name, "")) in known else default

    if query.get("show") == "others":  # a queue of former releases
        query = {**query, "show": "waiting", "claim": ClaimFilter.OTHERS}
    digits = "".join(filter(str.isdecimal, query.get("user", "")))[:_MAX_NUMBER]
    show, sort = chosen("show", QUEUES, "new"), chosen("sort", CaseOrder.values)
    return CaseFilter(
        show, query.get("clause", "")[:_MAX_CODE], query.get("kind", "")[:_MAX_CODE],
        chosen("age", AGES), str(int(digits)) if digits else "", chosen("claim", ClaimFilter.values),
        "" if sort == _usual_order(show) else sort,
    )  # fmt: skip


def filter_cases(user: User, case_filter: CaseFilter) -> QuerySet[Case]:
    """Return the cases that the user may see and the filter asks for, in its order."""
    rows = cases.visible_cases(user).filter(QUEUES[case_filter.show][1](user)).order_by(*_ORDERS[case_filter.order])
    if case_filter.show == "decided":
        rows = _with_decision(rows, case_filter)
    if case_filter.clause:
        rows = rows.filter(clause=case_filter.clause)
    if case_filter.kind:
        rows = rows.filter(kind=case_filter.kind)
    if case_filter.age:
        rows = rows.filter(created__lt=timezone.now() - timedelta(days=int(case_filter.age)))
    if case_filter.user:
        rows = rows.filter(owner=int(case_filter.user)) if int(case_filter.user) else rows.filter(owner=None)
    if case_filter.claim:
        rows = rows.filter(_claimed(user, ClaimFilter(case_filter.claim)))
    return rows


def _with_decision(rows: QuerySet[Case], case_filter: CaseFilter) -> QuerySet[Case]:
    """Return the rows with `decided` and `outcome` of the latest decision; "newest first" means that decision."""
    latest = Decision.objects.filter(case=OuterRef("pk")).order_by("-created", "-pk")
    rows = rows.annotate(decided=Subquery(latest.values("created")[:1]), outcome=Subquery(latest.values("outcome")[:1]))
    return rows.order_by("-decided", "-severity") if case_filter.order == CaseOrder.NEWEST else rows


def count_queues(user: User, case_filter: CaseFilter) -> list[tuple[str, StrOrPromise, int]]:
    """Return key, label and number of cases of each queue under the other filters of `case_filter`."""
    return [
        (name, label, filter_cases(user, replace(case_filter, show=name)).count())
        for name, (label, _) in QUEUES.items()
    ]


def next_cases(user: User, case_filter: CaseFilter) -> QuerySet[Case]:
    """Return the unclaimed cases that follow a decision, in the order of the list from which it was opened."""
    show = case_filter.show if case_filter.show in _WORKED else "new"
    rows = filter_cases(user, replace(case_filter, show=show, claim=""))
    return rows.exclude(state__in=cases.CLAIMED_STATES)


def list_choices(user: User) -> tuple[list[str], list[str]]:
    """Return the clauses and the kinds of content of the cases that the user may see, to be chosen from."""
    rows = cases.visible_cases(user).select_related(None).order_by()
    return (
        list(rows.values_list("clause", flat=True).distinct()), list(rows.values_list("kind", flat=True).distinct())
    )  # fmt: skip


def _claimed(user: User, claim: ClaimFilter) -> Q:
    """Return a filter for cases by their claim."""
    if claim is ClaimFilter.FREE:
        return Q(holder=None) | ~Q(state__in=cases.CLAIMED_STATES)
    held = Q(state__in=cases.CLAIMED_STATES)
    return held & (Q(holder=user) if claim is ClaimFilter.MINE else ~Q(holder=user) & Q(holder__isnull=False))
