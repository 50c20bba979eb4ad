"""Messages that are brought along keep their order, whatever times a file gives them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from apps.conversations.transfer import conversation_import


def test_imported_messages_have_distinct_moments_in_order() -> None:
    begin, taken = timezone.now(), dict[datetime, datetime]()
    wished = [begin + timedelta(milliseconds=chance % 7) for chance in range(4000)]
    given = [conversation_import._choose_free_moment(moment, taken) for moment in wished]
    assert len(set(given)) == len(given) and max(given) == begin + timedelta(milliseconds=len(given) - 1)
    assert all(moment >= wish for moment, wish in zip(given, wished, strict=True))
    same = given[::7]
    assert same == sorted(same), "of one time the first comes first"
