"""Pages of review say little where there is little to do."""

from __future__ import annotations

import re

import pytest

from apps.users.models import User
from tests.factories import get_page

pytestmark = pytest.mark.django_db


def read_main(page: str) -> str:
    return page.split("<main", 1)[1].split("</main>", 1)[0]


def test_an_empty_queue_is_one_sentence_without_controls(morgan: User) -> None:
    main = read_main(get_page(morgan, "/review/"))
    assert "Nothing waits for review." in main
    assert re.findall(r"<(?:button|select|input|a|summary)\b", main) == []


def test_a_queue_with_filters_keeps_its_controls(morgan: User) -> None:
    main = read_main(get_page(morgan, "/review/?show=new&clause=hate"))
    assert "No case in this queue matches the filters." in main and "<select" in main
