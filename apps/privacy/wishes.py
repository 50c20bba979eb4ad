"""A person asks for a copy of their data, or for its erasure; the worker does it. The row is the queue."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.lib import leases
from apps.lib.bell import send
from apps.privacy import copying, erasing
from apps.privacy.models import Hold, Wish
from apps.safety import audit
from apps.users.models import User
from apps.users.people import suspend

log = logging.getLogger(__name__)

TASK = "privacy.do"
LEASE_S = 1800.0
KEPT_DAYS = 7  # a copy can be fetched so long
ATTEMPTS = 3
_BROKEN = "This could not be finished. The log of the server says why; an administrator can have it tried again."


class Refused(Exception):
    """Not now; the message says why."""


def ask_for_copy(user: User) -> Wish:
    """The copy will be made. Raises Refused."""
    return _ask(user, Wish.Kind.EXPORT)


def ask_for_erasure(user: User) -> Wish:
    """The person is signed out for good at once, and everything goes. Raises Refused, LastAdministrator."""
    if Hold.objects.filter(person=user).exists():
        raise Refused(gettext(erasing.HELD))
    with transaction.atomic():
        wish = _ask(user, Wish.Kind.ERASE)
        suspend(user, user)
        audit.record("person.asked_for_erasure", actor=user, person=user.pk, subject=f"receipt {wish.pk}")
    return wish


def do(pk: str) -> None:
    """What was asked for is done, once; what breaks is tried again by the sweep, three times."""
    token = leases.claim(Wish.objects.filter(status=Wish.Status.WAITING, attempts__lt=ATTEMPTS), pk, LEASE_S)
    wish = Wish.objects.select_related("person").filter(pk=pk, lease_token=token).first() if token else None
    if wish is None or token is None:
        return
    try:
        if wish.person is not None and wish.kind == Wish.Kind.EXPORT:
            counts, sha256, size = copying.write(wish, wish.person)
            _end(wish, token, status=Wish.Status.DONE, counts=counts, sha256=sha256, size=size)
        elif wish.kind == Wish.Kind.ERASE:
            erasing.finish(wish, erasing.erase(wish.person) if wish.person is not None else wish.counts)
    except erasing.Held as error:
        _end(wish, token, status=Wish.Status.FAILED, reason=str(error))
    except Exception:
        if wish.attempts >= ATTEMPTS:
            _end(wish, token, status=Wish.Status.FAILED, reason=_BROKEN)
        raise


def sweep() -> None:
    """What waits is done by whoever hears the bell; copies that are old are gone. A chore of the worker."""
    now = timezone.now()
    for pk in Wish.objects.filter(status=Wish.Status.WAITING, lease_until=None).values_list("pk", flat=True)[:4]:
        send(TASK, pk)
    for wish in leases.expired(Wish.objects.filter(status=Wish.Status.WAITING, attempts__lt=ATTEMPTS)):
        send(TASK, wish.pk)
    gone = Wish.objects.filter(kind=Wish.Kind.EXPORT, ended__lt=now - timedelta(days=KEPT_DAYS))
    for wish in gone:
        copying.place(wish).unlink(missing_ok=True)
    gone.delete()


def _ask(user: User, kind: str) -> Wish:
    try:
        with transaction.atomic():
            wish = Wish.objects.create(kind=kind, person=user, number=user.pk)
            transaction.on_commit(lambda: send(TASK, wish.pk), robust=True)
    except IntegrityError as error:
        raise Refused(gettext("You have asked for this already; it is being done.")) from error
    return wish


def _end(wish: Wish, token: str, **changes: object) -> None:
    leases.release(Wish.objects.all(), wish.pk, token, ended=timezone.now(), **changes)
