"""Adapter of django-allauth for sign-in with the provider: whom a sign-in there lets in here.

An account is entered only by the subject that is linked with it. A link is made for a new account, for an address that
the provider and this site have both verified (rule `verified`), or after the local password (`confirm`). An
account that the directory made is linked if the provider verified the address, or names the id of the directory.
"""

from __future__ import annotations

import hmac
import logging
import time
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext, gettext_lazy

from apps.users import audit_hook, invitations
from apps.users.models import DirectoryAccount, User
from apps.users.sessions import PROVIDER_KEY
from apps.users.single_sign_on import directory_sync
from apps.users.single_sign_on.claims import Identity
from apps.users.single_sign_on.provider import LEEWAY_S, SiteOidcProvider
from apps.users.single_sign_on.provider_settings import load_provider

LINK_KEY = "single_sign_on_link"  # of a session: the identity that waits for the local password
LINK_S = 600  # seconds for which it waits
REFUSALS = {
    "failed": gettext_lazy("The provider could not sign you in. Try again; if it fails again, tell an administrator."),
    "cancelled": gettext_lazy("You stopped signing in at the provider."),
    "no_address": gettext_lazy("The provider sent no e-mail address. An administrator must let it send one."),
    "not_allowed": gettext_lazy("Your account at the provider is not in a group that may sign in here."),
    "taken": gettext_lazy("An account with your e-mail address exists here already. Sign in with its password."),
    "unproven": gettext_lazy(
        "Your account was made by the directory, and the provider does not say that it is yours. Tell an administrator."
    ),
    "another": gettext_lazy("You signed in at the provider as another user. Sign in there with your own account."),
    "not_anew": gettext_lazy("The provider did not ask you to sign in anew, so this page stays closed."),
}

log = logging.getLogger(__name__)


def refuse(request: HttpRequest, reason: str) -> HttpResponse:
    """Return the page that says why nobody was signed in; `reason` is a key of REFUSALS."""
    return render(request, "users/single_sign_on_refused.html", {"reason": REFUSALS[reason]}, status=403)


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Adapter that checks the nonce, links, creates and updates accounts, and records who joined."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SiteOidcProvider:
        return SiteOidcProvider(request)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True  # whoever signs in with the provider needs no invitation; the allowed groups limit them

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        user: User = sociallogin.user
        user.email, user.name = data.get("email") or "", data.get("name") or ""
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        log.warning("A sign-in with the provider failed: %s", exception or error)
        raise ImmediateHttpResponse(refuse(request, "cancelled" if error == "cancelled" else "failed"))

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Check the sign-in, link it with an account, and apply groups and role. Raises ImmediateHttpResponse."""
        sent, expected = str(sociallogin.id_claims.get("nonce") or ""), str(sociallogin.state.get("nonce") or "")
        if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
            log.warning("A sign-in with the provider had a wrong nonce.")
            raise ImmediateHttpResponse(refuse(request, "failed"))
        if "started" in sociallogin.state:
            raise ImmediateHttpResponse(_reauthenticate(request, sociallogin))
        identity: Identity = sociallogin.identity
        if not directory_sync.is_allowed(identity):
            raise ImmediateHttpResponse(refuse(request, "not_allowed"))
        if request.user.is_authenticated:
            logout(request)
        if not sociallogin.is_existing:
            _link_or_refuse(request, sociallogin, identity)
        if sociallogin.is_existing and sociallogin.user.is_active:
            directory_sync.apply_identity(sociallogin.user, identity)
        request.session[PROVIDER_KEY] = {
            "issuer": sociallogin.account.provider,
            "sub": identity.subject,
            "sid": sociallogin.id_claims.get("sid"),
            "id_token": sociallogin.id_token,
        }

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Create the account, redeem an invitation of the session, and record that the user joined by the provider."""
        user: User = sociallogin.user
        with transaction.atomic():
            user.is_active, user.role, user.is_superuser = True, User.Role.MEMBER, False
            user.set_unusable_password()
            sociallogin.save(request)
            invitation = invitations.get_session_invitation(request)
            if invitation is not None and invitation.email in ("", user.email):
                invitations.redeem_invitation(invitation, user)
            _record("person.joined", user, how="provider")
            directory_sync.apply_identity(user, sociallogin.identity)
        return user


def finish_link(request: HttpRequest, user: User) -> None:
    """Link the identity that waits in the session with the user, who has just given the password of the account.

    Nothing happens if it is for another address or has waited for more than LINK_S seconds.
    """
    waiting = request.session.pop(LINK_KEY, None)
    provider = load_provider()
    if not waiting or waiting["issuer"] != provider.issuer or time.time() - waiting["at"] > LINK_S:
        return
    groups, roles = (None if names is None else frozenset(names) for names in (waiting["groups"], waiting["roles"]))
    identity = Identity(waiting["subject"], waiting["email"], groups=groups, roles=roles)
    if identity.email == user.email and not SocialAccount.objects.filter(user=user, provider=provider.issuer):
        with transaction.atomic():
            SocialAccount.objects.create(user=user, provider=provider.issuer, uid=identity.subject)
            _record("person.linked", user, how="password")
            directory_sync.apply_identity(user, identity)
        words = gettext("Your account is now linked with %(provider)s.")
        messages.success(request, words % {"provider": provider.name})


def _link_or_refuse(request: HttpRequest, sociallogin: Any, identity: Identity) -> None:
    """Link the sign-in with the account of its address if the rule allows it; else raise ImmediateHttpResponse.

    Without such an account nothing happens, and django-allauth creates one.
    """
    if not identity.email:
        raise ImmediateHttpResponse(refuse(request, "no_address"))
    owner = User.objects.filter(email__iexact=identity.email).first()
    if owner is None:
        return
    provider, issuer = load_provider(), sociallogin.account.provider
    if SocialAccount.objects.filter(user=owner, provider=issuer).exists():
        raise ImmediateHttpResponse(refuse(request, "taken"))
    if _is_made_by_directory(owner):  # has no password that could be asked for
        if not (identity.email_verified or _has_directory_id(owner, identity)):
            raise ImmediateHttpResponse(refuse(request, "unproven"))
        _link(request, sociallogin, owner, "directory")
        return
    if provider.link == "never":
        raise ImmediateHttpResponse(refuse(request, "taken"))
    verified = EmailAddress.objects.filter(user=owner, email__iexact=owner.email, verified=True).exists()
    if provider.link == "verified" and identity.email_verified and verified:
        _link(request, sociallogin, owner, "verified address")
        return
    request.session[LINK_KEY] = {
        "at": time.time(),
        "issuer": issuer,
        "subject": identity.subject,
        "email": identity.email,
        "groups": None if identity.groups is None else sorted(identity.groups),
        "roles": None if identity.roles is None else sorted(identity.roles),
    }
    words = gettext(
        "You have an account here already. Sign in once with its password; it is then linked with %(provider)s."
    )
    messages.info(request, words % {"provider": provider.name})
    raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login")))


def _link(request: HttpRequest, sociallogin: Any, owner: User, how: str) -> None:
    with transaction.atomic():
        sociallogin.user = owner
        sociallogin.save(request, connect=True)
        _record("person.linked", owner, how=how)


def _is_made_by_directory(owner: User) -> bool:
    rows = DirectoryAccount.objects.filter(user=owner, created_here=True, removed=None)
    return not owner.has_usable_password() and rows.exists()


def _has_directory_id(owner: User, identity: Identity) -> bool:
    """Return whether the directory has the user under the id that the provider names."""
    ids = [one for one in (identity.subject, identity.object_id) if one]
    return DirectoryAccount.objects.filter(user=owner, external_id__in=ids).exists()


def _reauthenticate(request: HttpRequest, sociallogin: Any) -> HttpResponse:
    """Record that the signed-in user has just signed in at the provider again, and return to the page they wanted."""
    if not request.user.is_authenticated or request.user != sociallogin.user:
        return refuse(request, "another")
    at = sociallogin.id_claims.get("auth_time")
    if not isinstance(at, int | float) or at < sociallogin.state["started"] - LEEWAY_S:
        return refuse(request, "not_anew")
    record_authentication(request, request.user, "socialaccount", reauthenticated=True)
    wanted = sociallogin.get_redirect_url(request) or "/"
    if not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        wanted = "/"
    return HttpResponseRedirect(f"{reverse('users:sso_reauthenticate')}?{urlencode({'next': wanted})}")


def _record(kind: str, user: User, **facts: str) -> None:
    audit_hook.record_change(kind, actor=user, user=user.pk, subject=f"person {user.pk}", **facts)
