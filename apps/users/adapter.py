"""Adapter of django-allauth: sign-up rules, invitations, known devices, links in mails."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.users import (
    audit_hook,
    invitations,
    join_requests,
    known_devices,
    rate_limits,
    sessions,
    sign_in_limits,
)
from apps.users.models import SiteSettings, User
from apps.users.permissions import has_provider_account
from apps.users.second_factor.passkeys import list_standing_alone
from apps.users.second_factor.stages import STAGES
from apps.users.single_sign_on.adapter import finish_link
from apps.users.single_sign_on.provider_settings import load_provider
from apps.users.verification_stage import STAGE

if TYPE_CHECKING:
    from apps.users.models import AnyUser

Signup = SiteSettings.Signup


def build_mail_link(name: str, **parts: str) -> str:
    """Return the absolute URL of a page for use in a mail.

    The host is the configured SITE_URL, never the Host header of a request.
    """
    return str(settings.SITE_URL) + reverse(name, kwargs=parts)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Adapter that applies the sign-up rule of the site, and counts failed sign-ins per device or per account and
    network."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": gettext_lazy(
            "This account is suspended. Sign in to see why, until when, and how to appeal."
        ),
        "email_password_mismatch": gettext_lazy("Wrong e-mail address or password."),
        "email_taken": gettext_lazy(
            "This e-mail address cannot be used. If it is yours, sign in or reset your password."
        ),
        "incorrect_password": gettext_lazy("Wrong password."),
        "enter_current_password": gettext_lazy("Your current password is different."),
        "too_many_login_attempts": gettext_lazy(
            "Too many attempts. Try again in five minutes, or reset your password."
        ),
        "rate_limited": gettext_lazy("Too many requests. Try again in a minute."),
        "same_as_current": gettext_lazy("This is already your e-mail address."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return whether this visitor may sign up.

        A link with an invitation's secret is redirected at once to the URL without it.
        """
        if invitations.accept_link(request):
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_signup")))
        rule = request.signup_rule = SiteSettings.current().signup  # type: ignore[attr-defined]  # read by the sign-up page
        invitation = invitations.get_session_invitation(request) if rule != Signup.CLOSED else None
        confirmed = invitation.email if invitation is not None else join_requests.get_session_address(request)
        if confirmed:
            self.stash_verified_email(request, confirmed)  # the link was given to the owner of this address
        return rule == Signup.OPEN or invitation is not None or bool(confirmed)

    def clean_email(self, email: str) -> str:
        """Return the address in lower case. Raises ValidationError if the invitation is for another address."""
        email = email.lower()
        request = self.request
        if request is not None and request.path == reverse("account_signup"):
            invitation = invitations.get_session_invitation(request)
            if invitation is not None and invitation.email and invitation.email != email:
                raise ValidationError(gettext("This invitation is for %(email)s.") % {"email": invitation.email})
            confirmed = "" if invitation is not None else join_requests.get_session_address(request)
            if confirmed and confirmed != email:
                raise ValidationError(gettext("You confirmed the address %(email)s.") % {"email": confirmed})
        return email

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Create the account and redeem the invitation in one transaction.

        Redirects to the sign-up page if the site needs an invitation and none could be redeemed.
        """
        with transaction.atomic():
            user.is_active, user.role, user.is_superuser = True, User.Role.MEMBER, False
            super().save_user(request, user, form, commit)
            invitation = invitations.get_session_invitation(request)
            used = invitation is not None and invitations.redeem_invitation(invitation, user)
            how = "invitation" if used else "open"
            if not used and SiteSettings.current().signup != Signup.OPEN:
                if join_requests.get_session_address(request) != user.email:
                    raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_signup")))
                how = "domain"
            audit_hook.record_change("person.joined", actor=user, user=user.pk, subject=f"person {user.pk}", how=how)
        request.session.pop(invitations.SESSION_KEY, None)
        request.session.pop(join_requests.SESSION_KEY, None)
        return user

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Return the user, or None. Raises ValidationError after too many attempts.

        A failed attempt counts for the account and the network. On a device where the account has signed in before it
        counts for that device instead, so that attempts of others cannot lock the user out.
        """
        buckets = sign_in_limits.count_attempt(request, str(credentials.get("email") or ""))
        if buckets is None:
            raise self.validation_error("too_many_login_attempts")
        user = super().authenticate(request, **credentials)
        if user is not None:
            for one in buckets:
                rate_limits.refund(one)
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Skip django-allauth's own rate limit on known devices.

        It counts by account alone, so strangers could lock users out of their own devices.
        """
        if not known_devices.is_known_device(request, str(credentials.get("email") or "")):
            super().pre_authenticate(request, **credentials)

    def get_login_stages(self) -> list[str]:
        """Return the stages of a sign-in after the password; those of the second factor are ours, and come last."""
        stages: list[str] = super().get_login_stages()
        return [STAGE, *(stage for stage in stages if not stage.startswith("allauth.mfa.")), *STAGES]

    def get_reauthentication_methods(self, user: AnyUser) -> list[dict[str, Any]]:
        """Return the ways to prove presence: the password or a passkey whose device checks the user.

        Users without a password sign in at the provider again; without one of those either, they choose a password by
        mail. A code is no proof: whoever sits at an open device may hold the phone, too.
        """
        if not isinstance(user, User):
            return []
        if user.has_usable_password():
            ways = [{"id": "reauthenticate", "description": "", "url": reverse("account_reauthenticate")}]
            if list_standing_alone(user):
                ways.append({"id": "passkey", "description": "", "url": reverse("mfa_reauthenticate_webauthn")})
            return ways
        if has_provider_account(user):
            return [{"id": "provider", "description": "", "url": reverse("users:sso_reauthenticate")}]
        return [{"id": "reset", "description": "", "url": reverse("account_reset_password")}]

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> Any:
        """Note and remember the device.

        Limit the session of a sign-in with the provider; link after one with the password.
        """
        if (options.get("signal_kwargs") or {}).get("sociallogin") is not None:
            request.session.set_expiry(timezone.now() + timedelta(hours=load_provider().session_hours))
        else:
            request.session.pop(sessions.PROVIDER_KEY, None)
            finish_link(request, user)
        sessions.note_device(request)
        return known_devices.remember_device(super().post_login(request, user, **options), user)

    def get_reset_password_from_key_url(self, key: str) -> str:
        path = build_mail_link("account_reset_password_from_key", uidb36="UID", key="KEY")
        return path.replace("UID-KEY", quote(key))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return build_mail_link("account_confirm_email", key=emailconfirmation.key)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        safe = {"signup_url": build_mail_link("account_signup"), "site_url": settings.SITE_URL}
        if "key" not in context:
            safe["password_reset_url"] = build_mail_link("account_reset_password")
        super().send_mail(template_prefix, email, {**context, **safe})

    def format_email_subject(self, subject: str) -> str:
        return f"[Openbook] {subject}"

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_change_password")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_login")
