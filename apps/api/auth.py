"""Who calls: a personal token in the Authorization header, and what it may do. Cookies open nothing here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from apps.lib.concurrency.threads import in_db
from apps.users.api_tokens import find_token
from apps.users.models import Token, User

Scope = Token.Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """What `request.auth` holds."""

    user: User
    scopes: frozenset[str]


def find_caller(header: str) -> Caller | None:
    """Return who sends that Authorization header; None where it holds no living token."""
    kind, _, secret = header.partition(" ")
    token = find_token(secret.strip()) if kind.lower() == "bearer" else None
    return Caller(token.user, frozenset(token.scopes)) if token is not None else None


class Bearer(HttpBearer):
    """The caller of a token that has the scope: 401 without a living token, 403 where it may not do that."""

    openapi_bearerFormat = "ob_…"

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        super().__init__()

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        return self._allowed(find_token(token))

    def _allowed(self, token: Token | None) -> Caller | None:
        if token is None:
            return None
        if self.scope not in token.scopes:
            raise HttpError(403, f"This token may not “{self.scope.label.lower()}”. Make one that may.")
        return Caller(token.user, frozenset(token.scopes))


class AsyncBearer(Bearer):
    """The same for operations that stream."""

    async def authenticate(self, request: HttpRequest, token: str) -> Caller | None:  # type: ignore[override]
        return self._allowed(await in_db(find_token, token))


def get_caller(request: HttpRequest) -> User:
    """The person behind the token; only in operations that ask for one."""
    return cast(Caller, request.auth).user  # type: ignore[attr-defined]
