"""Whose text is being judged: a version of the policy may be live for a share of people only (`policies.current`).

Every door into the gate says it once, and all that is begun within knows it: the request, the socket, a turn, a job of
the worker. Where nobody says it, what is live for all judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

_person: ContextVar[int | None] = ContextVar("whose", default=None)
Next = Callable[[HttpRequest], HttpResponse]


def person() -> int | None:
    """The number of the account; None where nobody is known."""
    return _person.get()


def concerns(pk: int | None) -> None:
    """From here on it is that person's: in this request, socket or job."""
    _person.set(pk)


@contextmanager
def text_of(pk: int | None) -> Iterator[None]:
    """What is judged within is that person's. For code that is no generator."""
    before = _person.set(pk)
    try:
        yield
    finally:
        _person.reset(before)


def persons(get_response: Next) -> Next:
    """Middleware below those of sign-in."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with text_of(request.user.pk):
            return get_response(request)

    return middleware
