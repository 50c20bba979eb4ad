"""Administrators only, for async views; `apps.users.access` has the same for the others."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse

from apps.lib.threads import in_db
from apps.users.access import person
from apps.users.models import User

P = ParamSpec("P")
AsyncView = Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, HttpResponse]]


async def signed_in(request: HttpRequest) -> User | None:
    """The person, read through our own door; from then on `request.user` asks the database no more."""

    def read() -> User | None:
        return person(request) if request.user.is_authenticated else None

    return await in_db(read)


def administrators_only_async(view: AsyncView[P]) -> AsyncView[P]:
    """For everybody else the fragment does not exist."""

    @wraps(view)
    async def asked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        user = await signed_in(request)
        if user is None or not user.is_administrator:
            raise Http404
        return await view(request, *args, **kwargs)

    return asked
