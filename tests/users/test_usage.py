"""Usage by user, group, model and month: what counts, who reads it, the download, and how long it is kept."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from apps.users import rate_limits, usage
from apps.users.models import UsageDay, User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from tests.factories import make_client

pytestmark = pytest.mark.django_db
PAGE = "/people/usage/"


@pytest.fixture
def used(alice: User, bob: User) -> None:
    """Alice and Bob, both in Finance, used two models this month; Alice also a year ago."""
    group = Group.objects.create(name="Finance")
    group.user_set.add(alice, bob)
    usage.record_usage(alice, "big-70B", questions=2, tokens=5_000)
    usage.record_usage(alice, files=3, pictures=1)
    usage.record_usage(bob, "small-1B", questions=1, tokens=700)
    last_year = timezone.now().date() - timedelta(days=365)
    UsageDay.objects.create(user=alice, day=last_year, model="small-1B", questions=9, tokens=90)


def download(client: Client, **query: str) -> list[dict[str, str]]:
    response = client.get(PAGE, {**query, "format": "csv"})
    assert response["Content-Type"].startswith("text/csv") and "attachment" in response["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_usage_of_one_day_adds_up_in_one_row(alice: User) -> None:
    for tokens in (10, 20):
        usage.record_usage(alice, "big-70B", questions=1, tokens=tokens)
    row = UsageDay.objects.get()
    assert (row.questions, row.tokens, row.day) == (2, 30, timezone.now().date())
    usage.record_usage(alice, "big-70B", questions=0, tokens=0)
    alice.delete()
    usage.record_usage(User(pk=999_999), questions=1)
    assert not UsageDay.objects.exists()


def test_files_and_pictures_count_when_they_are_taken_and_not_when_they_are_refused(alice: User) -> None:
    rate_limits.consume(alice, LimitedResource.UPLOADS, cost=4)
    rate_limits.change_limit(LimitScope.USER, LimitedResource.PICTURES, Rate(1, 0))
    rate_limits.consume(alice, LimitedResource.PICTURES)
    with pytest.raises(rate_limits.RateLimited):
        rate_limits.consume(alice, LimitedResource.PICTURES)
    row = UsageDay.objects.get()
    assert (row.files, row.pictures, row.questions) == (4, 1, 0)


def test_users_are_listed_by_tokens_with_what_is_left(as_ada: Client, used: None, alice: User) -> None:
    rate_limits.charge(alice, LimitedResource.TOKENS, 5_000)
    rows = download(as_ada)
    assert [row["email"] for row in rows] == ["alice@example.org", "bob@example.org", "ada@example.org"]
    assert [rows[0][name] for name in usage.FIGURES] == ["2", "5000", "3", "1"]
    assert rows[0]["last_active"] == str(timezone.now().date()) and rows[2]["last_active"] == ""
    assert 995_000 <= int(rows[0]["tokens_left"]) < 996_000 and rows[0]["tokens_limit"] == "1000000"
    page = as_ada.get(f"{PAGE}?q=bob").content.decode()
    assert "bob" in page and 'href="/people/' in page and "alice@" not in page and "5,000" not in page


def test_members_of_a_group_are_added_up_beside_the_limit_of_the_group(as_ada: Client, used: None) -> None:
    Group.objects.create(name="Idle")
    group = Group.objects.get(name="Finance")
    rate_limits.change_limit(LimitScope.GROUP, LimitedResource.TOKENS, Rate(10_000, 10_000), group.pk)
    finance, idle = download(as_ada, by="group")
    assert (finance["name"], finance["questions"], finance["tokens"]) == ("Finance", "3", "5700")
    assert (finance["tokens_left"], idle["tokens_left"], idle["tokens"]) == ("10000", "", "0")
    assert "10,000 of 10,000" in as_ada.get(f"{PAGE}?by=group").content.decode()


def test_models_and_months_are_added_up(as_ada: Client, used: None) -> None:
    models = {row["name"]: row["tokens"] for row in download(as_ada, by="model")}
    assert models == {"big-70B": "5000", "small-1B": "700", "": "0"}
    assert "Without a model" in as_ada.get(f"{PAGE}?by=model").content.decode()
    now = timezone.now().date()
    months = [(row["name"], row["questions"]) for row in download(as_ada, by="month")]
    assert months[0] == (f"{now:%Y-%m}", "3") and months[1][1] == "9"
    earlier = usage.list_months()[-1]
    assert [row["tokens"] for row in download(as_ada, by="model", month=earlier.key)] in ([], ["90"])


@pytest.mark.parametrize("query", ["by=nothing", "month=2026-13", "month=1999-01", "sort=--x&page=x", "q=%00"])
def test_unknown_values_show_this_month(as_ada: Client, used: None, query: str) -> None:
    response = as_ada.get(f"{PAGE}?{query}")
    assert response.status_code == 200 and response.context["month"] == usage.list_months()[0]


def test_names_are_no_formulas_in_the_download(as_ada: Client, used: None, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(name='=HYPERLINK("http://x")')
    assert download(as_ada)[0]["name"] == '\'=HYPERLINK("http://x")'


def test_usage_is_for_administrators_alone(client: Client, used: None, alice: User, morgan: User) -> None:
    assert client.get(PAGE).status_code == 302
    for user in (alice, morgan):
        for query in ("", "?format=csv", "?by=group"):
            assert make_client(user).get(PAGE + query).status_code in (403, 404), user


def test_user_sees_own_usage_and_no_other(used: None, alice: User) -> None:
    page = make_client(alice).get("/limits/").content.decode()
    assert "Your usage" in page and "5,000" in page and not re.search(r"\b700\b", page)


def test_usage_is_deleted_after_400_days_and_with_the_account(used: None, alice: User) -> None:
    UsageDay.objects.create(user=alice, day=timezone.now().date() - timedelta(days=401), questions=1)
    assert usage.delete_old_usage() == 1
    alice.delete()
    assert set(UsageDay.objects.values_list("user__email", flat=True)) == {"bob@example.org"}


def test_months_are_thirteen_in_a_row() -> None:
    months = usage.list_months()
    assert len(months) == 13 and all(one.first == other.following for one, other in pairwise(months))
    assert usage.Month(date(2026, 12, 1)).following == date(2027, 1, 1)
