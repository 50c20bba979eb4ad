"""Permission checks for asynchronous views. Those for synchronous ones are in `apps.users.permissions`."""

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
    """Return the signed-in user, read in a database thread; None for anonymous requests.

    Afterwards `request.user` needs no further query.
    """

    def read() -> User | None:
        return get_signed_in_user(request) if request.user.is_authenticated else None

    return await in_db(read)


def administrator_required_async(view: AsyncView[P]) -> AsyncView[P]:
    """Restrict an asynchronous view to administrators; everyone else gets 404."""

    @wraps(view)
    async def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        user = await load_signed_in_user(request)
        if user is None or not user.is_administrator:
            raise Http404
        return await view(request, *args, **kwargs)

    return wrapper
