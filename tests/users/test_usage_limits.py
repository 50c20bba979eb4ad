"""Limits of questions and tokens by model and group: whom they stop, what they count, their page and the log."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from apps.safety.models import AuditEntry
from apps.safety.views import audit_log_rows
from apps.users import usage, usage_limits
from apps.users.models import UsageDay, UsageLimit, User
from apps.users.rate_limits import RateLimited
from tests.factories import make_client
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db
PAGE = "/people/limits/usage/"
BIG, SMALL = "big-70B", "small-1B"
KIND = {"group": None, "model": "", "figure": "questions", "period": "day", "shared": False}


@pytest.fixture
def finance(alice: User, bob: User) -> Group:
    group = Group.objects.create(name="Finance")
    group.user_set.add(alice, bob)
    return group


def is_stopped(user: User, model: str = BIG) -> bool:
    try:
        usage_limits.check_usage(user, model)
    except RateLimited:
        return True
    return False


def test_limit_of_each_user_stops_the_one_who_used_it_up(alice: User, bob: User, ada: User) -> None:
    usage_limits.set_limit(ada, **KIND, amount=2)
    usage.record_usage(alice, BIG, questions=2)
    assert is_stopped(alice) and is_stopped(alice, SMALL) and is_stopped(alice, "") and not is_stopped(bob)


def test_limit_of_a_model_leaves_the_others_free(alice: User, ada: User) -> None:
    usage_limits.set_limit(ada, **KIND | {"model": BIG, "figure": "tokens", "amount": 1_000})
    usage.record_usage(alice, SMALL, questions=1, tokens=5_000)
    assert not is_stopped(alice)
    usage.record_usage(alice, BIG, questions=1, tokens=1_000)
    assert is_stopped(alice) and not is_stopped(alice, SMALL) and not is_stopped(alice, "")
    with pytest.raises(RateLimited) as caught:
        usage_limits.check_usage(alice, BIG)
    words = str(caught.value)
    assert "reached your limit of 1,000 tokens per day" in words and BIG in words and "00:00 UTC" in words
    assert 0 < caught.value.retry_s <= 86_400


def test_shared_limit_of_a_group_counts_all_its_members_and_nobody_else(
    finance: Group, alice: User, bob: User, morgan: User, ada: User
) -> None:
    usage_limits.set_limit(ada, **KIND | {"group": finance, "shared": True, "amount": 3})
    usage.record_usage(morgan, BIG, questions=50)
    usage.record_usage(alice, BIG, questions=2)
    assert not is_stopped(bob)
    usage.record_usage(alice, SMALL, questions=1)
    assert is_stopped(bob) and is_stopped(alice) and not is_stopped(morgan)
    with pytest.raises(RateLimited, match="The group Finance has reached its limit of 3 questions per day"):
        usage_limits.check_usage(bob, BIG)
    finance.user_set.remove(bob)
    assert not is_stopped(bob)


def test_each_member_of_a_group_has_a_limit_of_their_own(finance: Group, alice: User, bob: User, ada: User) -> None:
    usage_limits.set_limit(ada, **KIND | {"group": finance, "amount": 1})
    usage.record_usage(alice, BIG, questions=1)
    assert is_stopped(alice) and not is_stopped(bob)


def test_a_day_counts_today_and_a_month_since_its_first(
    alice: User, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = timezone.now().replace(month=5, day=20, hour=12)
    monkeypatch.setattr(timezone, "now", lambda: noon)
    today = noon.date()
    for day, questions in ((today, 1), (today.replace(day=1), 4), (today.replace(day=1) - timedelta(days=1), 90)):
        UsageDay.objects.create(user=alice, day=day, model=BIG, questions=questions)
    usage_limits.set_limit(ada, **KIND, amount=2)
    month = usage_limits.set_limit(ada, **KIND | {"period": "month", "amount": 6})
    assert not is_stopped(alice)
    usage_limits.set_limit(ada, **KIND | {"period": "month", "amount": 5})
    month.refresh_from_db()
    assert month.amount == 5 and UsageLimit.objects.count() == 2
    with pytest.raises(RateLimited, match=r"again on (June 1|1 June)") as caught:
        usage_limits.check_usage(alice, BIG)
    assert caught.value.retry_s == 11 * 86_400 + 43_200 - noon.minute * 60 - noon.second + int(noon.microsecond == 0)


def test_zero_forbids_a_model(finance: Group, alice: User, morgan: User, ada: User) -> None:
    usage_limits.set_limit(ada, **KIND | {"group": finance, "model": BIG, "amount": 0})
    assert is_stopped(alice) and not is_stopped(alice, SMALL) and not is_stopped(morgan)


def test_limit_of_all_users_together_counts_everyone(alice: User, bob: User, ada: User) -> None:
    usage_limits.set_limit(ada, **KIND | {"shared": True, "figure": "tokens", "amount": 100})
    usage.record_usage(alice, BIG, tokens=60)
    usage.record_usage(bob, SMALL, tokens=40)
    with pytest.raises(RateLimited, match="All users together"):
        usage_limits.check_usage(ada, BIG)


def test_no_limit_needs_no_query(alice: User, django_assert_num_queries) -> None:
    usage_limits.check_usage(alice, BIG)  # reads the limits
    with django_assert_num_queries(0):
        usage_limits.check_usage(alice, BIG)


def test_only_administrators_set_and_remove_limits(alice: User, morgan: User, ada: User) -> None:
    row = usage_limits.set_limit(ada, **KIND, amount=2)
    for user in (alice, morgan):
        with pytest.raises(PermissionDenied):
            usage_limits.set_limit(user, **KIND, amount=9)
        with pytest.raises(PermissionDenied):
            usage_limits.remove_limit(user, row)
        assert make_client(user).get(PAGE).status_code in (403, 404)
        assert make_client(user).post(f"{PAGE}{row.pk}/remove/").status_code in (403, 404)
    assert UsageLimit.objects.get().amount == 2


def test_page_sets_shows_and_removes_a_limit(as_ada: Client, finance: Group, alice: User) -> None:
    usage.record_usage(alice, BIG, questions=3, tokens=900)
    given = {"group": finance.pk, "model": BIG, "amount": 800, "figure": "tokens", "period": "month", "shared": "each"}
    assert as_ada.post(PAGE, given).status_code == 302
    row = UsageLimit.objects.get()
    assert (row.group, row.model, row.amount, row.shared) == (finance, BIG, 800, False)
    for page in (PAGE, "/people/usage/"):
        shown = strip_layout(as_ada.get(page).content.decode())
        assert "800 tokens per month" in shown and "1 user reached it" in shown and BIG in shown, page
    own = strip_layout(make_client(alice).get("/limits/").content.decode())
    assert "800 tokens per month" in own and "reached" in own and "Remove" not in own
    assert as_ada.post(f"{PAGE}{row.pk}/remove/").status_code == 302
    assert not UsageLimit.objects.exists() and "no such limit" in as_ada.get(PAGE).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"amount": -1}, {"amount": ""}, {"model": "none"}, {"figure": "files"}, {"period": "hour"}, {"group": 9999}],
)
def test_nonsense_sets_no_limit(as_ada: Client, wrong: dict[str, object]) -> None:
    given = {"group": "", "model": "", "amount": 5, "figure": "tokens", "period": "day", "shared": "shared", **wrong}
    response = as_ada.post(PAGE, given)
    assert response.status_code == 400 and 'role="alert"' in response.content.decode()
    assert not UsageLimit.objects.exists()


def test_log_says_what_was_allowed_before_and_after(ada: User, finance: Group) -> None:
    kind = KIND | {"group": finance, "model": BIG, "figure": "tokens", "period": "month", "shared": True}
    usage_limits.set_limit(ada, **kind, amount=100_000)
    usage_limits.remove_limit(ada, usage_limits.set_limit(ada, **kind, amount=200_000))
    rows = audit_log_rows.make_rows(AuditEntry.objects.filter(kind="limit.changed").order_by("seq"))
    assert [dict(row.details).get("After") for row in rows] == [
        "100,000 tokens per month",
        "200,000 tokens per month",
        None,
    ]
    assert dict(rows[1].details)["Before"] == "100,000 tokens per month"
    assert rows[0].subject == "Model tokens, group Finance" and dict(rows[0].details)["Model"] == BIG


def test_deleting_a_group_removes_its_limits(finance: Group, alice: User, ada: User) -> None:
    usage_limits.set_limit(ada, **KIND | {"group": finance, "amount": 0})
    assert is_stopped(alice)
    finance.delete()
    usage_limits.clear_limit_cache()
    assert not is_stopped(alice) and not UsageLimit.objects.exists()


def test_chat_models_are_offered_with_the_name_that_users_see(as_ada: Client, settings) -> None:
    shown = as_ada.get(PAGE).content.decode()
    assert re.search(r'<option value="fake-1B">\s*fake-1B\s*</option>', shown)
