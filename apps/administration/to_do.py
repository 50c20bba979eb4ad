"""List what waits for a member of the staff: cases, requests, drafts, failed files, and problems of parts of the site.

Entry points: `list_waiting` asks the database only; `find_problems` runs the quick checks of the Doctor. Neither
changes anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext

from apps.documents.models import Document
from apps.operations.doctor.engine_checks import list_checks
from apps.operations.doctor.system_checks import CheckState, NamedCheck
from apps.safety.break_glass.access_requests import pending_requests
from apps.safety.moderation import cases
from apps.safety.policy import versions
from apps.users.i18n import translate_stored
from apps.users.models import JoinRequest, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_FAILED_DAYS = 7  # files that failed earlier are left to their owners
_CHECK_S = 10.0  # seconds; a check that takes longer is a finding itself
# The Doctor's checks that take less than a second or two, by the part of their name before a number. The others read
# much of the index, start processes, or say what was chosen once, such as a missing mail server.
_QUICK = {"model", "embedding", "database", "worker", "jobs", "requests", "broker", "turnlog", "log", "disk", "backup"}
_ALSO_WARNINGS = {"disk", "backup"}  # of the others only failures are told: a slow token can wait


@dataclass(frozen=True, slots=True)
class ToDo:
    """Thing that waits, with the page on which it is done. `detail` is a sentence or two; "" if there is none."""

    title: StrOrPromise
    detail: str
    url: str


def list_waiting(user: User) -> list[ToDo]:
    """Return what waits for the user in the database, in a fixed order; [] if nothing does.

    Reviewers get cases and requests for emergency access only. At most six queries.
    """
    found = [*_list_cases(user), *_list_access_requests(user)]
    if user.is_administrator:
        found += [*_list_drafts(user), *_list_join_requests(), *_list_failed_files()]
    return found


async def find_problems() -> list[ToDo]:
    """Return the problems that quick checks of the Doctor find now, in the order of its page."""
    checks = [check for check in list_checks() if _get_kind(check) in _QUICK]
    found = await asyncio.gather(*(_find_problem(check) for check in checks))
    return [problem for problem in found if problem is not None]


def _list_cases(user: User) -> Iterator[ToDo]:
    overdue = Count("pk", filter=Q(due_at__lt=timezone.now()))
    figures = cases.claimable_cases(user).aggregate(number=Count("pk"), oldest=Min("created"), overdue=overdue)
    if number := figures["number"]:
        title = ngettext("%(n)s case waits for review", "%(n)s cases wait for review", number) % {"n": number}
        detail = _describe_oldest(figures["oldest"])
        if late := figures["overdue"]:
            detail = f"{detail} {ngettext('%(n)s is overdue.', '%(n)s are overdue.', late) % {'n': late}}"
        yield ToDo(title, detail, f"{reverse('safety:queue')}?show=waiting")


def _list_access_requests(user: User) -> Iterator[ToDo]:
    figures = pending_requests(user).aggregate(number=Count("pk"), oldest=Min("created"))
    if number := figures["number"]:
        title = ngettext(
            "%(n)s request for emergency access waits for you",
            "%(n)s requests for emergency access wait for you",
            number,
        )
        yield ToDo(title % {"n": number}, _describe_oldest(figures["oldest"]), reverse("conversations:break_glass"))


def _list_drafts(user: User) -> Iterator[ToDo]:
    if number := versions.count_approvable_drafts(user):
        title = ngettext(
            "%(n)s draft of the policy waits for approval", "%(n)s drafts of the policy wait for approval", number
        )
        yield ToDo(title % {"n": number}, "", reverse("safety:policy"))


def _list_join_requests() -> Iterator[ToDo]:
    figures = JoinRequest.objects.aggregate(number=Count("pk"), oldest=Min("created"))
    if number := figures["number"]:
        title = ngettext("%(n)s request for an account", "%(n)s requests for an account", number) % {"n": number}
        yield ToDo(title, _describe_oldest(figures["oldest"]), reverse("users:people"))


def _list_failed_files() -> Iterator[ToDo]:
    since = timezone.now() - timedelta(days=_FAILED_DAYS)
    rows = Document.objects.filter(status__in=[Document.Status.FAILED, Document.Status.QUARANTINED], changed__gte=since)
    reasons = list(rows.order_by().values_list("reason").annotate(number=Count("pk")).order_by("-number"))
    if number := sum(count for _, count in reasons):
        title = ngettext(
            "%(n)s file failed in the last 7 days", "%(n)s files failed in the last 7 days", number
        ) % {"n": number}  # fmt: skip
        most = translate_stored(reasons[0][0])
        detail = gettext("Most frequent reason: %(reason)s") % {"reason": most} if most else ""
        yield ToDo(title, detail, _doctor("documents"))


async def _find_problem(check: NamedCheck) -> ToDo | None:
    try:
        async with asyncio.timeout(_CHECK_S):
            result = await check.run()
    except TimeoutError:
        late = gettext("The check did not end within %(n)s seconds.") % {"n": f"{_CHECK_S:.0f}"}
        return ToDo(check.title, late, _doctor(check.name))
    told = {CheckState.BAD, CheckState.WARN} if _get_kind(check) in _ALSO_WARNINGS else {CheckState.BAD}
    if result.state not in told:
        return None
    return ToDo(check.title, f"{result.message} {result.advice}", _doctor(check.name))


def _get_kind(check: NamedCheck) -> str:
    return check.name.partition("-")[0]


def _doctor(name: str) -> str:
    return f"{reverse('operations:doctor')}#check-{name}"


def _describe_oldest(created: datetime) -> str:
    """Return how long the oldest has waited, to one unit of time; "" below a minute."""
    if timezone.now() - created < timedelta(minutes=1):
        return ""
    age = timesince(created, depth=1).replace("\xa0", " ")
    return gettext("Longest wait: %(age)s.") % {"age": age}
