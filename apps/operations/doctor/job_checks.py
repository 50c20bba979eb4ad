"""Doctor's checks of periodic jobs, and of data requests (copy, erasure) that are overdue."""

from __future__ import annotations

from datetime import timedelta

from django.apps import apps
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from apps.lib import periodic_jobs
from apps.operations.doctor.system_checks import CheckResult, bad, describe_duration, good, warn
from apps.users.i18n import translate_stored

_SHOWN = 3
_LATE = timedelta(hours=1)  # a request that waits longer is late: the worker is away, or each attempt fails


def check_periodic_jobs() -> CheckResult:
    """Return the check: bad if a periodic job of the web process or the worker is overdue, a warning if none has run
    yet."""
    known, overdue = periodic_jobs.count_jobs(), periodic_jobs.find_overdue()
    if not known:
        return warn(
            gettext("No periodic job has run here yet."),
            gettext("They start when Openbook and its worker are running."),
        )
    if not overdue:
        message = ngettext("%(n)s periodic job runs.", "All %(n)s periodic jobs run.", known)
        return good(message % {"n": known})
    reported = [_tell(one) for one in sorted(overdue, key=lambda one: not one.error)[:_SHOWN]]
    message = ngettext(
        "%(n)s periodic job is overdue: %(told)s",
        "%(n)s periodic jobs are overdue: %(told)s",
        len(overdue),
    )
    return bad(
        message % {"n": len(overdue), "told": "; ".join(reported)},
        gettext(
            "Their work waits: retention, erasure, closing of interrupted answers and others. See the log for "
            "errors. If a whole process is silent, restart it."
        ),
    )


def check_data_requests() -> CheckResult:
    """Return the check: bad if a data request failed or is not done after `_LATE`.

    The worker retries failed erasures.
    """
    wishes = apps.get_model("privacy", "DataRequest")._default_manager.exclude(status="done")
    late = wishes.filter(Q(status="failed") | Q(created__lt=timezone.now() - _LATE)).order_by("-kind", "created")
    if not (number := late.count()):
        return good(gettext("All data requests of users are done or in progress."))
    message = ngettext(
        "%(n)s data request of a user is not done: %(told)s",
        "%(n)s data requests of users are not done: %(told)s",
        number,
    )
    reported = "; ".join(
        gettext("%(kind)s of user %(number)s (%(reason)s)")
        % {
            "kind": wish.get_kind_display(),
            "number": wish.user_pk,
            "reason": wish.error or translate_stored(wish.reason) or "-",
        }
        for wish in late[:_SHOWN]
    )
    return bad(
        message % {"n": number, "told": reported},
        gettext(
            "A failed erasure is tried again every hour, and the user can see this. Fix the cause given in the "
            "reason, and check that the worker is running."
        ),
    )


def _tell(one: periodic_jobs.OverdueJob) -> str:
    message = gettext("%(name)s (%(role)s) for %(duration)s") % {
        "name": one.name,
        "role": one.role,
        "duration": describe_duration(one.silent_s),
    }
    return f"{message} ({one.error[:200]})" if one.error else message
