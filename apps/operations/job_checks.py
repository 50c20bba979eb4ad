"""What the Doctor says of periodic jobs and of requests about people's own data that the worker could not finish."""

from __future__ import annotations

from django.utils.translation import gettext, ngettext

from apps.lib import periodic
from apps.lib.threads import in_pool
from apps.operations.checks import Check, bad, describe_duration, good, warn

_SHOWN = 3


async def jobs() -> Check:
    return await in_pool(_jobs)


def _jobs() -> Check:
    """Whether each periodic job of the web process and of the worker has succeeded lately."""
    known, overdue = periodic.count_jobs(), periodic.find_overdue()
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


def _tell(one: periodic.Overdue) -> str:
    words = gettext("%(name)s (%(role)s) for %(duration)s") % {
        "name": one.name,
        "role": one.role,
        "duration": describe_duration(one.silent_s),
    }
    return f"{words} ({one.error[:200]})" if one.error else words
