"""Lines of the source list are words, without the dots of contents and the pipes of tables."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.conversations.evidence.source_list import QuoteView, make_snippet, render_quotes
from apps.conversations.rendering.citation_marks import number_sources


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 Introduction ........... 5 2 Methods . . . . . . 7", "1 Introduction · 5 2 Methods · 7"),
        ("| Year | Sum |\n|---|---|\n| 2020 | 5 |", "Year · Sum · 2020 · 5"),
        ("Year | Sum", "Year · Sum"),
        ("Wait... and see. A|B stays.", "Wait... and see. A|B stays."),
        ("Plain words.", "Plain words."),
    ],
)
def test_a_snippet_is_cleaned(text: str, shown: str) -> None:
    assert make_snippet(text, 240) == shown


def test_quotes_mark_the_words_of_the_question_and_escape_the_text() -> None:
    quote = QuoteView(1, "/x/", "The gym <i>costs</i> the office 30 euros for each member.", "Budget", None)
    html = render_quotes(uuid4(), [quote], "How much does the office pay for the gym?", nearest=False)
    assert "The <b>gym</b> &lt;i&gt;costs&lt;/i&gt; the <b>office</b> 30 euros for each member." in html


def test_sources_are_numbered_from_1_by_first_appearance() -> None:
    assert number_sources([7, 3, 7, 9, 3]) == {7: 1, 3: 2, 9: 3}
