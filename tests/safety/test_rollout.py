"""A version of the policy that is live for some people first: who they are, who decides that, and its figures."""

from __future__ import annotations

import asyncio

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from apps.safety import gate, holds, policies, replaying, review, rollout, shadowing, whose
from apps.safety.models import Case, Event, PolicyVersion, Recorded
from apps.safety.policies import Partial, Shadow
from apps.safety.policy import digest, read
from apps.safety.review import Ruling
from apps.safety.transitions import Refused
from apps.users.models import User
from tests.people import person
from tests.safety.cases import notes
from tests.safety.drafts import MAYBE, PLAIN, SURE, body, verdicts_kept

__all__ = ["verdicts_kept"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def otto(db: None) -> User:
    return person("otto", User.Role.ADMINISTRATOR)


@pytest.fixture
def strict(ada: User) -> PolicyVersion:
    """A draft of Ada's, replayed, by which a little hate goes to people."""
    row = policies.draft(ada, body(withhold_and_review=0.3))
    replaying.replay(ada, row)
    row.refresh_from_db()
    return row


@pytest.fixture
def partial(strict: PolicyVersion, otto: User) -> PolicyVersion:
    rollout.begin(otto, strict, 50)
    strict.refresh_from_db()
    return strict


def two(row: PolicyVersion) -> tuple[int, int]:
    """Numbers of people: one for whom it is live, and one for whom it is not."""
    judges = Partial(Shadow(row.pk, read(row.body, row.number)), row.share).judges
    return next(n for n in range(1, 99) if judges(n)), next(n for n in range(1, 99) if not judges(n))


def asked(pk: int | None, text: str = MAYBE) -> bool:
    """Whether that person may ask it; the verdict is stored."""
    with whose.text_of(pk):
        allowed = asyncio.run(gate.check_question(text)).allowed
    shadowing.write()
    return allowed


def test_a_share_is_of_people_and_who_was_in_it_stays_when_it_grows(strict: PolicyVersion) -> None:
    shadow = Shadow(strict.pk, read(strict.body, strict.number))
    at = {share: {n for n in range(20_000) if Partial(shadow, share).judges(n)} for share in (1, 5, 20, 50)}
    for share, found in at.items():
        assert abs(len(found) / 20_000 - share / 100) < 0.01
    assert at[1] < at[5] < at[20] < at[50] and not Partial(shadow, 50).judges(None)
    other = Shadow(0, read(body(withhold=0.2), 9))
    assert {n for n in range(20_000) if Partial(other, 5).judges(n)} != at[5], "not the same people each time"


def test_it_judges_them_and_nobody_else_and_verdicts_and_cases_say_which_version(
    partial: PolicyVersion, alice: User
) -> None:
    inside, outside = two(partial)
    assert not asked(inside) and asked(outside) and asked(None)
    live = policies.live()
    assert list(Recorded.objects.order_by("pk").values_list("policy", flat=True)) == [
        partial.number, live.number, live.number,
    ]  # fmt: skip
    notes().state["1"] = ""
    with whose.text_of(inside):
        judged = asyncio.run(gate.check_question(MAYBE)).judged
    assert judged is not None and judged.policy == partial.number
    review.flag_judged("note", "1", alice.pk, judged)  # by what judged, whoever reads it later
    assert Case.objects.get().snapshot.policy == partial
    assert policies.in_force(inside) == partial and policies.in_force(outside) == policies.in_force(None) == live


def test_somebody_else_begins_it_after_a_replay_and_one_at_a_time(strict: PolicyVersion, ada: User, otto: User) -> None:
    with pytest.raises(Refused, match="Somebody else"):
        rollout.begin(ada, strict, 5)
    for share in (0, 51, -1):
        with pytest.raises(Refused, match="1 to 50"):
            rollout.begin(otto, strict, share)
    other = policies.draft(otto, body(withhold=0.2))
    with pytest.raises(Refused, match="Replay it"):
        rollout.begin(ada, other, 5)
    rollout.begin(otto, strict, 5)
    strict.refresh_from_db()
    since = strict.effective
    rollout.begin(otto, strict, 20)
    strict.refresh_from_db()
    assert (strict.status, strict.share, strict.approver, strict.effective) == ("partial", 20, otto, since)
    replaying.replay(ada, other)
    with pytest.raises(Refused, match="Another version is live for some"):
        rollout.begin(ada, other, 5)
    kinds = Event.objects.filter(kind="policy.partial").values_list("payload__share", flat=True)
    assert list(kinds) == [5, 20]


def test_it_is_withdrawn_or_goes_live_for_all_by_somebody_else(partial: PolicyVersion, ada: User, otto: User) -> None:
    inside, _ = two(partial)
    with pytest.raises(Refused, match="Somebody else"):
        rollout.withdraw(ada, partial)
    with pytest.raises(Refused, match="Somebody else"):
        policies.approve(ada, partial)
    rollout.withdraw(otto, partial)
    partial.refresh_from_db()
    assert (partial.status, partial.share, partial.approver) == ("draft", 0, None) and asked(inside)
    with pytest.raises(Refused, match="not live"):
        rollout.withdraw(otto, partial)
    rollout.begin(otto, partial, 5)
    policies.approve(otto, partial)
    partial.refresh_from_db()
    assert (partial.status, partial.share) == ("live", 0) and policies.live() == partial
    assert not asked(None) and PolicyVersion.objects.filter(status="live").count() == 1


def test_another_version_that_goes_live_takes_it_back(partial: PolicyVersion, ada: User, otto: User) -> None:
    other = policies.draft(otto, body(withhold=0.2))
    replaying.replay(otto, other)
    policies.approve(ada, other)
    partial.refresh_from_db()
    assert partial.status == "draft" and Event.objects.filter(kind="policy.withdrawn").count() == 1
    with pytest.raises(Refused, match="Another version went live"):
        rollout.begin(otto, partial, 5)


def test_the_figures_stand_side_by_side(partial: PolicyVersion, alice: User, morgan: User) -> None:
    inside, outside = two(partial)
    for pk in (inside, inside, outside, None):
        asked(pk)
    asked(inside, PLAIN)
    asked(outside, SURE)
    new, old = rollout.arms()
    assert (new.version, new.judged, old.judged) == (partial, 3, 3)
    assert (new.held.part, old.held.part) == (2, 1), "MAYBE twice here, SURE there"
    assert (new.changed.part, new.changed.whole) == (2, 3), "the live one would have let both pass"
    assert (old.changed.part, old.changed.whole) == (2, 3)
    notes().state |= {"1": "", "2": ""}
    for number, outcome in enumerate(("allow", "block"), 1):
        with whose.text_of(inside):
            judged = asyncio.run(gate.check_question(f"{MAYBE} {number}")).judged
        review.flag_judged("note", str(number), alice.pk, judged)
        held = review.claim(morgan, Case.objects.get(subject=str(number)).pk)
        review.decide(morgan, held.pk, Ruling(held.lease_token, held.version, outcome, "clear"))
    new, old = rollout.arms()
    assert (new.false.part, new.false.whole, old.false.whole) == (1, 2, 0)


def test_what_stays_held_under_either_of_them_is_not_let_go(partial: PolicyVersion) -> None:
    before = holds._kept(every=True)
    closed = {**partial.body, "clauses": [{**row, "fail": "closed"} for row in partial.body["clauses"]]}
    PolicyVersion.objects.filter(pk=partial.pk).update(body=closed, sha256=digest(closed))
    policies.refresh()
    assert before < holds._kept(every=True) and "hate" in holds._kept(every=True) and "hate" not in holds._kept()


def test_the_pages_begin_show_and_end_it(strict: PolicyVersion, ada: User, otto: User) -> None:
    author, other = Client(), Client()
    author.force_login(ada)
    other.force_login(otto)
    step = f"/review/policy/{strict.pk}/"
    author.post(step, {"do": "partial", "share": "5"})
    other.post(step, {"do": "partial", "share": "many"})
    assert not PolicyVersion.objects.filter(status="partial").exists()
    other.post(step, {"do": "partial", "share": "5"})
    asked(two(PolicyVersion.objects.get(pk=strict.pk))[0])
    page = other.get("/review/policy/").content.decode()
    assert "Live for some people" in page and "Change the share" in page and "Withdraw" in page
    for row in (strict, policies.live()):
        page = other.get(f"/review/policy/{row.pk}/changes/").content.decode()
        assert "5 % of people" in page and "everybody else" in page and "In the shadow" not in page
    other.post(step, {"do": "withdraw"})
    assert not PolicyVersion.objects.filter(status="partial").exists()
    assert "5 % of people" not in other.get(f"/review/policy/{policies.live().pk}/changes/").content.decode()


def test_those_are_counted_who_may_sign_in(strict: PolicyVersion, otto: User) -> None:
    rollout.begin(otto, strict, 5)
    strict.refresh_from_db()
    before, all_of_them = rollout.people(strict), User.objects.count()
    judges = Partial(Shadow(strict.pk, read(strict.body, strict.number)), 5).judges
    for wanted in (True, False):
        found = [pk for pk in range(10_000, 20_000) if judges(pk) == wanted][:3]
        User.objects.bulk_create(User(pk=pk, email=f"{pk}@example.org") for pk in found)
        User.objects.filter(pk=found[0]).update(is_active=False)
    assert rollout.people(strict) == before + 2 and rollout.people(policies.live()) == all_of_them + 4
    assert [arm.people for arm in rollout.arms()] == [before + 2, all_of_them + 4 - before - 2]


def test_the_pages_open_also_where_a_newer_product_cannot_read_it(partial: PolicyVersion, otto: User) -> None:
    PolicyVersion.objects.filter(pk=partial.pk).update(body={"format": "of long ago"})
    client = Client()
    client.force_login(otto)
    assert client.get("/review/policy/").status_code == 200
    for row in (partial, policies.live()):
        assert client.get(f"/review/policy/{row.pk}/changes/").status_code == 200
    client.post(f"/review/policy/{partial.pk}/", {"do": "withdraw"})
    assert not PolicyVersion.objects.filter(status="partial").exists()


@pytest.mark.parametrize(
    ("number", "words", "shown"),
    [
        (0, "Nobody falls into this share now", "5 % of people: 0 people now"),
        (1, "One person alone falls into this share now", "5 % of people: 1 person now"),
        (2, "", "5 % of people: 2 people now"),
    ],
)
def test_the_pages_say_how_many_a_share_is(
    strict: PolicyVersion, otto: User, monkeypatch: pytest.MonkeyPatch, number: int, words: str, shown: str
) -> None:
    monkeypatch.setattr(rollout, "people", lambda row: number if row.status == "partial" else 9)
    rollout.begin(otto, strict, 5)
    client = Client()
    client.force_login(otto)
    page = client.get("/review/policy/").content.decode()
    assert words in page and ("Raise the share" in page) == (number < 2)
    page = client.get(f"/review/policy/{strict.pk}/changes/").content.decode()
    assert shown in page and f"everybody else: {9 - number} people now" in page


def test_the_database_forbids_a_second_one_and_one_without_a_share(partial: PolicyVersion, otto: User) -> None:
    policies.live()
    other = policies.draft(otto, body(withhold=0.2))
    for wrong in (
        {"status": "partial", "share": 5}, {"share": 5}, {"status": "partial"}, {"status": "partial", "share": 60},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            PolicyVersion.objects.filter(pk=other.pk).update(**wrong)
