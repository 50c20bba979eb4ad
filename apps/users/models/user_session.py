"""Model of sessions, with the user of each, so that those of one user are found without decoding all."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from apps.users.session_store import SessionStore


class UserSession(AbstractBaseSession):
    """Session of a browser. `user_id` is the primary key of the signed-in user; None before the sign-in."""

    user_id = models.BigIntegerField(null=True, db_index=True)

    class Meta(AbstractBaseSession.Meta):
        verbose_name: ClassVar[str] = "session"
        verbose_name_plural: ClassVar[str] = "sessions"

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        return SessionStore
