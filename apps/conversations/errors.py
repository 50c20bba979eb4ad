"""A wish that is not granted."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from apps.users.i18n import translate_stored

QUESTION_WITHHELD = gettext_lazy("A reviewer withheld this question. Ask another one; your notices say how to object.")


class RequestRefused(Exception):
    """Nothing was kept; the message is a sentence for the person, who still has the draft. `values` are put into it."""

    def __init__(self, words: object, **values: object) -> None:
        super().__init__(words)
        self.values = values

    def __str__(self) -> str:
        words = translate_stored(self.args[0])
        return words % self.values if self.values else words


class ConversationBusy(RequestRefused):
    """Not now: an answer has to end before."""


class NotFoundOrForbidden(RequestRefused):
    """What it names is not there, or not theirs: which of the two is not said."""
