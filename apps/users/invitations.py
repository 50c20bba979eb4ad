"""Invitations: links that let one user sign up once, for `INVITATION_DAYS`. Only a hash of the secret is stored."""

from __future__ import annotations

from collections.abc import Sequence

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
from apps.users import accounts, audit_hook, groups
from apps.users.invitation_list import InvitationLine
from apps.users.models import INVITATION_DAYS, Invitation, User
from apps.users.special_permissions import require_administrator

SESSION_KEY = "invitation"  # holds the hash, so that a session row does not reveal the secret
_SECRET_CHARACTERS = 200


def create_invitation(by: User, email: str = "", line: InvitationLine | None = None, name: str = "") -> str:
    """Create an invitation, log it, and return its link, which cannot be shown again.

    `email`: the only address that may use it; "" for any. `line` gives name, role and groups of the account, `name` the
    name alone. Raises PermissionDenied unless `by` is an administrator.
    """
    require_administrator(by)
    secret = new_secret()
    with transaction.atomic():
        made = Invitation.objects.create(
            secret_hash=Invitation.hash(secret), email=email.lower(), invited_by=by, expires=Invitation.expiry(),
            name=line.name if line else name, role=line.role if line else User.Role.MEMBER,
        )  # fmt: skip
        audit_hook.record_change("person.invited", actor=by, subject=f"invitation {made.pk}")
        if line is not None:
            made.groups.set(line.groups)
    return build_link(secret)


def create_invitations(by: User, lines: Sequence[InvitationLine]) -> list[tuple[InvitationLine, str]]:
    """Create and log an invitation for each line, all or none, and return the lines with their links.

    Raises PermissionDenied unless `by` is an administrator.
    """
    require_administrator(by)
    with transaction.atomic():
        return [(line, create_invitation(by, line.email, line)) for line in lines]


def renew_invitation(pk: int, by: User) -> tuple[str, str]:
    """Give an invitation that was not used a new link and INVITATION_DAYS more; the link before works no more.

    Return the link and the address, "" for anyone. Raises Invitation.DoesNotExist, and PermissionDenied unless `by` is
    an administrator.
    """
    require_administrator(by)
    secret = new_secret()
    with transaction.atomic():
        found = Invitation.objects.select_for_update().get(pk=pk, used_by__isnull=True)
        found.secret_hash, found.expires, found.invited_by = Invitation.hash(secret), Invitation.expiry(), by
        found.save(update_fields=["secret_hash", "expires", "invited_by"])
        audit_hook.record_change("person.invited", actor=by, subject=f"invitation {pk}")
    return build_link(secret), found.email


def build_link(secret: str) -> str:
    """Return the link of an invitation."""
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
    """Mark the invitation as used by the user, who gets its name, role and groups. Return False if it was used before
    or has expired.

    One conditional update: of all users who hold the link, one succeeds. Must run in a transaction.
    """
    unused = Invitation.objects.filter(pk=invitation.pk, used_by__isnull=True, expires__gt=timezone.now())
    if not unused.update(used_by=user):
        return False
    if invitation.name and not user.name:
        user.name = invitation.name
        user.save(update_fields=["name"])
    if invitation.role != user.role:
        accounts.set_role(user, invitation.role, invitation.invited_by)
        user.role = invitation.role
    groups.set_groups(user, invitation.groups.all(), invitation.invited_by)
    return True


def revoke_invitation(pk: int, by: User | None = None) -> None:
    """Delete the invitation and log it, so that its link no longer works. A used invitation is kept.

    Raises PermissionDenied unless `by` is an administrator; None is the product itself.
    """
    require_administrator(by)
    with transaction.atomic():
        if Invitation.objects.filter(pk=pk, used_by__isnull=True).delete()[0]:
            audit_hook.record_change("person.not_invited", actor=by, subject=f"invitation {pk}")
