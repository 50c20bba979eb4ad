"""The states of a case: one pure function over one table, so that every state, event and role can be tested."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext, gettext_lazy


class State(models.TextChoices):
    OPEN = "open", gettext_lazy("New")
    CLAIMED = "claimed", gettext_lazy("Being looked at")
    ESCALATED = "escalated", gettext_lazy("Escalated")
    DECIDED = "decided", gettext_lazy("Decided")
    APPEALED = "appealed", gettext_lazy("Appealed")
    APPEAL_CLAIMED = "appeal_claimed", gettext_lazy("Appeal being looked at")
    UPHELD = "upheld", gettext_lazy("Upheld")
    OVERTURNED = "overturned", gettext_lazy("Overturned")
    AUTO_CLOSED = "auto_closed", gettext_lazy("Closed: nothing left to decide")


LIVE = frozenset({State.OPEN, State.CLAIMED, State.ESCALATED})


class Move(StrEnum):
    CLAIM = "claim"
    RELEASE = "release"
    EXPIRE = "expire"
    SKIP = "skip"
    ESCALATE = "escalate"
    DECIDE = "decide"
    UNDO = "undo"
    REOPEN = "reopen"  # a decision that somebody disputes
    APPEAL = "appeal"
    UPHOLD = "uphold"
    OVERTURN = "overturn"
    VANISH = "vanish"  # the subject was deleted
    FORGET = "forget"  # the person whose appeal it is was erased
    FLAG = "flag"  # the same thing again
    LAPSE = "lapse"  # what a check held is held no longer; the case goes on


class Role(StrEnum):
    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"  # may do what a reviewer may, and takes what was escalated
    OWNER = "owner"  # the person it is about
    SYSTEM = "system"


class Refused(Exception):
    """That cannot be done now; the message is a sentence for the person who tried."""


_STAFF = frozenset({Role.REVIEWER, Role.ADMINISTRATOR})
_SENIOR = frozenset({Role.ADMINISTRATOR})
_OWNER = frozenset({Role.OWNER})
_SYSTEM = frozenset({Role.SYSTEM})

TABLE: dict[tuple[State, Move], tuple[State, frozenset[Role]]] = {
    (State.OPEN, Move.CLAIM): (State.CLAIMED, _STAFF),
    (State.OPEN, Move.FLAG): (State.OPEN, _SYSTEM),
    (State.OPEN, Move.LAPSE): (State.OPEN, _SYSTEM),
    (State.OPEN, Move.VANISH): (State.AUTO_CLOSED, _SYSTEM),
    (State.CLAIMED, Move.CLAIM): (State.CLAIMED, _STAFF),  # once the lease has run out
    (State.CLAIMED, Move.RELEASE): (State.OPEN, _STAFF),
    (State.CLAIMED, Move.SKIP): (State.OPEN, _STAFF),
    (State.CLAIMED, Move.EXPIRE): (State.OPEN, _SYSTEM),
    (State.CLAIMED, Move.ESCALATE): (State.ESCALATED, _STAFF),
    (State.CLAIMED, Move.DECIDE): (State.DECIDED, _STAFF),
    (State.CLAIMED, Move.FLAG): (State.CLAIMED, _SYSTEM),
    (State.CLAIMED, Move.LAPSE): (State.CLAIMED, _SYSTEM),
    (State.CLAIMED, Move.VANISH): (State.AUTO_CLOSED, _SYSTEM),
    (State.ESCALATED, Move.CLAIM): (State.CLAIMED, _SENIOR),
    (State.ESCALATED, Move.FLAG): (State.ESCALATED, _SYSTEM),
    (State.ESCALATED, Move.LAPSE): (State.ESCALATED, _SYSTEM),
    (State.ESCALATED, Move.VANISH): (State.AUTO_CLOSED, _SYSTEM),
    (State.DECIDED, Move.UNDO): (State.CLAIMED, _STAFF),
    (State.DECIDED, Move.REOPEN): (State.CLAIMED, _SENIOR),
    (State.DECIDED, Move.APPEAL): (State.APPEALED, _OWNER),
    (State.APPEALED, Move.CLAIM): (State.APPEAL_CLAIMED, _STAFF),
    (State.APPEALED, Move.FORGET): (State.AUTO_CLOSED, _SYSTEM),
    (State.APPEAL_CLAIMED, Move.CLAIM): (State.APPEAL_CLAIMED, _STAFF),
    (State.APPEAL_CLAIMED, Move.RELEASE): (State.APPEALED, _STAFF),
    (State.APPEAL_CLAIMED, Move.SKIP): (State.APPEALED, _STAFF),
    (State.APPEAL_CLAIMED, Move.EXPIRE): (State.APPEALED, _SYSTEM),
    (State.APPEAL_CLAIMED, Move.UPHOLD): (State.UPHELD, _STAFF),
    (State.APPEAL_CLAIMED, Move.OVERTURN): (State.OVERTURNED, _STAFF),
    (State.APPEAL_CLAIMED, Move.FORGET): (State.AUTO_CLOSED, _SYSTEM),
}


def transition(state: str, move: Move, role: Role, escalated: bool = False) -> State:
    """The state that follows. What was escalated is for administrators until it is decided: whoever holds it gives it
    back to them. Raises Refused."""
    found = TABLE.get((State(state), move))
    if found is None:
        raise Refused(
            gettext("This case is %(state)s; that cannot be done with it now.") % {"state": State(state).label.lower()}
        )
    follows, roles = found
    if escalated and state == State.CLAIMED:
        follows, roles = (State.ESCALATED if follows is State.OPEN else follows), roles - {Role.REVIEWER}
    if role not in roles:
        raise Refused(gettext("That is for somebody else to do."))
    return follows
