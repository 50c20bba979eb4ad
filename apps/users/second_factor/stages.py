"""Stages of a sign-in after the password: the second factor, or its set-up where the role needs one and there is none.

Until a stage is over nobody is signed in: the session has no user, so no page, socket or download knows one. A sign-in
at the provider passes both stages.
"""

from __future__ import annotations

from typing import Any

from allauth.account.stages import LoginStage
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from apps.users.models import User
from apps.users.second_factor import requirement

STAGES = [
    "apps.users.second_factor.stages.CodeStage",
    "apps.users.second_factor.stages.SetUpStage",
]
_PASSWORD_KEY = "password"  # noqa: S105 - of the stage's state: hash that changes with the password


class CurrentPasswordMixin:
    """Mixin of stages that hold only as long as the password of the account stays."""

    login: Any
    state: dict[str, Any]

    def note_password(self) -> None:
        """Remember the present password by its hash."""
        self.state[_PASSWORD_KEY] = self.login.user.get_session_auth_hash()

    def is_current(self) -> bool:
        """Return whether the account is active and has the password with which the sign-in began."""
        user = User.objects.filter(pk=self.login.user.pk, is_active=True).first()
        noted = self.state.get(_PASSWORD_KEY, "")
        return user is not None and constant_time_compare(noted, user.get_session_auth_hash())


def is_by_provider(login: Any) -> bool:
    """Return whether the sign-in came from the provider."""
    return (login.signal_kwargs or {}).get("sociallogin") is not None


class CodeStage(CurrentPasswordMixin, AuthenticateStage):  # type: ignore[misc]
    """Stage that asks for the second factor."""

    def handle(self) -> tuple[Any, bool]:
        if is_by_provider(self.login):
            return None, True
        self.note_password()
        found: tuple[Any, bool] = super().handle()
        return found


class SetUpStage(CurrentPasswordMixin, LoginStage):  # type: ignore[misc]
    """Stage in which a user whose role needs a second factor sets one up."""

    key = "second_factor_set_up"
    urlname = "users:factor_set_up"

    def handle(self) -> tuple[Any, bool]:
        if is_by_provider(self.login) or not requirement.is_unmet(self.login.user):
            return None, True
        self.note_password()
        return HttpResponseRedirect(reverse(self.urlname)), True
