"""Errors of requests that are refused, with a translated sentence for the user."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from apps.users.i18n import translate_stored

QUESTION_WITHHELD = gettext_lazy(
    "A reviewer withheld this question. Ask another one; your notices explain how to appeal."
)

RESTARTING = gettext_lazy("The server is restarting. Send your question again in a minute.")


class RequestRefused(Exception):
    """Raised for a request that cannot be done; nothing was stored, and the user still has the draft.

    The message is a sentence for the user, translated on `str()`; `values` are interpolated into it.
    """

    def __init__(self, words: object, **values: object) -> None:
        super().__init__(words)
        self.values = values

    def __str__(self) -> str:
        words = translate_stored(self.args[0])
        return words % self.values if self.values else words


class ConversationBusy(RequestRefused):
    """Raised if another answer must end first; the request may succeed later."""


class ServerRestarting(RequestRefused):
    """Raised for a new question while the process ends; another process, or this one a minute later, answers it."""

    def __init__(self) -> None:
        super().__init__(RESTARTING)


class NotFoundOrForbidden(RequestRefused):
    """Raised if the named object does not exist or is another user's; the message does not tell which."""
