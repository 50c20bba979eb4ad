"""Invitations: links that let one user sign up once, for `INVITATION_DAYS`. Only a hash of the secret is stored."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from apps.lib.ids import new_secret
from apps.lib.outgoing_email import is_email_configured
from apps.users import audit_hook
from apps.users.models import INVITATION_DAYS, Invitation, User
from apps.users.special_permissions import require_administrator

SESSION_KEY = "invitation"  # holds the hash, so that a session row does not reveal the secret
_SECRET_CHARACTERS = 200


def create_invitation(by: User, email: str = "") -> str:
    """Create an invitation, log it, and return its link, which cannot be shown again.

    `email`: the only address that may use it; "" for any. Raises PermissionDenied unless `by` is an administrator.
    """
    require_administrator(by)
    secret = new_secret()
    with transaction.atomic():
        made = Invitation.objects.create(
            secret_hash=Invitation.hash(secret), email=email.lower(), invited_by=by, expires=Invitation.expiry()
        )
        audit_hook.record_change("person.invited", actor=by, subject=f"invitation {made.pk}")
    return f"{settings.SITE_URL}{reverse('account_signup')}?invitation={secret}"


def send_invitation(link: str, email: str, by: User) -> bool:
    """Mail the link of an invitation to the address it is for. Return False if no mail server is set.

    Raises OSError if the mail server refuses the mail.
    """
    if not is_email_configured():
        return False
    context = {"link": link, "by": by.name or by.email, "days": INVITATION_DAYS, "site_url": settings.SITE_URL}
    text = render_to_string("users/invitation_mail.txt", context)
    subject = gettext("Invitation to Openbook")
    send_mail(f"[Openbook] {subject}", text, settings.DEFAULT_FROM_EMAIL, [email])
    return True


def find_invitation(secret_hash: str) -> Invitation | None:
    """Return the invitation if it is still usable and its creator is still an active administrator; else None."""
    found = Invitation.objects.filter(
        secret_hash=secret_hash, invited_by__is_active=True, invited_by__role=User.Role.ADMINISTRATOR
    ).first()
    return found if found is not None and found.usable else None


def accept_link(request: HttpRequest) -> bool:
    """Store the invitation of the request in the session. Return False if the request brought no secret."""
    secret = request.GET.get("invitation", "")
    if not secret or len(secret) > _SECRET_CHARACTERS:
        return False
    request.session[SESSION_KEY] = Invitation.hash(secret)
    return True


def get_session_invitation(request: HttpRequest) -> Invitation | None:
    """Return the usable invitation that the session holds; None if there is none."""
    secret_hash = request.session.get(SESSION_KEY)
    return find_invitation(secret_hash) if isinstance(secret_hash, str) else None


def redeem_invitation(invitation: Invitation, user: User) -> bool:
    """Mark the invitation as used by the user. Return False if it was used before or has expired.

    One conditional update: of all users who hold the link, one succeeds.
    """
    unused = Invitation.objects.filter(pk=invitation.pk, used_by__isnull=True, expires__gt=timezone.now())
    return bool(unused.update(used_by=user))


def revoke_invitation(pk: int, by: User | None = None) -> None:
    """Delete the invitation and log it, so that its link no longer works. A used invitation is kept.

    Raises PermissionDenied unless `by` is an administrator; None is the product itself.
    """
    require_administrator(by)
    with transaction.atomic():
        if Invitation.objects.filter(pk=pk, used_by__isnull=True).delete()[0]:
            audit_hook.record_change("person.not_invited", actor=by, subject=f"invitation {pk}")
