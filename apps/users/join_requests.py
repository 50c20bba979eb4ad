"""Sign-up with an address of an allowed domain: by a mailed link, and where the site wants it, by approval.

Entry points for visitors: `ask`, then `confirm` with the token of the mailed link. For administrators: `approve` and
`decline`. Without a mail server no address can be confirmed, so an administrator always decides. What a visitor sees
never says whether an address has an account. Allowed by the rule `SiteSettings.Signup.DOMAINS` alone.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from apps.lib.outgoing_email import is_email_configured
from apps.users import audit_hook, invitations, notices
from apps.users.models import JoinRequest, SiteSettings, User, UserNotice
from apps.users.models.rate_limit import LimitedResource, Rate
from apps.users.rate_limits import BucketRef, RateLimited, consume_bucket
from apps.users.special_permissions import require_administrator

LINK_S = 3 * 86_400  # seconds for which a mailed link works
KEPT = timedelta(days=30)  # then a request that nobody decided is deleted
MAX_WAITING = 200
EVEN_S = 0.5  # seconds that each answer takes at least: storing and logging a new request takes a tenth of that
SESSION_KEY = "joining"  # confirmed address of the visitor, who may sign up with it
_SALT = "apps.users.join_requests"
_PER_NETWORK, _PER_ADDRESS = Rate(10, 20), Rate(3, 1)  # requests; a whole office may share a network address


log = logging.getLogger(__name__)


class JoinRefused(Exception):
    """Error: the request cannot be taken. The message is a sentence for the visitor."""


@dataclass(frozen=True, slots=True)
class JoinClaim:
    """Address and name that a visitor entered."""

    email: str
    name: str = ""


def is_allowed(email: str) -> bool:
    """Return whether the rule of the site lets this address ask for an account."""
    site = SiteSettings.current()
    return site.signup == SiteSettings.Signup.DOMAINS and email.rpartition("@")[2].casefold() in site.domain_list


def needs_approval() -> bool:
    """Return whether an administrator decides on each request."""
    return SiteSettings.current().signup_approval or not is_email_configured()


def ask(claim: JoinClaim, network: str) -> None:
    """Mail a link to the address, or note the request where the site has no mail server.

    `network` is the visitor's network address. The owner of an account is mailed that there is one. Takes EVEN_S
    seconds at least, so that the time does not tell whether the address has an account or a request. Raises JoinRefused
    for a domain that is not allowed, and after too many requests; OSError if the mail server refuses the mail.
    """
    started = time.monotonic()
    try:
        _take(claim, network)
    finally:
        time.sleep(max(0.0, EVEN_S - (time.monotonic() - started)))


def _take(claim: JoinClaim, network: str) -> None:
    if not is_allowed(claim.email):
        raise JoinRefused(
            gettext("Addresses of this domain cannot sign up here. Ask an administrator for an invitation.")
        )
    try:
        consume_bucket(BucketRef(f"join:{network}", _PER_NETWORK, "Your network"), LimitedResource.SIGN_INS)
    except RateLimited as limit:
        raise JoinRefused(gettext("Too many requests. Try again in an hour.")) from limit
    try:
        digest = hashlib.sha256(claim.email.encode()).hexdigest()[:32]
        consume_bucket(BucketRef(f"join:{digest}", _PER_ADDRESS, "You"), LimitedResource.SIGN_INS)
    except RateLimited:
        return  # the owner of the address is not mailed again; the visitor sees no difference
    if is_email_configured():
        _send_mail(claim)
        return
    try:
        _note(claim, confirmed=False)
    except JoinRefused:  # said only to owners of an address: whoever filled the queue could find accounts by it
        log.warning("A request for an account was dropped: %s are waiting.", MAX_WAITING)


def read_token(token: str) -> JoinClaim | None:
    """Return the address and name of a mailed link; None if it is wrong, expired or no longer allowed."""
    try:
        claim = JoinClaim(**signing.loads(token, salt=_SALT, max_age=LINK_S))
    except (signing.BadSignature, TypeError):
        return None
    return claim if is_allowed(claim.email) else None


def confirm(request: HttpRequest, claim: JoinClaim) -> bool:
    """Note the request of the confirmed address, or let the visitor sign up. Return whether they may sign up now.

    Raises JoinRefused if too many requests wait.
    """
    if needs_approval():
        _note(claim, confirmed=True)
        return False
    request.session[SESSION_KEY] = claim.email
    return True


def get_session_address(request: HttpRequest) -> str:
    """Return the confirmed address with which the visitor may sign up now; "" if there is none."""
    email = request.session.get(SESSION_KEY)
    return email if isinstance(email, str) and is_allowed(email) and not needs_approval() else ""


def approve(pk: int, by: User) -> tuple[str, str]:
    """Make an invitation of the request, log both, and return the link and the address.

    Raises JoinRequest.DoesNotExist, and PermissionDenied unless `by` is an administrator.
    """
    require_administrator(by)
    with transaction.atomic():
        row = JoinRequest.objects.select_for_update().get(pk=pk)
        audit_hook.record_change("person.join_approved", actor=by, subject=str(row))
        link, email = invitations.create_invitation(by, row.email, name=row.name), row.email
        row.delete()
    return link, email


def decline(pk: int, by: User) -> None:
    """Delete the request and log it. Raises JoinRequest.DoesNotExist, PermissionDenied unless `by` is an
    administrator."""
    require_administrator(by)
    with transaction.atomic():
        row = JoinRequest.objects.select_for_update().get(pk=pk)
        audit_hook.record_change("person.join_declined", actor=by, subject=str(row))
        row.delete()


def delete_old_requests() -> int:
    """Delete requests that nobody decided for KEPT, and return how many. Periodic job of the worker."""
    return JoinRequest.objects.filter(created__lt=timezone.now() - KEPT).delete()[0]


def _note(claim: JoinClaim, *, confirmed: bool) -> None:
    """Store and log the request, and tell the administrators; nothing for an address with an account or a request.

    Raises JoinRefused if too many others wait.
    """
    if User.objects.filter(email=claim.email).exists():
        return
    if JoinRequest.objects.exclude(email=claim.email).count() >= MAX_WAITING:
        raise JoinRefused(gettext("Too many requests are waiting already. Ask an administrator for an invitation."))
    with transaction.atomic():
        row, is_new = JoinRequest.objects.get_or_create(
            email=claim.email, defaults={"name": claim.name, "confirmed": confirmed}
        )
        if not is_new:
            JoinRequest.objects.filter(pk=row.pk, confirmed=False).update(confirmed=confirmed)
            return
        audit_hook.record_change("person.asked_to_join", subject=str(row), confirmed=confirmed)
        staff = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).values_list("pk", flat=True)
        notices.notify_users(staff, UserNotice.Kind.JOIN, "join", claim.email)


def _send_mail(claim: JoinClaim) -> None:
    """Mail the link; to the owner of an account, that there is one already."""
    known = User.objects.filter(email=claim.email).exists()
    token = signing.dumps({"email": claim.email, "name": claim.name}, salt=_SALT)
    path = reverse("account_login") if known else reverse("users:join_confirm", kwargs={"token": token})
    context = {"link": f"{settings.SITE_URL}{path}", "known": known, "site_url": settings.SITE_URL}
    text = render_to_string("users/join_mail.txt", context)
    send_mail(f"[Openbook] {gettext('Your account')}", text, settings.DEFAULT_FROM_EMAIL, [claim.email])
