"""Sealed cases: counted for all who review, opened by nobody but the people who were named for them."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry, Case, Decision, Notice
from apps.safety.models.case_states import CaseMove
from apps.safety.moderation import appeals, cases, sealed_cases
from apps.users import special_permissions
from apps.users.models import User
from tests.factories import make_client, make_decision_input, make_note_case, make_user, register_notes
from tests.support.pages import strip_layout
from tests.support.password import PASSWORD

pytestmark = pytest.mark.django_db
SEALED = "child_exploitation"


@pytest.fixture
def hidden(alice: User, ada: User) -> Case:
    register_notes().state["1"] = "as it was"
    return make_note_case(alice, code=SEALED, severity=4)


def signed_in(user: User) -> Client:
    client = make_client(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def named(user: User, given: bool = True) -> User:
    special_permissions.SEALED.assign(user, given)
    user.refresh_from_db()
    return user


@pytest.mark.parametrize("who", ["morgan", "ada"])
def test_sealed_case_is_not_listed_claimed_or_opened_without_permission(
    request: pytest.FixtureRequest, hidden: Case, who: str
) -> None:
    user = request.getfixturevalue(who)
    client, address = signed_in(user), f"/review/{hidden.pk}/"
    page = strip_layout(client.get("/review/").content.decode())
    assert "1 case under a sealed clause is waiting" in page and "No reviewer has the permission for them yet" in page
    assert str(hidden.pk) not in page and 'class="count"' not in page
    assert ("Give a reviewer the permission" in page) == user.is_administrator
    assert client.get(address).status_code == client.get(f"{address}picture.png").status_code == 404
    for verb, sent in (
        ("claim", {}),
        ("decide", {"outcome": "allow", "reason": "clear"}),
        ("release", {}),
        ("undo", {}),
    ):
        client.post(f"{address}{verb}/", sent)
    with pytest.raises(ActionRefused):
        cases.claim_case(user, hidden.pk)
    with pytest.raises(ActionRefused):
        cases.read_case(user, hidden.pk)
    found = Case.objects.get(pk=hidden.pk)
    assert (found.state, found.holder) == ("open", None) and not Decision.objects.exists()
    assert not AuditEntry.objects.filter(kind="read").exists()


def test_sealed_case_and_its_appeal_are_decided_by_two_named_reviewers(hidden: Case, alice: User, morgan: User) -> None:
    robin, kim = named(make_user("robin", User.Role.REVIEWER)), make_user("kim", User.Role.REVIEWER)
    client = signed_in(named(morgan))
    page = client.get("/review/").content.decode()
    assert "You have the permission for them" in page and str(hidden.pk) in page
    client.post(f"/review/{hidden.pk}/claim/")
    assert f"some [{SEALED}] text" in client.get(f"/review/{hidden.pk}/?open=1").content.decode()
    held = Case.objects.get(pk=hidden.pk)
    cases.decide_case(morgan, held.pk, make_decision_input(held))
    appeals.submit_appeal(alice, Notice.objects.get(decision__isnull=False), "It was a report.")
    with pytest.raises(ActionRefused):
        cases.claim_case(kim, held.pk)
    assert cases.claim_case(robin, held.pk).holder == robin
    assert sealed_cases.count_waiting(kim) == 1


def test_sealed_decision_is_not_shown_beside_another_case_of_the_user(hidden: Case, alice: User, morgan: User) -> None:
    robin = named(make_user("robin", User.Role.REVIEWER))
    register_notes().state |= {"1": "as it was", "2": "as it was", "3": "as it was"}
    for owned, user in ((hidden, robin), (make_note_case(alice, "2", code="violence"), morgan)):
        claimed = cases.claim_case(user, owned.pk)
        cases.decide_case(user, claimed.pk, make_decision_input(claimed))
    told, other = {}, make_note_case(alice, "3")
    for user in (morgan, robin):
        claimed = cases.claim_case(user, other.pk)
        page = signed_in(user).get(f"/review/{other.pk}/")
        told[user.name] = {row.clause for row in page.context["earlier"]}
        cases.release_case(user, claimed.pk, claimed.lease_token, CaseMove.RELEASE)
    assert told == {"Morgan": {"violence"}, "Robin": {"violence", SEALED}}


def test_claimed_sealed_case_is_out_of_reach_without_the_permission(hidden: Case, morgan: User) -> None:
    claimed = cases.claim_case(named(morgan), hidden.pk)
    named(morgan, False)
    with pytest.raises(ActionRefused):
        cases.read_case(morgan, claimed.pk)
    with pytest.raises(ActionRefused):
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed, "allow"))


def test_an_administrator_names_people_and_the_log_says_so(ada: User, morgan: User, alice: User) -> None:
    client = signed_in(ada)
    for sent in ("yes", "yes", "no", "maybe"):
        client.post(f"/people/{morgan.pk}/sealed/", {"named": sent})
    rows = AuditEntry.objects.filter(user=morgan.pk).order_by("seq").values_list("kind", "actor")
    assert list(rows) == [("person.named_for_sealed", ada.pk), ("person.not_named_for_sealed", ada.pk)]
    client.post(f"/people/{alice.pk}/sealed/", {"named": "yes"})  # who does not review
    alice.refresh_from_db()
    assert not alice.may_open_sealed_cases
    client.post(f"/people/{morgan.pk}/sealed/", {"named": "yes"})
    assert ">Sealed cases</span>" in client.get("/people/").content.decode()
    assert "Permission for sealed cases given" in client.get("/review/log/?area=people").content.decode()


def test_sealed_permission_is_lost_with_the_role_and_not_restored_by_itself(ada: User, morgan: User) -> None:
    client = signed_in(ada)
    client.post(f"/people/{morgan.pk}/sealed/", {"named": "yes"})
    for role in ("administrator", "member", "reviewer"):
        client.post(f"/people/{morgan.pk}/role/", {"role": role})
        morgan.refresh_from_db()
        assert morgan.role == role and special_permissions.SEALED.is_held_by(morgan) == (role == "administrator")
    rows = AuditEntry.objects.filter(user=morgan.pk).order_by("seq").values_list("kind", "actor")
    assert [kind for kind, actor in rows if actor == ada.pk] == [
        "person.named_for_sealed", "person.role", "person.role", "person.not_named_for_sealed", "person.role",
    ]  # fmt: skip


def test_reviewers_name_nobody(morgan: User) -> None:
    assert signed_in(morgan).post(f"/people/{morgan.pk}/sealed/", {"named": "yes"}).status_code == 404
    morgan.refresh_from_db()
    assert not morgan.may_open_sealed_cases


def test_a_name_is_worth_nothing_without_the_role(hidden: Case, morgan: User) -> None:
    named(morgan)
    User.objects.filter(pk=morgan.pk).update(role=User.Role.MEMBER)
    morgan.refresh_from_db()
    assert (
        not special_permissions.SEALED.is_held_by(morgan)
        and not special_permissions.SEALED.list_holders().exists()
        and not cases.visible_cases(morgan).exists()
    )


def test_a_lone_administrator_is_told_that_a_sealed_case_about_themselves_waits(ada: User) -> None:
    register_notes().state["1"] = "as it was"
    make_note_case(ada, code=SEALED, severity=4)
    page = signed_in(ada).get("/review/").content.decode()
    assert "1 case under a sealed clause is waiting" in page and "Give a reviewer the permission" in page
    make_user("kim", User.Role.REVIEWER)
    assert "under a sealed clause" not in signed_in(ada).get("/review/").content.decode()
