"""Session engine (SESSION_ENGINE): Django's sessions in the database, stored with their user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

if TYPE_CHECKING:
    from apps.users.models import UserSession


class SessionStore(DatabaseStore):
    """Store of one session. Its name is part of the signature of stored sessions, so it must stay."""

    @classmethod
    def get_model_class(cls) -> type[UserSession]:
        from apps.users.models import UserSession  # the model imports this module

        return UserSession

    def create_model_instance(self, data: dict[str, Any]) -> UserSession:
        row = cast("UserSession", super().create_model_instance(data))
        row.user_id = read_user_id(data)
        return row

    async def acreate_model_instance(self, data: dict[str, Any]) -> UserSession:
        row = cast("UserSession", await super().acreate_model_instance(data))
        row.user_id = read_user_id(data)
        return row


def read_user_id(data: dict[str, Any]) -> int | None:
    """Return the primary key of the user whom the content of a session names; None if nobody is signed in."""
    found = str(data.get(SESSION_KEY, ""))
    return int(found) if found.isdigit() else None
