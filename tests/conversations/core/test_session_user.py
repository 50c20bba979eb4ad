"""Who sits behind a session is asked again each time, also where the same session was proven before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.conversations.core import session_user
from apps.conversations.core.session_user import get_session_user
from apps.users.models import UserSession
from tests.conversations.conftest import session_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("alice")


@pytest.fixture(params=["for the first time", "again"])
def key(request, alice):
    key = session_of(alice)
    if request.param == "again":
        assert get_session_user(key) == get_session_user(key) == alice
    return key


def test_a_session_that_lives_has_its_person(key, alice) -> None:
    assert get_session_user(key) == alice


@pytest.mark.parametrize("key_", ["", "nonsense", "' OR 1=1 --"])
def test_session_key_that_is_missing_has_no_user(key_) -> None:
    assert get_session_user(key_) is None


def test_a_session_that_ended_has_nobody(key) -> None:
    UserSession.objects.all().delete()
    assert get_session_user(key) is None


def test_a_session_that_is_over_has_nobody(key) -> None:
    UserSession.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert get_session_user(key) is None


def test_a_person_who_was_deactivated_is_nobody(key, alice) -> None:
    alice.is_active = False
    alice.save()
    assert get_session_user(key) is None


def test_a_person_who_was_deleted_is_nobody(key, alice) -> None:
    alice.delete()
    assert get_session_user(key) is None


def test_a_new_password_ends_the_session(key, alice) -> None:
    alice.set_password("another horse battery")
    alice.save()
    assert get_session_user(key) is None


def test_a_session_that_was_written_by_somebody_else_has_nobody(key, alice) -> None:
    content = UserSession.objects.get().session_data
    UserSession.objects.update(session_data=f"{content[:-1]}{'A' if content[-1] != 'A' else 'B'}")
    assert get_session_user(key) is None


def test_remembered_sessions_are_limited_in_number(alice, monkeypatch) -> None:
    monkeypatch.setattr(session_user, "_REMEMBERED", 3)
    for _ in range(5):
        assert get_session_user(session_of(alice)) == alice
    assert len(session_user._proven) <= 3


def test_sessions_that_are_kept_elsewhere_are_asked_as_django_asks(key, alice, monkeypatch) -> None:
    monkeypatch.setattr(session_user, "_IN_ROWS", False)
    assert get_session_user(key) == alice
    UserSession.objects.all().delete()
    assert get_session_user(key) is None


def test_live_sessions_are_found_for_many_keys_in_two_queries(django_assert_num_queries) -> None:
    keys = {name: session_of(make_user(name)) for name in ("alice", "bob", "carol", "dave", "erin")}
    assert all(map(get_session_user, keys.values()))
    UserSession.objects.filter(session_key=keys["bob"]).delete()
    UserSession.objects.filter(session_key=keys["carol"]).update(expire_date=timezone.now() - timedelta(seconds=1))
    person_of = {name: get_session_user(keys[name]) for name in ("dave", "erin")}
    person_of["dave"].is_active = False
    person_of["dave"].save()
    person_of["erin"].set_password("Another one, quite long.")
    person_of["erin"].save()
    asked = [keys["alice"], keys["bob"], keys["carol"], keys["dave"], keys["erin"], keys["alice"], ""]
    assert session_user.find_live_sessions(asked) == [True, False, False, False, False, True, False]
    with django_assert_num_queries(2):
        assert session_user.find_live_sessions([keys["alice"]] * 9) == [True] * 9
