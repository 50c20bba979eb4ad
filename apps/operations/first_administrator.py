"""The first administrator: whether there is one, who may become it, and how one who is locked out is let back in."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest

from apps.safety.audit_log import audit
from apps.users import accounts
from apps.users.models import SiteSettings, User

log = logging.getLogger(__name__)

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that look like another
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class AdministratorExists(Exception):
    """Somebody else has become the administrator in the meantime."""


class UnknownAccount(Exception):
    """There is no account with this address."""


class _Seen:
    """Asked on every request until it is true, then never again: administrators do not vanish."""

    administrator = False


seen = _Seen()


def has_administrator() -> bool:
    if not seen.administrator:
        seen.administrator = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exists()
    return seen.administrator


def create_administrator(email: str, password: str, name: str = "") -> User:
    """The first administrator, with a confirmed address. Raises Taken where there is one already."""
    with transaction.atomic():
        SiteSettings.current()
        SiteSettings.objects.select_for_update().get()  # the second of two people at once waits here
        if User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exists():
            raise AdministratorExists
        user = User.objects.create_superuser(email, password, name=name)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        audit.record_event("person.joined", actor=user, person=user.pk, subject=f"person {user.pk}", how="setup")
    seen.administrator = True
    _code_file().unlink(missing_ok=True)
    return user


def rescue_administrator(email: str, *, create: bool = False) -> str:
    """Make the account an active administrator with a confirmed address, and end its sessions.

    Return a link, for one use, to choose a new password. Raise Unknown where there is no such account and `create` is
    false, ValidationError where the address of a new one is malformed.
    """
    email = email.strip().lower()
    with transaction.atomic():
        user = User.objects.filter(email=email).first()
        if user is None:
            if not create:
                raise UnknownAccount
            validate_email(email)
            user = User.objects.create_user(email)
            audit.record_event("person.joined", person=user.pk, subject=f"person {user.pk}", how="machine")
        if not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
            accounts.confirm_address(user)
        accounts.reinstate_as_administrator(user)
        audit.record_event("person.rescued", person=user.pk, subject=f"person {user.pk}", how="machine")
    accounts.end_sessions(user)
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    return str(get_adapter().get_reset_password_from_key_url(f"{user_pk_to_url_str(user)}-{token}"))


def is_code_needed(request: HttpRequest) -> bool:
    """Whether somebody else than the owner of the machine could be asking: then only the log tells the code."""
    return not (_loopback(urlsplit(settings.SITE_URL).hostname) and _loopback(request.META.get("REMOTE_ADDR")))


def get_setup_code() -> str:
    """The set-up code of this installation, made when first needed, readable by its owner only."""
    path = _code_file()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
            file.write(f"{letters[:5]}-{letters[5:]}")
    except FileExistsError:
        pass
    return path.read_text().strip()


def log_setup_code() -> None:
    """The log holds the code, for whoever can read the log."""
    log.warning("The set-up code is %s", get_setup_code())


def is_setup_code(given: str) -> bool:
    letters = given.upper().replace("-", "").replace(" ", "")
    return secrets.compare_digest(letters.encode(), get_setup_code().replace("-", "").encode())


def _code_file() -> Path:
    return Path(settings.DATA_DIR) / "setup_code"


def _loopback(host: object) -> bool:
    return host in _LOOPBACK
