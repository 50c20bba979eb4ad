"""States of a case and the transitions between them: a pure function over one table, so that all can be tested.

Not in the table is `AUTO_CLOSED`: `moderation/auto_close.py` closes the cases of deleted content and erased users.
"""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext, gettext_lazy

from apps.safety.errors import ActionRefused


class CaseState(models.TextChoices):
    """State of a case."""

    OPEN = "open", gettext_lazy("New")
    CLAIMED = "claimed", gettext_lazy("In review")
    ESCALATED = "escalated", gettext_lazy("Escalated")
    DECIDED = "decided", gettext_lazy("Decided")
    APPEALED = "appealed", gettext_lazy("Appealed")
    APPEAL_CLAIMED = "appeal_claimed", gettext_lazy("Appeal in review")
    UPHELD = "upheld", gettext_lazy("Upheld")
    OVERTURNED = "overturned", gettext_lazy("Overturned")
    AUTO_CLOSED = "auto_closed", gettext_lazy("Closed, nothing left to decide")


UNDECIDED_STATES = frozenset({CaseState.OPEN, CaseState.CLAIMED, CaseState.ESCALATED})
WAITING_STATES = UNDECIDED_STATES | {CaseState.APPEALED, CaseState.APPEAL_CLAIMED}  # the case or its appeal


class CaseMove(StrEnum):
    """Event that moves a case to another state."""

    CLAIM = "claim"
    RELEASE = "release"
    CLAIM_EXPIRED = "expire"
    SKIP = "skip"
    ESCALATE = "escalate"
    DECIDE = "decide"
    UNDO = "undo"
    REOPEN = "reopen"  # after a second review disputed the decision
    APPEAL = "appeal"
    UPHOLD = "uphold"
    OVERTURN = "overturn"


class CaseRole(StrEnum):
    """Role of a user, or of the system, towards a case."""

    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"  # may do all that reviewers may, and takes escalated cases
    OWNER = "owner"  # the user whose content it is
    SYSTEM = "system"


_STAFF = frozenset({CaseRole.REVIEWER, CaseRole.ADMINISTRATOR})
_SENIOR = frozenset({CaseRole.ADMINISTRATOR})
_OWNER = frozenset({CaseRole.OWNER})
_SYSTEM = frozenset({CaseRole.SYSTEM})

TRANSITIONS: dict[tuple[CaseState, CaseMove], tuple[CaseState, frozenset[CaseRole]]] = {
    (CaseState.OPEN, CaseMove.CLAIM): (CaseState.CLAIMED, _STAFF),
    (CaseState.CLAIMED, CaseMove.CLAIM): (CaseState.CLAIMED, _STAFF),  # once the lease has expired
    (CaseState.CLAIMED, CaseMove.RELEASE): (CaseState.OPEN, _STAFF),
    (CaseState.CLAIMED, CaseMove.SKIP): (CaseState.OPEN, _STAFF),
    (CaseState.CLAIMED, CaseMove.CLAIM_EXPIRED): (CaseState.OPEN, _SYSTEM),
    (CaseState.CLAIMED, CaseMove.ESCALATE): (CaseState.ESCALATED, _STAFF),
    (CaseState.CLAIMED, CaseMove.DECIDE): (CaseState.DECIDED, _STAFF),
    (CaseState.ESCALATED, CaseMove.CLAIM): (CaseState.CLAIMED, _SENIOR),
    (CaseState.DECIDED, CaseMove.UNDO): (CaseState.CLAIMED, _STAFF),
    (CaseState.DECIDED, CaseMove.REOPEN): (CaseState.CLAIMED, _SENIOR),
    (CaseState.DECIDED, CaseMove.APPEAL): (CaseState.APPEALED, _OWNER),
    (CaseState.APPEALED, CaseMove.CLAIM): (CaseState.APPEAL_CLAIMED, _STAFF),
    (CaseState.APPEAL_CLAIMED, CaseMove.CLAIM): (CaseState.APPEAL_CLAIMED, _STAFF),
    (CaseState.APPEAL_CLAIMED, CaseMove.RELEASE): (CaseState.APPEALED, _STAFF),
    (CaseState.APPEAL_CLAIMED, CaseMove.SKIP): (CaseState.APPEALED, _STAFF),
    (CaseState.APPEAL_CLAIMED, CaseMove.CLAIM_EXPIRED): (CaseState.APPEALED, _SYSTEM),
    (CaseState.APPEAL_CLAIMED, CaseMove.UPHOLD): (CaseState.UPHELD, _STAFF),
    (CaseState.APPEAL_CLAIMED, CaseMove.OVERTURN): (CaseState.OVERTURNED, _STAFF),
}


def next_state(state: str, move: CaseMove, role: CaseRole, escalated: bool = False) -> CaseState:
    """Return the state that follows. Raise ActionRefused if the move is not possible in this state or for this role.

    An escalated case is for administrators until it is decided; released, it is escalated again.
    """
    transition = TRANSITIONS.get((CaseState(state), move))
    if transition is None:
        raise ActionRefused(
            gettext("This is not possible now, because the case has the state “%(state)s”.")
            % {"state": CaseState(state).label.lower()}
        )
    next_case_state, roles = transition
    if escalated and state == CaseState.CLAIMED:
        next_case_state, roles = (
            (CaseState.ESCALATED if next_case_state is CaseState.OPEN else next_case_state),
            roles - {CaseRole.REVIEWER},
        )
    if role not in roles:
        raise ActionRefused(gettext("You cannot do this. Another reviewer has to."))
    return next_case_state
