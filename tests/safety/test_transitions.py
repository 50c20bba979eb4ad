"""Every state, move and role of a case: what is in the table happens, everything else is refused."""

from __future__ import annotations

from itertools import product

import pytest

from apps.safety.transitions import TABLE, Move, Refused, Role, State, transition

S, M, R = State, Move, Role
STAFF = {R.REVIEWER, R.ADMINISTRATOR}
# Written down again on purpose: state, move, what follows, who may.
EXPECTED = {
    (S.OPEN, M.CLAIM, S.CLAIMED): STAFF,
    (S.OPEN, M.FLAG, S.OPEN): {R.SYSTEM},
    (S.OPEN, M.LAPSE, S.OPEN): {R.SYSTEM},
    (S.OPEN, M.VANISH, S.AUTO_CLOSED): {R.SYSTEM},
    (S.CLAIMED, M.CLAIM, S.CLAIMED): STAFF,
    (S.CLAIMED, M.RELEASE, S.OPEN): STAFF,
    (S.CLAIMED, M.SKIP, S.OPEN): STAFF,
    (S.CLAIMED, M.EXPIRE, S.OPEN): {R.SYSTEM},
    (S.CLAIMED, M.ESCALATE, S.ESCALATED): STAFF,
    (S.CLAIMED, M.DECIDE, S.DECIDED): STAFF,
    (S.CLAIMED, M.FLAG, S.CLAIMED): {R.SYSTEM},
    (S.CLAIMED, M.LAPSE, S.CLAIMED): {R.SYSTEM},
    (S.CLAIMED, M.VANISH, S.AUTO_CLOSED): {R.SYSTEM},
    (S.ESCALATED, M.CLAIM, S.CLAIMED): {R.ADMINISTRATOR},
    (S.ESCALATED, M.FLAG, S.ESCALATED): {R.SYSTEM},
    (S.ESCALATED, M.LAPSE, S.ESCALATED): {R.SYSTEM},
    (S.ESCALATED, M.VANISH, S.AUTO_CLOSED): {R.SYSTEM},
    (S.DECIDED, M.UNDO, S.CLAIMED): STAFF,
    (S.DECIDED, M.REOPEN, S.CLAIMED): {R.ADMINISTRATOR},
    (S.DECIDED, M.APPEAL, S.APPEALED): {R.OWNER},
    (S.APPEALED, M.CLAIM, S.APPEAL_CLAIMED): STAFF,
    (S.APPEALED, M.FORGET, S.AUTO_CLOSED): {R.SYSTEM},
    (S.APPEAL_CLAIMED, M.CLAIM, S.APPEAL_CLAIMED): STAFF,
    (S.APPEAL_CLAIMED, M.RELEASE, S.APPEALED): STAFF,
    (S.APPEAL_CLAIMED, M.SKIP, S.APPEALED): STAFF,
    (S.APPEAL_CLAIMED, M.EXPIRE, S.APPEALED): {R.SYSTEM},
    (S.APPEAL_CLAIMED, M.UPHOLD, S.UPHELD): STAFF,
    (S.APPEAL_CLAIMED, M.OVERTURN, S.OVERTURNED): STAFF,
    (S.APPEAL_CLAIMED, M.FORGET, S.AUTO_CLOSED): {R.SYSTEM},
}


@pytest.mark.parametrize(("state", "move", "role"), list(product(State, Move, Role)))
def test_every_state_move_and_role(state: State, move: Move, role: Role) -> None:
    follows = {
        after for (before, by, after), roles in EXPECTED.items() if (before, by) == (state, move) and role in roles
    }
    if follows:
        assert {transition(state, move, role)} == follows
    else:
        with pytest.raises(Refused):
            transition(state, move, role)


ESCALATED = {
    (S.CLAIMED, M.CLAIM): (S.CLAIMED, {R.ADMINISTRATOR}),
    (S.CLAIMED, M.RELEASE): (S.ESCALATED, {R.ADMINISTRATOR}),
    (S.CLAIMED, M.SKIP): (S.ESCALATED, {R.ADMINISTRATOR}),
    (S.CLAIMED, M.EXPIRE): (S.ESCALATED, {R.SYSTEM}),
    (S.CLAIMED, M.ESCALATE): (S.ESCALATED, {R.ADMINISTRATOR}),
    (S.CLAIMED, M.DECIDE): (S.DECIDED, {R.ADMINISTRATOR}),
}


@pytest.mark.parametrize(("state", "move", "role"), list(product(State, Move, Role)))
def test_what_was_escalated_is_for_administrators_until_it_is_decided(state: State, move: Move, role: Role) -> None:
    plain = TABLE.get((state, move))
    follows, roles = ESCALATED.get((state, move), plain or (None, set()))
    if role in roles:
        assert transition(state, move, role, escalated=True) is follows
    else:
        with pytest.raises(Refused):
            transition(state, move, role, escalated=True)


def test_the_table_holds_nothing_else() -> None:
    assert len(TABLE) == len(EXPECTED)
