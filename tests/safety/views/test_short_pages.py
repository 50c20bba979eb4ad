"""Pages of review say little where there is little to do."""

from __future__ import annotations

import re

import lxml.html
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


def count_shown_words(page: str) -> int:
    """Return the words of the page's main part outside of closed parts, menus and dialogs."""
    main = lxml.html.fromstring(page).find(".//main")
    assert main is not None
    for part in main.xpath(".//details[not(@open)]/*[not(self::summary)] | .//dialog | .//select | .//template"):
        part.drop_tree()
    return len(re.findall(r"\w[\w’'-]*", main.text_content()))


@pytest.mark.parametrize("address", ["/privacy/", "/review/policy/", "/review/figures/", "/review/log/"])
def test_a_page_of_rules_and_numbers_begins_with_a_few_lines(ada: User, address: str) -> None:
    page = get_page(ada, address)
    assert count_shown_words(page) <= 150
    assert re.search(r"\b[A-Z]{3,}_[A-Z_]+\b", read_main(page)) is None, "variables belong to the server settings"
