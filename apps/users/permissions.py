"""Return the user and address of a request, and restrict views to administrators, staff or a recent password."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from apps.users.models import User
from apps.users.single_sign_on.provider_settings import load_provider

ADDRESS_CHARACTERS = 45  # the longest text form of an IPv6 address

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def get_signed_in_user(request: HttpRequest) -> User:
    """Return the signed-in user. Raises Http404 for anonymous users; views behind `login_required` have none."""
    user = request.user
    if not isinstance(user, User):
        raise Http404
    return user


def get_client_ip(request: HttpRequest) -> str:
    """Return the network address of the client. uvicorn takes it from a trusted proxy's header, from no other."""
    return str(request.META.get("REMOTE_ADDR") or "")[:ADDRESS_CHARACTERS]


def administrator_required(view: View[P]) -> View[P]:
    """Restrict a view to administrators: 404 for other users, the sign-in page for anonymous ones."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not get_signed_in_user(request).is_administrator:
            raise Http404
        return view(request, *args, **kwargs)

    return login_required(wrapper)


def staff_required(view: View[P]) -> View[P]:
    """Restrict a view to reviewers and administrators: 404 for members, the sign-in page for anonymous users."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not get_signed_in_user(request).is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    return login_required(wrapper)


def password_required(view: View[P]) -> View[P]:
    """Restrict a view to users who entered their password again within ACCOUNT_REAUTHENTICATION_TIMEOUT.

    Others are asked for it first; then the request continues, a POST with its fields. Users without a password sign in
    at the provider again instead; those whom the site knows from another provider choose a password first.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        require_password(request)
        return view(request, *args, **kwargs)

    return wrapper


def require_password(request: HttpRequest) -> None:
    """Raise ReauthenticationRequired unless the user entered the password again: `password_required` inside a view."""
    user = request.user
    # django-allauth asks users who have no password for nothing.
    if isinstance(user, User) and not user.has_usable_password() and not signed_in_anew(request):
        raise ReauthenticationRequired
    raise_if_reauthentication_required(request, app="")


def has_provider_account(user: User) -> bool:
    """Return whether the account is linked with the provider in force."""
    return bool(SocialAccount.objects.filter(user=user, provider=load_provider().issuer).exists())


def signed_in_anew(request: HttpRequest) -> bool:
    """Return whether the user signed in at the provider again within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    records = get_authentication_records(request, get_signed_in_user(request))
    times = [record["at"] for record in records if record.get("reauthenticated")]
    return bool(times) and time.time() - times[-1] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
