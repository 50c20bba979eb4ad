"""Administrators only, for async views; `apps.users.permissions` has the same for the others."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse

from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from apps.users.permissions import get_signed_in_user

P = ParamSpec("P")
AsyncView = Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, HttpResponse]]


async def load_signed_in_user(request: HttpRequest) -> User | None:
    """The person, read through our own door; from then on `request.user` asks the database no more."""

    def read() -> User | None:
        return get_signed_in_user(request) if request.user.is_authenticated else None

    return await in_db(read)


def administrator_required_async(view: AsyncView[P]) -> AsyncView[P]:
    """For everybody else the fragment does not exist."""

    @wraps(view)
    async def asked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        user = await load_signed_in_user(request)
        if user is None or not user.is_administrator:
            raise Http404
        return await view(request, *args, **kwargs)

    return asked
