"""Return the user and address of a request, and restrict views to administrators, staff or a recent password."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from apps.users.models import User

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

    Others are asked for it first; then the request continues, a POST with its fields.
    """
    found: View[P] = reauthentication_required(view)
    return found
