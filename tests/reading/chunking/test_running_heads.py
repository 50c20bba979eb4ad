"""Running heads and page numbers are left out of passages, and nothing else is."""

from __future__ import annotations

from apps.reading.chunking.running_heads import find_running_heads
from apps.reading.parsing.protocol import ParsedPage


def dropped(*texts: str) -> list[list[str]]:
    pages = [ParsedPage(number, text, ()) for number, text in enumerate(texts, start=1)]
    found = find_running_heads(pages)
    return [[page.text[start:end] for start, end in sorted(found[page.number])] for page in pages]


def body(number: int) -> str:
    return "\r\n".join(
        f"Line {word} of page {number} says something of its own." for word in ("one", "two", "six", "ten")
    )


def book(*numbers: int) -> list[str]:
    return [f"ACME Handbook\r\n{body(number)}\r\nPage {number} of 9" for number in numbers]


def test_heads_and_page_numbers_that_come_again_are_furniture() -> None:
    assert dropped(*book(1, 2, 3)) == [["ACME Handbook", f"Page {number} of 9"] for number in (1, 2, 3)]


def test_running_heads_are_kept_in_a_book_of_two_pages() -> None:
    assert dropped(*book(1, 2)) == [[], []]


def test_short_pages_that_differ_by_a_number_keep_their_text() -> None:
    assert dropped(*(f"Page {n}. The same sentence stands here.\r\nAnd a second." for n in (1, 2, 3))) == [[], [], []]


def test_a_head_that_changes_with_the_chapter_is_known_by_its_page_number() -> None:
    names = ("Sea", "Land", "Wind", "Rain", "Snow", "Ice", "Fire", "Dust")
    heads = [f"{number + 12} Of the {names[number // 4]}" for number in range(32)]
    pages = dropped(*(f"{head}\r\n{body(number)}\r\nEnd" for number, head in enumerate(heads, start=1)))
    assert [head for found, head in zip(pages, heads, strict=True) if head not in found] == []


def test_lines_whose_numbers_do_not_count_the_pages_are_kept() -> None:
    steps = {4: "Step 1", 9: "Step 2", 17: "Step 3"}
    pages = dropped(*(f"{steps.get(n, f'Of {n * n} things')}\r\n{body(n)}\r\nEnd" for n in range(1, 33)))
    assert not any("Step" in line for found in pages for line in found)
