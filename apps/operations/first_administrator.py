"""Create the first administrator, protected by a set-up code, and rescue one who is locked out."""

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
from apps.users import accounts, sessions
from apps.users.models import SiteSettings, User
from apps.users.second_factor import factors

log = logging.getLogger(__name__)

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without letters and digits that look alike
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class AdministratorExists(Exception):
    """Error: there is an administrator already."""


class UnknownAccount(Exception):
    """Error: there is no account with this address."""


class _Seen:
    """Cache of whether an administrator exists. Queried on each request until True, then never again."""

    administrator = False


seen = _Seen()


def has_administrator() -> bool:
    """Return whether an active administrator exists or existed in this process."""
    if not seen.administrator:
        seen.administrator = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exists()
    return seen.administrator


def create_administrator(email: str, password: str, name: str = "") -> User:
    """Create the first administrator with a verified address. Raises AdministratorExists.

    The row of site settings is locked, so that only one of two simultaneous requests succeeds.
    """
    with transaction.atomic():
        SiteSettings.current()
        SiteSettings.objects.select_for_update().get()  # a second simultaneous request waits here
        if User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exists():
            raise AdministratorExists
        user = User.objects.create_superuser(email, password, name=name)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        audit.record_event("person.joined", actor=user, user=user.pk, subject=f"person {user.pk}", how="setup")
    seen.administrator = True
    _code_file().unlink(missing_ok=True)
    return user


def rescue_administrator(email: str, *, create: bool = False, remove_second_factor: bool = False) -> str:
    """Make the account an active administrator with a verified address, and end its sessions.

    Its second factor stays unless it is to be removed. Return a link, for one use, to choose a new
    password. Raises UnknownAccount without such an account unless `create` is set, ValidationError for a malformed
    address of a new one.
    """
    email = email.strip().lower()
    with transaction.atomic():
        user = User.objects.filter(email=email).first()
        if user is None:
            if not create:
                raise UnknownAccount
            validate_email(email)
            user = User.objects.create_user(email)
            audit.record_event("person.joined", user=user.pk, subject=f"person {user.pk}", how="machine")
        if not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
            accounts.confirm_address(user)
        accounts.reinstate_as_administrator(user)
        if remove_second_factor:
            factors.take_off(user, None)
        audit.record_event("person.rescued", user=user.pk, subject=f"person {user.pk}", how="machine")
    sessions.end_sessions(user)
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    return str(get_adapter().get_reset_password_from_key_url(f"{user_pk_to_url_str(user)}-{token}"))


def is_code_needed(request: HttpRequest) -> bool:
    """Return whether the set-up page asks for the code: unless site URL and client are both on this machine."""
    return not (_loopback(urlsplit(settings.SITE_URL).hostname) and _loopback(request.META.get("REMOTE_ADDR")))


def get_setup_code() -> str:
    """Return the set-up code of this installation, created on first use in a file that only its owner can read."""
    path = _code_file()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
            file.write(f"{letters[:5]}-{letters[5:]}")
    except FileExistsError:
        pass
    return path.read_text().strip()


def log_setup_code() -> None:
    """Write the set-up code to the log."""
    log.warning("The set-up code is %s", get_setup_code())


def is_setup_code(given: str) -> bool:
    """Return whether the text is the set-up code. Case, spaces and dashes do not matter."""
    letters = given.upper().replace("-", "").replace(" ", "")
    return secrets.compare_digest(letters.encode(), get_setup_code().replace("-", "").encode())


def _code_file() -> Path:
    return Path(settings.DATA_DIR) / "setup_code"


def _loopback(host: object) -> bool:
    return host in _LOOPBACK
