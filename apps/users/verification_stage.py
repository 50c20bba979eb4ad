"""Stage of a sign-in that requires a confirmed address where a mail server was set on the page.

With EMAIL_URL django-allauth requires it by its own setting, which is fixed at the start.
"""

from __future__ import annotations

from typing import Any

from allauth.account.app_settings import EmailVerificationMethod
from allauth.account.stages import LoginStage

from apps.lib.outgoing_email import is_page_server_in_use
from apps.users.second_factor.stages import is_by_provider

STAGE = "apps.users.verification_stage.RequireVerificationStage"


class RequireVerificationStage(LoginStage):  # type: ignore[misc]
    """Stage before django-allauth's own, which then mails the link and waits."""

    key = "require_verification"
    urlname = None

    def handle(self) -> tuple[Any, bool]:
        if is_page_server_in_use() and not is_by_provider(self.login):
            self.login.email_verification = EmailVerificationMethod.MANDATORY
        return None, True
