"""Add, rename and remove second factors; what was added or removed is logged and mailed to the user.

Entry points: `list_factors`, `add_app`, `add_passkey`, `rename_passkey`, `remove_factor`, `renew_codes`, `take_off`.
"""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext_lazy

from apps.users import audit_hook, notices
from apps.users.i18n import use_language_of
from apps.users.models import User, UserNotice
from apps.users.second_factor import codes
from apps.users.second_factor.requirement import PRIMARY, has_factor, is_required
from apps.users.sessions import end_sessions
from apps.users.special_permissions import require_administrator

_Type = Authenticator.Type
KINDS = {_Type.TOTP: "app", _Type.WEBAUTHN: "passkey"}  # of entries of the log
APP_ADDED = gettext_lazy("An app that makes codes was added to your account.")
PASSKEY_ADDED = gettext_lazy("A passkey was added to your account.")
FACTOR_REMOVED = gettext_lazy("A second factor was removed from your account.")
CODE_USED = gettext_lazy("A recovery code was used to sign in to your account.")
CODES_RENEWED = gettext_lazy("New recovery codes were made for your account. The earlier ones no longer work.")
TAKEN_OFF = gettext_lazy("An administrator removed the second factor from your account. Set up a new one.")

log = logging.getLogger(__name__)


class FactorNeeded(Exception):
    """Error: the role of the user needs a second factor, and this is the last one."""


def may_add(user: User) -> bool:
    """Return whether the user may set up a factor: those without a password sign in only at the provider."""
    return user.has_usable_password()


def list_factors(user: User) -> list[Authenticator]:
    """Return the apps and passkeys of the user, the oldest first."""
    return list(Authenticator.objects.filter(user=user, type__in=PRIMARY).order_by("created_at"))


def has_app(user: User) -> bool:
    """Return whether the user has an app that makes codes. There is one at most."""
    return bool(Authenticator.objects.filter(user=user, type=_Type.TOTP).exists())


def add_app(user: User, secret: str, step: int) -> bool:
    """Add the app with that secret, whose code of that time step was used. Return whether recovery codes were made.

    Nothing happens if the user has an app already.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # a second simultaneous request waits here
        if has_app(user):
            return False
        data = {"secret": encrypt(secret), codes.STEP_KEY: step}
        Authenticator.objects.create(user=user, type=_Type.TOTP, data=data)
        made = _finish_adding(user, _Type.TOTP)
    send_mail(user, APP_ADDED)
    return made


def add_passkey(user: User, name: str, credential: dict[str, Any]) -> bool:
    """Add the passkey, which was checked. Return whether recovery codes were made."""
    with transaction.atomic():
        WebAuthn.add(user, name, credential)
        made = _finish_adding(user, _Type.WEBAUTHN)
    send_mail(user, PASSKEY_ADDED)
    return made


def get_passkey(user: User, pk: int) -> Authenticator:
    """Return the passkey of the user. Raise Authenticator.DoesNotExist if there is none."""
    return Authenticator.objects.get(pk=pk, user=user, type=_Type.WEBAUTHN)


def rename_passkey(user: User, pk: int, name: str) -> None:
    """Rename a passkey of the user. Raise Authenticator.DoesNotExist if there is none."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=pk, user=user, type=_Type.WEBAUTHN)
        row.data["name"] = name
        row.save(update_fields=["data"])


def remove_factor(user: User, pk: int) -> None:
    """Remove an app or passkey of the user; with the last one, the recovery codes.

    Raise FactorNeeded, and Authenticator.DoesNotExist if the user has no such factor.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two simultaneous requests cannot remove the last two
        row = Authenticator.objects.get(pk=pk, user=user, type__in=PRIMARY)
        kind = KINDS[row.type]
        row.delete()
        if not has_factor(user):
            if is_required(user):
                raise FactorNeeded
            Authenticator.objects.filter(user=user).delete()
        _record("person.factor_removed", user, user, how=kind)
    send_mail(user, FACTOR_REMOVED)


def renew_codes(user: User) -> None:
    """Replace the recovery codes. Raise PermissionDenied if there is no factor that they could stand in for."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if not has_factor(user):
            raise PermissionDenied
        codes.renew_recovery_codes(user)
        _record("person.recovery_codes", user, user)
    send_mail(user, CODES_RENEWED)


def record_recovery_code(user: User) -> None:
    """Log that the user signed in with a recovery code, and mail it."""
    with transaction.atomic():
        _record("person.recovery_code", user, user)
    send_mail(user, CODE_USED)


def take_off(user: User, by: User | None) -> bool:
    """Remove all factors and recovery codes of another user, and end their sessions. Return False if there were none.

    `by` is the administrator; None for a command on the server. Raise PermissionDenied for others, and for oneself.
    """
    require_administrator(by)
    if by is not None and by.pk == user.pk:
        raise PermissionDenied
    with transaction.atomic():
        if not Authenticator.objects.filter(user=user).delete()[0]:
            return False
        _record("person.factors_taken_off", user, by)
        notices.notify_users([user.pk], UserNotice.Kind.SECOND_FACTOR, user.pk, "")
    end_sessions(user)
    send_mail(user, TAKEN_OFF)
    return True


def send_mail(user: User, what: object) -> None:
    """Mail the user what changed, in their language; nothing outside of a request, as by a command on the server.

    A failure is logged only: the change has happened.
    """
    if context.request is None:
        return
    try:
        with use_language_of(user):
            get_adapter().send_notification_mail("account/email/second_factor", user, {"what": str(what)})
    except OSError as error:  # base of smtplib's errors
        log.warning("A mail about a second factor could not be sent: %s", error)


def _finish_adding(user: User, kind: str) -> bool:
    _record("person.factor_added", user, user, how=KINDS[kind])
    if Authenticator.objects.filter(user=user, type=_Type.RECOVERY_CODES).exists():
        return False
    codes.renew_recovery_codes(user)
    return True


def _record(kind: str, user: User, by: User | None, **facts: object) -> None:
    audit_hook.record_change(kind, actor=by, user=user.pk, subject=f"person {user.pk}", **facts)
