"""Rate limits: buckets shared through the database, consumed once, refused with a time to wait, refilled over time."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from apps.safety.models import AuditEntry
from apps.users import rate_limits
from apps.users.models import RateLimit, RateLimitBucket, User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from apps.users.rate_limits import RateLimited
from tests.factories import make_collection, make_user
from tests.support.pages import strip_layout

PICTURES, UPLOADS, MESSAGES, TOKENS = (
    LimitedResource.PICTURES,
    LimitedResource.UPLOADS,
    LimitedResource.MESSAGES,
    LimitedResource.TOKENS,
)


class Clock:
    """Replacement of the clock with a settable time."""

    now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rate_limits, "time", clock)
    return clock


def used(user: User, resource: str, most: int) -> int:
    """Return how many of `most` attempts to consume one unit succeed."""
    for count in range(most):
        try:
            rate_limits.consume(user, resource)
        except RateLimited:
            return count
    return most


def test_the_burst_is_used_up_and_comes_back_with_time(alice: User, clock: Clock) -> None:
    rate_limits.change_limit(LimitScope.USER, PICTURES, Rate(3, 60))
    assert used(alice, PICTURES, 9) == 3
    with pytest.raises(RateLimited, match=r"You have reached the limit for pictures\. Try again in 1 minute") as caught:
        rate_limits.consume(alice, PICTURES)
    assert caught.value.retry_s == 60
    clock.now += 60
    assert used(alice, PICTURES, 9) == 1
    clock.now += 86_400
    assert used(alice, PICTURES, 9) == 3


def test_a_clock_that_was_set_back_fills_nothing(alice: User, clock: Clock) -> None:
    rate_limits.change_limit(LimitScope.USER, PICTURES, Rate(3, 60))
    assert used(alice, PICTURES, 9) == 3
    clock.now -= 3600
    assert used(alice, PICTURES, 9) == 0


def test_rate_limit_is_counted_per_user(alice: User, bob: User) -> None:
    rate_limits.change_limit(LimitScope.USER, PICTURES, Rate(2, 0))
    assert [used(alice, PICTURES, 9), used(bob, PICTURES, 9)] == [2, 2]


def test_a_group_shares_one_and_what_it_lacks_is_taken_from_nobody(alice: User, bob: User) -> None:
    group = Group.objects.create(name="Team")
    alice.groups.add(group)
    bob.groups.add(group)
    rate_limits.change_limit(LimitScope.GROUP, PICTURES, Rate(3, 0), group.pk)
    assert used(alice, PICTURES, 2) == 2
    assert used(bob, PICTURES, 9) == 1
    with pytest.raises(RateLimited, match="The group Team has reached"):
        rate_limits.consume(bob, PICTURES)
    assert rate_limits.read_levels(rate_limits.list_buckets(bob, PICTURES)[:1]) == pytest.approx([29], abs=0.1)


def test_a_whole_office_behind_one_address_shares_no_limit(db: None) -> None:
    """Check that limits of network addresses do not apply to signed-in users."""
    for resource in (MESSAGES, UPLOADS, PICTURES):
        RateLimit.objects.create(scope=LimitScope.ADDRESS, resource=resource, burst=3, per_hour=0)
    rate_limits.clear_rate_cache()
    office = [make_user(f"colleague{number}") for number in range(30)]
    for resource in (MESSAGES, UPLOADS, PICTURES):
        assert [used(user, resource, 5) for user in office] == [5] * 30
    assert not RateLimitBucket.objects.filter(key__startswith="address:").exists()


def as_shown(**changed: object) -> dict[str, object]:
    """Return the form of all limits as the page shows it, except for `changed`."""
    shown: dict[str, object] = {}
    for (scope, resource), rate in rate_limits.DEFAULTS.items():
        shown |= {f"{scope}-{resource}-burst": rate.burst, f"{scope}-{resource}-per_hour": rate.per_hour}
    return shown | changed


@pytest.mark.parametrize("resource", [MESSAGES, UPLOADS, PICTURES, TOKENS])
def test_an_address_is_given_no_limit_of_what_only_users_can_do(ada: User, resource: str) -> None:
    client = Client()
    client.force_login(ada)
    client.post("/people/limits/", as_shown() | {f"address-{resource}-burst": 1, f"address-{resource}-per_hour": 1})
    assert not RateLimit.objects.exists()
    client.post("/people/limits/", as_shown() | {"address-sign_ins-burst": 1, "address-sign_ins-per_hour": 1})
    assert RateLimit.objects.get().resource == "sign_ins"


def test_tokens_are_owed_and_paid_back_by_time(alice: User, clock: Clock) -> None:
    rate_limits.change_limit(LimitScope.USER, TOKENS, Rate(100, 3600))
    rate_limits.check_limits(alice, TOKENS)
    rate_limits.charge(alice, TOKENS, 150)
    with pytest.raises(RateLimited) as caught:
        rate_limits.check_limits(alice, MESSAGES, TOKENS)
    assert caught.value.retry_s == 51
    clock.now += 60
    rate_limits.check_limits(alice, MESSAGES, TOKENS)


def test_a_bucket_that_is_full_again_leaves_no_row(alice: User, clock: Clock) -> None:
    rate_limits.consume(alice, PICTURES)
    rate_limits.charge(alice, TOKENS, 10**9)
    clock.now += 2 * 86_400
    assert rate_limits.delete_full_buckets() == 1
    assert [row.key for row in RateLimitBucket.objects.all()] == [f"person:{alice.pk}:tokens"]


@pytest.mark.django_db(transaction=True)
def test_rate_limit_grants_exactly_what_is_left_to_parallel_requests() -> None:
    user = make_user("alice")
    rate_limits.change_limit(LimitScope.USER, PICTURES, Rate(25, 0))
    counts: list[int] = []

    def work() -> None:
        try:
            counts.append(used(user, PICTURES, 10))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 25


def test_an_upload_too_many_is_told_when_to_try_again(client: Client, alice: User) -> None:
    rate_limits.change_limit(LimitScope.USER, UPLOADS, Rate(0, 60))
    collection = make_collection(alice)
    client.force_login(alice)
    for headers in ({"Accept": "application/json"}, {}):
        response = client.post(
            f"/collections/{collection.pk}/upload/", {"announced": "a.pdf", "size": "5"}, headers=headers
        )
        assert response.status_code == 429
        assert int(response["Retry-After"]) == 60
        assert "You have reached the limit for files and web pages" in response.content.decode()
    assert not collection.refused_uploads.exists()
    assert client.post(f"/collections/{collection.pk}/pages/", {"url": "https://example.org"}).status_code == 429


def test_a_person_sees_what_is_left_and_an_administrator_sets_it(client: Client, alice: User, ada: User) -> None:
    team = Group.objects.create(name="Team")
    alice.groups.add(team)
    client.force_login(ada)
    page = "/people/limits/"
    mine = {"person-pictures-burst": 7, "person-pictures-per_hour": 8}
    assert client.post(page, as_shown() | mine).status_code == 302
    sent = {"group": team.pk, "resource": "messages", "burst": 55, "per_hour": 44}
    assert client.post(page, sent).status_code == 302
    assert "Team" in client.get(page).content.decode()
    client.force_login(alice)
    shown = strip_layout(client.get("/limits/").content.decode())
    assert all(f">{number}</td>" in shown for number in (7, 8, 55, 44))
    client.force_login(ada)
    empty = {"person-pictures-burst": "", "person-pictures-per_hour": ""}
    assert client.post(page, as_shown() | empty).status_code == 302
    assert not RateLimit.objects.filter(scope="person").exists()


def test_limits_form_saves_and_logs_only_what_was_changed(client: Client, ada: User) -> None:
    client.force_login(ada)
    changed = {"person-messages-burst": 5, "person-pictures-per_hour": 6}
    client.post("/people/limits/", as_shown() | changed)
    assert {(row.resource, row.burst, row.per_hour) for row in RateLimit.objects.all()} == {
        ("messages", 5, 1_000), ("pictures", 30, 6)
    }  # fmt: skip
    assert AuditEntry.objects.filter(kind="limit.changed").count() == 2
    client.post("/people/limits/", as_shown() | changed)
    assert AuditEntry.objects.filter(kind="limit.changed").count() == 2


@pytest.mark.parametrize(
    "sent",
    [
        {"person-pictures-burst": -1},
        {"person-pictures-burst": 5, "person-pictures-per_hour": ""},
        {"person-pictures-burst": "1e9", "person-pictures-per_hour": "x", "person-messages-burst": 3},
        {"group": "", "resource": "pictures", "burst": 5, "per_hour": 2},
        {"group": "999999", "resource": "pictures", "burst": 5, "per_hour": 2},
    ],
)
def test_nonsense_changes_no_limit(client: Client, ada: User, sent: dict[str, object]) -> None:
    client.force_login(ada)
    assert client.post("/people/limits/", as_shown() | sent).status_code == 400
    assert not RateLimit.objects.exists()
