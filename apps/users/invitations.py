"""Invitations: a link that lets one person sign up, once, for a while. Only the hash of its secret is kept."""

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
from apps.users import audit_hook
from apps.users.models import INVITATION_DAYS, Invitation, User

SESSION_KEY = "invitation"  # the hash: a session row tells nobody the secret
_SECRET_CHARACTERS = 200


def create_invitation(by: User, email: str = "") -> str:
    """The link of a new invitation. It cannot be shown again."""
    secret = new_secret()
    with transaction.atomic():
        made = Invitation.objects.create(
            secret_hash=Invitation.hash(secret), email=email.lower(), invited_by=by, expires=Invitation.expiry()
        )
        audit_hook.record_change("person.invited", actor=by, subject=f"invitation {made.pk}")
    return f"{settings.SITE_URL}{reverse('account_signup')}?invitation={secret}"


def send_invitation(link: str, email: str, by: User) -> bool:
    """Mail the link of an invitation to the address it is for. Return False where no mail server is set. Raises OSError
    where the server does not take the mail."""
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return False
    said = {"link": link, "by": by.name or by.email, "days": INVITATION_DAYS, "site_url": settings.SITE_URL}
    text = render_to_string("users/invitation_mail.txt", said)
    subject = gettext("Invitation to Openbook")
    send_mail(f"[Openbook] {subject}", text, settings.DEFAULT_FROM_EMAIL, [email])
    return True


def find_invitation(secret_hash: str) -> Invitation | None:
    """The invitation, where it can still be used and the person who gave it is still an administrator here."""
    found = Invitation.objects.filter(
        secret_hash=secret_hash, invited_by__is_active=True, invited_by__role=User.Role.ADMINISTRATOR
    ).first()
    return found if found is not None and found.usable else None


def accept_link(request: HttpRequest) -> bool:
    """True where the request brought the secret of an invitation; the session then knows the invitation."""
    secret = request.GET.get("invitation", "")
    if not secret or len(secret) > _SECRET_CHARACTERS:
        return False
    request.session[SESSION_KEY] = Invitation.hash(secret)
    return True


def get_session_invitation(request: HttpRequest) -> Invitation | None:
    secret_hash = request.session.get(SESSION_KEY)
    return find_invitation(secret_hash) if isinstance(secret_hash, str) else None


def redeem_invitation(invitation: Invitation, user: User) -> bool:
    """Of all who hold the link, one gets True."""
    unused = Invitation.objects.filter(pk=invitation.pk, used_by__isnull=True, expires__gt=timezone.now())
    return bool(unused.update(used_by=user))


def revoke_invitation(pk: int, by: User | None = None) -> None:
    """The link no longer works; an invitation that was used stays on record."""
    with transaction.atomic():
        if Invitation.objects.filter(pk=pk, used_by__isnull=True).delete()[0]:
            audit_hook.record_change("person.not_invited", actor=by, subject=f"invitation {pk}")
