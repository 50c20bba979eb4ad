"""A compiled query finds what the queryset finds that it was made from, each time with the values of that time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import Count, Q
from django.utils.functional import SimpleLazyObject

from apps.documents.models import Collection, Membership
from apps.lib.compiled import Compiled
from apps.users.models import User

pytestmark = pytest.mark.django_db

seen = Compiled(lambda user: Collection.objects.visible_to(user).values_list("pk", "name"))
among = Compiled(lambda user, pks: Collection.objects.visible_to(user).filter(pk__in=pks).values_list("name"))
named = Compiled(lambda name: Collection.objects.filter(name=name))


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("alice@example.org")


@pytest.fixture
def other() -> User:
    return User.objects.create_user("bob@example.org")


def test_it_finds_what_the_queryset_finds_of_everybody(owner: User, other: User) -> None:
    for number, user in enumerate([owner, owner, other]):
        Collection.objects.create(owner=user, name=f"Collection {number}")
    for user in (owner, other):
        assert seen(user) == list(Collection.objects.visible_to(user).values_list("pk", "name"))
    assert len(seen(owner)) == 2


def test_the_person_of_a_request_counts_as_that_person(owner: User) -> None:
    Collection.objects.create(owner=owner, name="Collection")
    assert seen(SimpleLazyObject(lambda: owner)) == seen(owner) != []


def test_who_may_see_is_asked_each_time(owner: User, other: User) -> None:
    place = Collection.objects.create(owner=owner, name="Plans")
    assert seen(other) == []
    share = Membership.objects.create(collection=place, user=other)
    assert seen(other) == [(place.pk, "Plans")]
    share.delete()
    assert seen(other) == []
    assert seen(AnonymousUser()) == []


def test_sequences_of_any_length_share_few_statements(owner: User) -> None:
    rows = [Collection.objects.create(owner=owner, name=f"{number}") for number in range(9)]
    for count in range(10):
        assert among(owner, [row.pk for row in rows[:count]]) == [(row.name,) for row in rows[:count]]
    assert among(owner, {uuid4()}) == []


def test_texts_travel_as_values(owner: User) -> None:
    place = Collection.objects.create(owner=owner, name="' OR 1=1 -- %s")
    Collection.objects.create(owner=owner, name="Another")
    assert named("nothing") == []
    assert named(place.name) == [place]
    assert named(place.name)[0].created == place.created


def test_sql_is_made_once(owner: User, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    calls = []
    query = Compiled(lambda pk: calls.append(pk) or Collection.objects.filter(pk=pk).values_list("name"))
    places = [Collection.objects.create(owner=owner, name=name) for name in ("One", "Two")]
    with django_assert_num_queries(2):
        assert [query(place.pk) for place in places] == [[("One",)], [("Two",)]]
    assert len(calls) == 1


def test_sql_is_made_once_for_all_threads(owner: User) -> None:
    calls = []
    query = Compiled(lambda pk: calls.append(pk) or Collection.objects.filter(pk=pk).values_list("pk", "tuning"))

    def asked() -> list[tuple[object, ...]]:
        try:
            return query(uuid4())
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        assert other.submit(asked).result() == []
    place = Collection.objects.create(owner=owner, name="Plans", tuning={"floor": 0.5})
    assert query(place.pk) == [(place.pk, {"floor": 0.5})]
    assert len(calls) == 1


def test_a_question_about_the_person_that_is_not_in_the_sql_is_refused(owner: User) -> None:
    def by_role(user: User):  # type: ignore[no-untyped-def]
        return Collection.objects.all() if user.is_staff else Collection.objects.filter(owner=user)

    with pytest.raises(User.DoesNotExist):
        Compiled(by_role)(owner)


@pytest.mark.parametrize(
    "build",
    [
        lambda text: Collection.objects.filter(name__contains=text),
        lambda text: Collection.objects.all() if text else Collection.objects.none(),
        lambda text: Collection.objects.filter(name=text).annotate(count=Count("documents")),
        lambda text: Collection.objects.filter(name=text).only("name"),
        lambda text: Collection.objects.filter(name=text).select_related("owner"),
    ],
)
def test_what_cannot_be_filled_in_later_is_refused(build) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"reach its SQL|fields of its own"):
        Compiled(build)("text")


def test_a_row_that_is_not_stored_or_a_condition_is_refused() -> None:
    for value in (User(), True):
        with pytest.raises(ValueError, match="takes no"):
            Compiled(lambda value: Collection.objects.filter(Q(owner=value) | Q(everyone=value)))(value)


def test_a_column_that_only_the_order_needs_is_left_out(owner: User) -> None:
    Collection.objects.create(owner=owner, name="B")
    Collection.objects.create(owner=owner, name="A")
    query = Compiled(lambda user: Collection.objects.filter(owner=user).distinct().order_by("name").values_list("pk"))
    assert query(owner) == list(Collection.objects.filter(owner=owner).order_by("name").values_list("pk"))
    assert connection.vendor in {"sqlite", "postgresql"}
