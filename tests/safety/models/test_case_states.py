"""Every state, move and role of a case: what is in the table happens, everything else is refused."""

from __future__ import annotations

from itertools import product

from apps.safety.errors import ActionRefused
from apps.safety.models.case_states import TRANSITIONS, CaseMove, CaseRole, CaseState, next_state

S, M, R = CaseState, CaseMove, CaseRole
STAFF = {R.REVIEWER, R.ADMINISTRATOR}
# Written down again on purpose: state, move, what follows, who may.
EXPECTED = {
    (S.OPEN, M.CLAIM, S.CLAIMED): STAFF,
    (S.CLAIMED, M.CLAIM, S.CLAIMED): STAFF,
    (S.CLAIMED, M.RELEASE, S.OPEN): STAFF,
    (S.CLAIMED, M.SKIP, S.OPEN): STAFF,
    (S.CLAIMED, M.CLAIM_EXPIRED, S.OPEN): {R.SYSTEM},
    (S.CLAIMED, M.ESCALATE, S.ESCALATED): STAFF,
    (S.CLAIMED, M.DECIDE, S.DECIDED): STAFF,
    (S.ESCALATED, M.CLAIM, S.CLAIMED): {R.ADMINISTRATOR},
    (S.DECIDED, M.UNDO, S.CLAIMED): STAFF,
    (S.DECIDED, M.REOPEN, S.CLAIMED): {R.ADMINISTRATOR},
    (S.DECIDED, M.APPEAL, S.APPEALED): {R.OWNER},
    (S.APPEALED, M.CLAIM, S.APPEAL_CLAIMED): STAFF,
    (S.APPEAL_CLAIMED, M.CLAIM, S.APPEAL_CLAIMED): STAFF,
    (S.APPEAL_CLAIMED, M.RELEASE, S.APPEALED): STAFF,
    (S.APPEAL_CLAIMED, M.SKIP, S.APPEALED): STAFF,
    (S.APPEAL_CLAIMED, M.CLAIM_EXPIRED, S.APPEALED): {R.SYSTEM},
    (S.APPEAL_CLAIMED, M.UPHOLD, S.UPHELD): STAFF,
    (S.APPEAL_CLAIMED, M.OVERTURN, S.OVERTURNED): STAFF,
}


def state_after(state: CaseState, move: CaseMove, role: CaseRole, *, escalated: bool = False) -> CaseState | None:
    """Return the state that follows, None where the move is refused."""
    try:
        return next_state(state, move, role, escalated=escalated)
    except ActionRefused:
        return None


def test_case_moves_are_allowed_by_state_and_role() -> None:
    allowed = {(before, move, role): after for (before, move, after), roles in EXPECTED.items() for role in roles}
    cases = list(product(CaseState, CaseMove, CaseRole))
    assert {case: state_after(*case) for case in cases} == {case: allowed.get(case) for case in cases}


ESCALATED = {
    (S.CLAIMED, M.CLAIM): (S.CLAIMED, {R.ADMINISTRATOR}),
    (S.CLAIMED, M.RELEASE): (S.ESCALATED, {R.ADMINISTRATOR}),
    (S.CLAIMED, M.SKIP): (S.ESCALATED, {R.ADMINISTRATOR}),
    (S.CLAIMED, M.CLAIM_EXPIRED): (S.ESCALATED, {R.SYSTEM}),
    (S.CLAIMED, M.ESCALATE): (S.ESCALATED, {R.ADMINISTRATOR}),
    (S.CLAIMED, M.DECIDE): (S.DECIDED, {R.ADMINISTRATOR}),
}


def test_escalated_case_is_for_administrators_until_decided() -> None:
    for state, move, role in product(CaseState, CaseMove, CaseRole):
        follows, roles = ESCALATED.get((state, move)) or TRANSITIONS.get((state, move), (None, set()))
        assert state_after(state, move, role, escalated=True) is (follows if role in roles else None), (state, move)


def test_the_table_holds_nothing_else() -> None:
    assert len(TRANSITIONS) == len(EXPECTED)
