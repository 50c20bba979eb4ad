"""Show suspended users why their account is suspended and until when, and let them appeal.

A correct password, or a sign-in at the provider, sets a signed cookie for half an hour. The cookie is bound to the
user, the password and the notice, and gives access to nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from apps.safety.models import AppliedEffect, AuditEntry, Notice
from apps.users.adapter import AccountAdapter
from apps.users.models import User

COOKIE = "__Host-suspended" if settings.SECURE else "suspended"
COOKIE_LIFETIME_S = 30 * 60
_SALT = "openbook.suspended"
_LONGEST = 1000  # characters of the cookie


@dataclass(frozen=True, slots=True)
class SuspendedVisitor:
    """Suspended user who has just given the correct password.

    `notice` is None if no decision suspended the account. Then the user asked for erasure (`erasing`), or an earlier
    version or a command on the server suspended it.
    """

    user: User
    notice: Notice | None
    erasing: bool = False


class SuspensionAdapter(AccountAdapter):
    """Account adapter that redirects suspended users to the page with the reason."""

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Set the cookie and redirect. Called only after the password or the sign-in at the provider was checked."""
        response = HttpResponseRedirect(reverse("safety:suspended"))
        response.set_cookie(
            COOKIE, make_token(user), max_age=COOKIE_LIFETIME_S, secure=settings.SECURE, httponly=True, samesite="Lax"
        )  # fmt: skip
        return response


def find_notice(user: User) -> Notice | None:
    """Return the latest notice of the suspension in force; None if no decision suspended the user."""
    stands = AppliedEffect.objects.filter(name="suspend", state=AppliedEffect.State.APPLIED).values("decision")
    rows = Notice.objects.filter(user=user, decision__in=stands, decision__outcome="suspend")
    return rows.select_related("case", "decision", "decision__appeal").order_by("-created").first()


def make_token(user: User) -> str:
    """Return the signed value of the cookie: user, notice and session hash."""
    notice = find_notice(user)
    payload = {"person": user.pk, "notice": notice.pk if notice else None, "key": user.get_session_auth_hash()}
    return signing.dumps(payload, salt=_SALT)


def find_visitor(request: HttpRequest) -> SuspendedVisitor | None:
    """Return the suspended user whom the request's cookie proves.

    None if the cookie is missing, invalid or expired, the account is open again, or another suspension is in force.
    """
    cookie = request.COOKIES.get(COOKIE, "")
    if not cookie or len(cookie) > _LONGEST:
        return None
    try:
        payload: dict[str, Any] = signing.loads(cookie, salt=_SALT, max_age=COOKIE_LIFETIME_S)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=payload["person"], is_active=False).first()
    if user is None or not constant_time_compare(payload["key"], user.get_session_auth_hash()):
        return None
    notice = find_notice(user)
    if (notice.pk if notice else None) != payload["notice"]:
        return None  # the cookie belongs to another suspension
    return SuspendedVisitor(user, notice, notice is None and has_requested_erasure(user))


def has_requested_erasure(user: User) -> bool:
    """Return whether the account is closed because the user asked for erasure of their data."""
    rows = AuditEntry.objects.filter(user=user.pk, kind__in=["person.asked_for_erasure", "person.reinstated"])
    last = rows.order_by("-seq").values_list("kind", flat=True).first()
    return last == "person.asked_for_erasure"


def later_notices(visitor: SuspendedVisitor) -> list[Notice]:
    """Return the later notices of the same case, newest first; `[]` if there is no notice."""
    if visitor.notice is None:
        return []
    rows = Notice.objects.filter(user=visitor.user, case=visitor.notice.case_id, pk__gt=visitor.notice.pk)
    return list(rows.select_related("case", "decision"))
