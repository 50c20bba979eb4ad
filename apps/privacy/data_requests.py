"""Queue of data requests: a user asks for a copy of their data or for its erasure, and the worker does it.

The row of the request is the queue entry; the worker claims it by a lease.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from apps.lib.celery.notify import notify_worker
from apps.lib.db import leases
from apps.privacy import data_export, erasure
from apps.privacy.models import DataRequest, LegalHold
from apps.safety.audit_log import audit
from apps.users.accounts import suspend_user
from apps.users.models import User

log = logging.getLogger(__name__)

TASK = "privacy.do"
LEASE_S = 1800.0
KEPT_DAYS = 7  # a copy can be downloaded for so long
MAX_ATTEMPTS = 3
RETRY_AFTER = timedelta(hours=1)  # a failed erasure restarts after this: its user can no longer sign in to ask again
_MAX_ANNOUNCED = 4  # requests that one run of the sweep announces to the worker
_BROKEN = (
    "This could not be finished yet. Administrators see the reason in the system check; an erasure is retried every "
    "hour."
)
_STOPPED = "The background process was stopped each time before it finished."


class DataRequestRefused(Exception):
    """Error: the request is not possible now. The message says why."""


def request_copy(user: User) -> DataRequest:
    """Queue a copy of the user's data. Raises DataRequestRefused if one is queued already."""
    return _ask(user, DataRequest.Kind.EXPORT)


def request_erasure(user: User, by: User | None = None) -> DataRequest:
    """Suspend the account, log the request and queue the erasure. `by` is the administrator who does it; None: the
    user.

    Raises DataRequestRefused for a user under a legal hold or with a queued erasure, LastAdministrator for the last
    one.
    """
    if LegalHold.objects.filter(user=user).exists():
        raise DataRequestRefused(gettext(erasure.LEGAL_HOLD_MESSAGE))
    with transaction.atomic():
        data_request = _ask(user, DataRequest.Kind.ERASE)
        suspend_user(user, by or user)
        audit.record_event(
            "person.asked_for_erasure", actor=by or user, user=user.pk, subject=f"receipt {data_request.pk}"
        )
    return data_request


def process_request(pk: str) -> None:
    """Claim the request and do it.

    A failed request is tried again by the sweep, up to MAX_ATTEMPTS times; a failed erasure restarts after RETRY_AFTER.
    The error of the last attempt is stored, and each error is raised.
    """
    rows = DataRequest.objects.filter(status=DataRequest.Status.WAITING, attempts__lt=MAX_ATTEMPTS)
    erasures = rows.filter(kind=DataRequest.Kind.ERASE)
    token = leases.claim(erasures, pk, erasure.LEASE_S) or leases.claim(
        rows.filter(kind=DataRequest.Kind.EXPORT), pk, LEASE_S
    )
    data_request = (
        DataRequest.objects.select_related("user").filter(pk=pk, lease_token=token).first() if token else None
    )
    if data_request is None or token is None:
        return
    try:
        if data_request.kind == DataRequest.Kind.ERASE:
            erasure.erase_user(data_request, token)
        elif data_request.user is not None:
            counts, sha256, size = data_export.write_archive(data_request, data_request.user)
            if not _end(data_request, token, status=DataRequest.Status.DONE, counts=counts, sha256=sha256, size=size):
                data_export.archive_path(data_request).unlink(missing_ok=True)  # an erasure has closed the request
    except erasure.ErasureLeaseLost:
        log.info("Another worker does what was asked for in %s", pk)
    except erasure.UnderLegalHold as error:
        _end(data_request, token, status=DataRequest.Status.FAILED, reason=str(error), error="")
    except Exception as error:
        if data_request.attempts >= MAX_ATTEMPTS:
            described = f"{type(error).__name__}: {error}"[:400]
            _end(data_request, token, status=DataRequest.Status.FAILED, reason=_BROKEN, error=described)
        raise


def sweep_requests() -> None:
    """Announce queued requests to the worker, fail those out of attempts, restart failed erasures, delete old copies.

    Periodic job of the worker.
    """
    now = timezone.now()
    waiting = DataRequest.objects.filter(status=DataRequest.Status.WAITING)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    waiting.filter(free, attempts__gte=MAX_ATTEMPTS).update(
        status=DataRequest.Status.FAILED, reason=_BROKEN, error=_STOPPED, ended=now, lease_token="", lease_until=None
    )
    failed = DataRequest.objects.filter(
        kind=DataRequest.Kind.ERASE, status=DataRequest.Status.FAILED, ended__lt=now - RETRY_AFTER
    )
    failed.exclude(user_pk__in=waiting.filter(kind=DataRequest.Kind.ERASE).values("user_pk")).update(
        status=DataRequest.Status.WAITING, attempts=0, ended=None
    )
    for pk in (
        waiting.filter(free, attempts__lt=MAX_ATTEMPTS)
        .order_by("created")
        .values_list("pk", flat=True)[:_MAX_ANNOUNCED]
    ):
        notify_worker(TASK, pk)
    gone = DataRequest.objects.filter(kind=DataRequest.Kind.EXPORT, ended__lt=now - timedelta(days=KEPT_DAYS))
    for data_request in gone:
        data_export.archive_path(data_request).unlink(missing_ok=True)
    gone.delete()


def _ask(user: User, kind: str) -> DataRequest:
    try:
        with transaction.atomic():
            data_request = DataRequest.objects.create(kind=kind, user=user, user_pk=user.pk)
            transaction.on_commit(lambda: notify_worker(TASK, data_request.pk), robust=True)
    except IntegrityError as error:
        raise DataRequestRefused(gettext("You already requested this. It is in progress.")) from error
    return data_request


def _end(data_request: DataRequest, token: str, **changes: object) -> bool:
    return leases.release(DataRequest.objects.all(), data_request.pk, token, ended=timezone.now(), **changes)
