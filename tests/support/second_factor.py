"""Second factors of tests: an app's secret and its codes, and half a sign-in."""

from __future__ import annotations

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.utils import decrypt
from django.test import Client

from apps.users.models import SiteSettings, User
from apps.users.second_factor import factors
from tests.support.password import PASSWORD

LOGIN, CODE, SET_UP = "/accounts/login/", "/accounts/second-factor/", "/accounts/second-factor/set-up/"


def add_app(user: User) -> str:
    """Add an app to the account, and recovery codes. Return the secret of the app."""
    secret = generate_totp_secret()
    factors.add_app(user, secret, -1)
    return secret


def make_code(secret: str, steps: int = 0) -> str:
    """Return the code that an app shows now, or that many steps of 30 s later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def list_recovery_codes(user: User) -> list[str]:
    """Return the unused recovery codes of the account."""
    found: list[str] = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    return found


def read_secret(user: User) -> str:
    """Return the secret of the app of the account."""
    return decrypt(Authenticator.objects.get(user=user, type="totp").data["secret"])


def enter_password(client: Client, user: User) -> str:
    """Sign in with the password. Return the address of the next page."""
    answer = client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    return str(answer.headers.get("Location", ""))


def require(rule: str) -> None:
    """Require a second factor of those roles; see SiteSettings.SecondFactor."""
    SiteSettings.current()
    SiteSettings.objects.update(second_factor=rule)


def is_signed_in(client: Client) -> bool:
    return client.get("/accounts/email/").status_code == 200
