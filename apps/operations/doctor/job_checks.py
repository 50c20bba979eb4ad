"""Doctor's checks of periodic jobs, and of data requests (copy, erasure) that are overdue."""

from __future__ import annotations

from datetime import timedelta

from django.apps import apps
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from apps.lib import periodic_jobs
from apps.lib.concurrency.threads import in_db, in_pool
from apps.operations.doctor.system_checks import CheckResult, bad, describe_duration, good, warn
from apps.users.i18n import translate_stored

_SHOWN = 3
_LATE = timedelta(hours=1)  # a request that waits longer is late: the worker is away, or each attempt fails


async def check_periodic_jobs() -> CheckResult:
    """Check that no periodic job of the web process or the worker is overdue."""
    return await in_pool(_jobs)


def _jobs() -> CheckResult:
    """Return the check: bad if a periodic job is overdue, a warning if none has run yet."""
    known, overdue = periodic_jobs.count_jobs(), periodic_jobs.find_overdue()
    if not known:
        return warn(
            gettext("No periodic job has run here yet."),
            gettext("They begin when Openbook serves and its worker runs."),
        )
    if not overdue:
        words = ngettext("%(n)s periodic job runs.", "All %(n)s periodic jobs run.", known)
        return good(words % {"n": known})
    told = [_tell(one) for one in sorted(overdue, key=lambda one: not one.error)[:_SHOWN]]
    words = ngettext(
        "%(n)s periodic job has not succeeded for a while: %(told)s",
        "%(n)s periodic jobs have not succeeded for a while: %(told)s",
        len(overdue),
    )
    return bad(
        words % {"n": len(overdue), "told": "; ".join(told)},
        gettext(
            "What they do waits: retention, erasure, closing of dead answers and the like. The log has the traces; "
            "where a whole process is silent, start it again."
        ),
    )


async def check_data_requests() -> CheckResult:
    """Check that data requests are done in time."""
    return await in_db(_requests)


def _requests() -> CheckResult:
    """Return the check: bad if a data request failed or is not done after `_LATE`.

    The worker retries failed erasures.
    """
    wishes = apps.get_model("privacy", "DataRequest")._default_manager.exclude(status="done")
    late = wishes.filter(Q(status="failed") | Q(created__lt=timezone.now() - _LATE)).order_by("-kind", "created")
    if not (number := late.count()):
        return good(gettext("Every copy and erasure of a person's data that was asked for is done or under way."))
    words = ngettext(
        "%(n)s request for a copy or an erasure of a person's data is not done: %(told)s",
        "%(n)s requests for a copy or an erasure of a person's data are not done: %(told)s",
        number,
    )
    told = "; ".join(
        gettext("%(kind)s of person %(number)s (%(reason)s)")
        % {
            "kind": wish.get_kind_display(),
            "number": wish.number,
            "reason": wish.fault or translate_stored(wish.reason) or "-",
        }
        for wish in late[:_SHOWN]
    )
    return bad(
        words % {"n": number, "told": told},
        gettext(
            "An erasure that failed is tried again every hour; its person sees that where the receipt will be. "
            "Mend what the reason names; the worker has to run."
        ),
    )


def _tell(one: periodic_jobs.OverdueJob) -> str:
    words = gettext("%(name)s (%(role)s) for %(duration)s") % {
        "name": one.name,
        "role": one.role,
        "duration": describe_duration(one.silent_s),
    }
    return f"{words} ({one.error[:200]})" if one.error else words
