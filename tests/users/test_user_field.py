"""The text field for a user: suggestions for administrators, and a clear answer where it names no user or several."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.html import escape

from apps.privacy.models import LegalHold
from apps.users.accounts import suspend_user
from apps.users.models import User
from apps.users.user_field import SUGGESTIONS, find_user, format_user, suggest_users
from tests.support.pages import strip_layout

ADDRESS = "/people/suggestions/"


def list_options(page: str) -> list[str]:
    return re.findall(r'<option value="([^"]*)"', page)


@pytest.mark.parametrize("text", ["alice", "ALICE@example.org", "Alice <alice@example.org>", " alice@example.org\0 "])
def test_name_address_and_suggestion_name_the_user(alice: User, text: str) -> None:
    assert find_user(text) == alice


def test_a_name_that_looks_like_the_suggestion_of_another_user_names_that_other_user(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(name="Alice <alice@example.org>")
    assert find_user("Alice <alice@example.org>") == alice
    assert find_user(format_user(User.objects.get(pk=bob.pk))) == bob


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nobody", "No user has this name"),
        ("999999999", "No user has this name"),
        ("<>", "No user has this name"),
        ("Twin", r"Several users match \(Twin <alice@example.org>, Twin <bob@example.org>\)\."),
        ("tw", r"Several users match \(Twin <alice@example.org>, Twin <bob@example.org>\)\."),
    ],
)
def test_unknown_and_ambiguous_names_are_refused(alice: User, bob: User, text: str, reason: str) -> None:
    User.objects.filter(pk__in=[alice.pk, bob.pk]).update(name="Twin")
    with pytest.raises(ValidationError, match=reason):
        find_user(text)


@pytest.mark.parametrize("text", ["Maya", "lindq", "maya lind", "maya.l"])
def test_part_of_a_name_is_enough_if_no_other_user_matches(alice: User, bob: User, text: str) -> None:
    User.objects.filter(pk=alice.pk).update(name="Maya Lindqvist", email="maya.lindqvist@example.org")
    assert find_user(text) == alice
    User.objects.filter(pk=bob.pk).update(name="Maya Lindqvist Berg", email="maya.lindqvist.berg@example.org")
    assert find_user("Maya Lindqvist") == alice, "the whole name goes before a part"
    with pytest.raises(ValidationError, match=r"Several users match \(Maya Lindqvist <.*, Maya Lindqvist Berg <"):
        find_user(text)


def test_a_refusal_names_at_most_three_users(db: None) -> None:
    User.objects.bulk_create(User(email=f"user{n}@example.org", name=f"User {n}") for n in range(5))
    with pytest.raises(ValidationError, match=r"User 0 <.*User 2 <user2@example.org>, …\)\."):
        find_user("user")


def test_suggestions_hold_every_word_and_end_after_ten(alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(name="Alice Liddell")
    User.objects.bulk_create(User(email=f"user{n}@example.org", name=f"User {n}") for n in range(30))
    assert suggest_users("liddell ali") == suggest_users("Alice Liddell <ali") == ["Alice Liddell <alice@example.org>"]
    assert suggest_users("user") == sorted(suggest_users("user")) and len(suggest_users("user")) == SUGGESTIONS
    assert suggest_users("nobody") == []


def test_user_suggestions_are_for_administrators_only(as_ada: Client, bob: User, morgan: User) -> None:
    User.objects.filter(pk=bob.pk).update(name='Bob "Quote"')
    asked = {"field": "person", "person": "bob"}
    assert list_options(as_ada.get(ADDRESS, asked).content.decode()) == [escape('Bob "Quote" <bob@example.org>')]
    for user in (bob, morgan):
        as_ada.force_login(user)
        assert as_ada.get(ADDRESS, asked).status_code == 404


@pytest.mark.parametrize("path", ["/people/groups/{group}/", "/privacy/holds/", "/review/log/"])
def test_pages_never_list_all_accounts(as_ada: Client, path: str) -> None:
    User.objects.bulk_create(User(email=f"user{n}@example.org") for n in range(30))
    page = as_ada.get(path.format(group=Group.objects.create(name="Team").pk)).content.decode()
    assert "@example.org" not in page.replace("ada@example.org", "") and "?field=" in page


def test_a_group_refuses_members_suspended_and_unknown_users(as_ada: Client, alice: User, bob: User) -> None:
    group = Group.objects.create(name="Team")
    group.user_set.add(alice)
    suspend_user(bob)
    answers = {"alice": "already in the group", "bob": "suspended", "nobody": "No user has this name"}
    for text, reason in answers.items():
        response = as_ada.post(f"/people/groups/{group.pk}/", {"person": text})
        page = strip_layout(response.content.decode())
        assert response.status_code == 400 and reason in page and f'value="{text}"' in page
    assert list(group.user_set.all()) == [alice]


def test_a_legal_hold_is_set_by_name_once_also_on_a_suspended_user(as_ada: Client, ada: User, bob: User) -> None:
    suspend_user(bob)
    asked = {"person": format_user(bob), "reason": "Court order 7"}
    assert as_ada.post("/privacy/holds/", {**asked, "reason": " "}).status_code == 400
    assert as_ada.post("/privacy/holds/", asked).status_code == 302
    second = as_ada.post("/privacy/holds/", asked)
    assert second.status_code == 400 and "already a legal hold" in second.content.decode()
    assert LegalHold.objects.get().user == bob
