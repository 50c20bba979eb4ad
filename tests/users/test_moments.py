"""Moments on pages: recent ones relative, with the exact time on hover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.users.templatetags import moments


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=5), "5\xa0minutes ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=1, hours=4), "1 day ago"),
        (-timedelta(hours=3), "hours from now"),
    ],
)
def test_recent_moments_are_relative(since: timedelta, words: str) -> None:
    at = timezone.now() - since
    made = moments.ago(at)
    assert f"{words}</time>" in made and f'datetime="{at.isoformat(timespec="seconds")}"' in made
    assert 'UTC" data-exact>' in made


def test_older_moments_are_shown_by_their_day() -> None:
    at = datetime(2024, 2, 3, 14, 5, tzinfo=UTC)
    assert ">3 February 2024</time>" in moments.ago(at) and 'title="3 February 2024, 14:05 UTC"' in moments.ago(at)
    assert "data-local>3 February 2024, 14:05 UTC</time>" in moments.moment(at)
    assert moments.ago(None) == "" == moments.moment(None)
