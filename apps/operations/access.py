"""Administrators only, for async views; `apps.users.access` has the same for the others."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse

from apps.users.models import User

P = ParamSpec("P")
AsyncView = Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, HttpResponse]]


def administrators_only_async(view: AsyncView[P]) -> AsyncView[P]:
    """For everybody else the fragment does not exist."""

    @wraps(view)
    async def asked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        user = await request.auser()
        if not isinstance(user, User) or not user.is_administrator:
            raise Http404
        return await view(request, *args, **kwargs)

    return asked
