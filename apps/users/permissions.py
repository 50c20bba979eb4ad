"""Who asks: the person of a request, and pages that only administrators have."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from apps.users.models import User

ADDRESS_CHARACTERS = 45  # of an IPv6 address; what is longer is none

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def get_signed_in_user(request: HttpRequest) -> User:
    """The signed-in person; only for views behind `login_required`."""
    user = request.user
    if not isinstance(user, User):
        raise Http404
    return user


def get_client_ip(request: HttpRequest) -> str:
    """Where the request comes from. uvicorn has put the address there that a trusted proxy names, and no other."""
    return str(request.META.get("REMOTE_ADDR") or "")[:ADDRESS_CHARACTERS]


def administrator_required(view: View[P]) -> View[P]:
    """Anonymous people are asked to sign in; for everybody else but administrators the page does not exist."""

    @wraps(view)
    def asked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not get_signed_in_user(request).is_administrator:
            raise Http404
        return view(request, *args, **kwargs)

    return login_required(asked)


def staff_required(view: View[P]) -> View[P]:
    """Likewise, for reviewers and administrators."""

    @wraps(view)
    def asked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not get_signed_in_user(request).is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    return login_required(asked)
