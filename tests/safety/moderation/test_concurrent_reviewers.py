"""Twenty reviewers, leases that run out, pages that are old: every case is decided exactly once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import pytest
from django.db import DatabaseError, connection

from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import AppliedEffect, AuditEntry, Case, Decision
from apps.safety.models.case_states import CaseMove, CaseState
from apps.safety.moderation import cases
from apps.safety.moderation.decision_input import DecisionInput
from apps.users.models import User
from tests.factories import make_note_case, make_user, register_notes

REVIEWERS, CASES = 20, 40
PAUSE_S = 0.2  # of somebody who came too late: twenty who ask without end leave the others no time to decide
OPEN = [CaseState.OPEN, CaseState.CLAIMED]


class Reviewer(threading.Thread):
    """Claims whatever is next; now and then too slow, gone, or deciding with what an old page had."""

    def __init__(self, user: User, seed: int) -> None:
        super().__init__()
        self.user, self.draw, self.tried = user, random.Random(seed), Counter[str]()
        self.broken: BaseException | None = None

    def run(self) -> None:
        try:
            until = time.monotonic() + 300
            while time.monotonic() < until and Case.objects.filter(state__in=OPEN).exists():
                self._one()
        except BaseException as error:  # noqa: BLE001 - a thread's error is the test's
            self.broken = error
        finally:
            connection.close()

    def _one(self) -> None:
        cases.release_expired_claims()
        rows = list(cases.visible_cases(self.user).filter(state__in=OPEN).values_list("pk", flat=True)[:5])
        if not rows:
            return
        try:
            claimed = cases.claim_case(self.user, self.draw.choice(rows))
            self.tried["claimed"] += 1
            self._decide(claimed)
        except ActionRefused:
            self.tried["refused"] += 1
            time.sleep(PAUSE_S)

    def _decide(self, held: Case) -> None:
        chance = self.draw.random()
        if chance < 0.15:
            return  # went away: the lease runs out
        if chance < 0.25:
            cases.release_case(self.user, held.pk, held.lease_token, CaseMove.RELEASE)
            return
        if chance < 0.5:
            time.sleep(cases.LEASE_S * 1.5)  # too slow
        ruling = DecisionInput(held.lease_token, held.version, self.draw.choice(["allow", "block"]), "clear")
        cases.decide_case(self.user, held.pk, ruling)
        for stale in (ruling, DecisionInput(held.lease_token, held.version + 1, "allow", "clear")):
            with pytest.raises(ActionRefused):  # the same page, sent again
                cases.decide_case(self.user, held.pk, stale)
            self.tried["stale refused"] += 1


@pytest.mark.django_db(transaction=True)
def test_cases_are_decided_exactly_once_by_concurrent_reviewers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "LEASE_S", 1.0)
    notes, owner = register_notes(), make_user("alice")
    people = [make_user(f"reviewer{number}", User.Role.REVIEWER) for number in range(REVIEWERS)]
    for number in range(CASES):
        notes.state[str(number)] = "as it was"
        make_note_case(owner, str(number))
    threads = [Reviewer(user, number) for number, user in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(360)
    assert [thread.broken for thread in threads if thread.broken] == []

    decided = Counter(Decision.objects.values_list("case", flat=True))
    assert len(decided) == CASES and set(decided.values()) == {1}
    assert set(Case.objects.values_list("state", flat=True)) == {CaseState.DECIDED}
    assert AppliedEffect.objects.count() == CASES
    assert AuditEntry.objects.filter(kind="case.decided").count() == CASES
    assert audit.verify_chain() == []
    tried = sum((thread.tried for thread in threads), Counter[str]())
    assert tried["claimed"] > CASES and tried["refused"] > 0 and tried["stale refused"] == 2 * CASES
    withheld = sum(text.startswith("withheld") for text in notes.state.values())
    assert withheld == Decision.objects.filter(outcome="block").count()


@pytest.mark.django_db(transaction=True)
def test_twenty_at_one_case_and_one_holder() -> None:
    notes, owner = register_notes(), make_user("alice")
    notes.state["1"] = "as it was"
    opened = make_note_case(owner)
    people = [make_user(f"reviewer{number}", User.Role.REVIEWER) for number in range(REVIEWERS)]
    won: list[User] = []
    start = threading.Barrier(REVIEWERS)

    def claim(user: User) -> None:
        try:
            start.wait(120)
            cases.claim_case(user, opened.pk)
            won.append(user)
        except (ActionRefused, DatabaseError):
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=[user]) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(180)
    assert len(won) == 1 and Case.objects.get(pk=opened.pk).holder == won[0]
