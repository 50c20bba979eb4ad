"""Authenticate API callers by a personal token in the Authorization header, and check its scopes.

Entry points: `Bearer` and `AsyncBearer` for operations, `get_caller` inside of them. Session cookies are not accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from apps.lib.concurrency.threads import in_db
from apps.users.api_tokens import find_token
from apps.users.models import ApiToken, User

Scope = ApiToken.Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """User and scopes of the token of a request; operations find it in `request.auth`."""

    user: User
    scopes: frozenset[str]


def find_caller(header: str) -> Caller | None:
    """Return the user and scopes of an Authorization header; None unless it is a bearer token that is valid."""
    kind, _, secret = header.partition(" ")
    token = find_token(secret.strip()) if kind.lower() == "bearer" else None
    return Caller(token.user, frozenset(token.scopes)) if token is not None else None


class Bearer(HttpBearer):
    """Authentication by a token that has `scope`: 401 without a valid token, 403 if the token lacks the scope."""

    openapi_bearerFormat = "ob_…"

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        super().__init__()

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        return self._allowed(find_token(token))

    def _allowed(self, token: ApiToken | None) -> Caller | None:
        if token is None:
            return None
        if self.scope not in token.scopes:
            raise HttpError(403, f"This token may not “{self.scope.label.lower()}”. Create a token that may.")
        return Caller(token.user, frozenset(token.scopes))


class AsyncBearer(Bearer):
    """`Bearer` for asynchronous operations: the token is looked up in a database thread."""

    async def authenticate(self, request: HttpRequest, token: str) -> Caller | None:  # type: ignore[override]
        return self._allowed(await in_db(find_token, token))


def get_caller(request: HttpRequest) -> User:
    """Return the user whose token was sent. Call only in operations with `Bearer` or `AsyncBearer`."""
    return cast(Caller, request.auth).user  # type: ignore[attr-defined]
