"""Factory of cases about notes, a kind of content whose state tests can inspect."""

from __future__ import annotations

from typing import Any

from apps.engines.classify.fake import LABELS
from apps.safety.models import Case
from apps.safety.moderation import cases, reviewable
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.moderation.reviewable import ContextItem
from apps.safety.policy.evaluation import PolicyResult, Signal, SignalStatus
from apps.safety.policy.schema import Action
from apps.users.models import User

KIND = "note"


class Notes:
    """Reviewable kind whose `state` by subject is changed by `withhold` and restored by `restore`."""

    name = "a note"

    def __init__(self) -> None:
        self.state: dict[str, str] = {}

    def exists(self, subject: str) -> bool:
        return subject in self.state

    def context(self, subject: str) -> list[ContextItem]:
        return [ContextItem("Before", "What was said before")]

    def withhold(self, subject: str, message: str) -> dict[str, Any]:
        before = self.state[subject]
        self.state[subject] = f"withheld: {message}"
        return {"state": before}

    def restore(self, subject: str, restore_data: dict[str, Any]) -> None:
        self.state[subject] = restore_data["state"]


def notes() -> Notes:
    """Return new notes, registered as the reviewable kind KIND."""
    found = Notes()
    reviewable.register_reviewable(KIND, found)
    return found


def case(owner: User, subject: str = "1", *, code: str = "hate", severity: int = 3, text: str = "") -> Case:
    """Open a case of `owner` about the note `subject`, found by the fake classifier under the clause `code`, and return
    it."""
    outcome = PolicyResult(Action.SEND, code, severity, 0.97)
    signal = Signal("text", "text-fake", SignalStatus.OK, dict.fromkeys(LABELS, 0.01) | {code: 0.97})
    return cases.flag_content(
        FlaggedContent(KIND, subject, "question", text or f"some [{code}] text", owner.pk, outcome, (signal,))
    )
