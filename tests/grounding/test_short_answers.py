"""An answer of a word or a number stands on what the question asks about, or on what a tool gave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.conversations.core.tool_calls import ToolCallRecord, ToolCallStatus
from apps.conversations.rendering.citation_marks import render_citation_marks
from apps.conversations.tools import result_support
from apps.grounding.citer import Citer, SentenceCitation, is_mostly_unsupported
from tests.factories import make_passage

CRANES = "Crane: Berta; Lifts in tons: 8\nCrane: Gustav; Lifts in tons: 41\nCrane: Olga; Lifts in tons: 3"
HARBOUR = (
    "The crane Gustav was painted green in 1902 and lifts 41 tons. The crane Berta lifts 8 tons.\n\n"
    "The lighthouse keeper is Ines Halloran. The mayor is Rhoda Lind."
)
LIFTS = "How many tons does the crane Gustav lift?"


def cited(question: str, answer: str, text: str = HARBOUR) -> list[SentenceCitation]:
    return Citer(question, {1: make_passage(text)}).cite(0, answer, 0, len(answer))


TRUE = [
    *((text, LIFTS, answer, "41") for text in (HARBOUR, CRANES) for answer in (
        "The answer is: 41.", "The answer is 41 tons.", "It lifts 41.", "41 tons", "Forty-one tons.",
    )),
    (HARBOUR, "Who is the keeper of the lighthouse?", "Ines Halloran.", "Halloran"),
    (HARBOUR, "Who is the lighthouse keeper?", "The answer is Ines Halloran.", "Halloran"),
    (HARBOUR, "What colour was the crane Gustav painted?", "The crane was painted green.", "green"),
    (HARBOUR, "How many tons do the cranes lift?", "Berta: 8 tons.", "8 tons"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "question", "answer", "said"), TRUE)
def test_a_short_answer_stands_on_what_the_question_asks_about(
    text: str, question: str, answer: str, said: str
) -> None:
    (found,) = cited(question, answer, text)
    assert found.source == 1 and said in text[found.source_start : found.source_end]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (LIFTS, "The answer is: 14."),
        (LIFTS, "The answer is: 8."),
        (LIFTS, "3 tons"),
        (LIFTS, "The answer is 1902."),
        (LIFTS, "The answer is 1902 tons."),
        (LIFTS, "The answer is 41%."),
        (LIFTS, "The answer is $41."),
        (LIFTS, "The answer is -41."),
        (LIFTS, "The answer is 41kg."),
        ("Who is the lighthouse keeper?", "Rhoda Lind."),
        ("Who is the lighthouse keeper?", "The answer is Tom Reed."),
        ("Which planet is the largest?", "The answer is: 47."),
    ],
)
@pytest.mark.parametrize("text", [HARBOUR, CRANES])
def test_short_answer_has_no_source_where_it_is_said_of_another_subject(question: str, answer: str, text: str) -> None:
    assert [item.source for item in cited(question, answer, text)] == [None]


LISTED = (
    "2. A resolution needs sponsors.\n3. Developers may sponsor a resolution. [5] See page 7 and section 4.2.\n\n"
    "The committee has five members."
)


@pytest.mark.parametrize("number", ["2", "3", "5", "7", "4.2"])
def test_a_number_that_only_counts_items_notes_pages_or_sections_answers_nothing(number: str) -> None:
    question = "How many developers must sponsor a resolution?"
    assert [item.source for item in cited(question, f"The answer is: {number}", LISTED)] == [None]
    (found,) = cited("How many members has the committee?", "The answer is: 5", LISTED)
    assert found.source == 1


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("Price in euros: 2.50. It is paid at once.", "How many euros is the price?", "The answer is: 2.50"),
        ("Members of the board: 12.", "How many members has the board?", "12"),
        ("You may order 15 pumps at once.", "How many pumps may you order?", "15"),
        ("The index of the book is on page 7.", "On which page is the index of the book?", "7"),
    ],
)
def test_a_number_that_is_asked_for_answers_wherever_it_stands(text: str, question: str, answer: str) -> None:
    assert [item.source for item in cited(question, answer, text)] == [1]


TERMS = (
    "The Project Secretary's term of office is 1 year. The Project Leader appoints delegates and members of the "
    "committee. A developer cannot be appointed to the committee within 12 months after being a member of it."
)


@pytest.mark.parametrize(
    ("question", "answer", "source"),
    [
        ("How many years is the term of a delegate?", "The term of a delegate is 1 year.", None),
        ("How many months is the term of a committee member?", "The term of a committee member is 12 months.", None),
        ("How long is the term of the Project Secretary?", "The term of the Project Secretary is 1 year.", 1),
    ],
)
def test_an_amount_of_one_thing_supports_nothing_about_another(question: str, answer: str, source: int | None) -> None:
    assert [item.source for item in cited(question, answer, TERMS)] == [source]


DEATHS = "Ian Murdock died in December 2015.\n\n6.16.\n\nKristoffer H. Rose died in September 2016."


def test_a_heading_lends_its_name_to_no_other_sentence() -> None:
    citer = Citer("When did Ian Murdock die?", {1: replace(make_passage(DEATHS), heading="Ian Murdock died")})
    assert [citer.cite(0, text, 0, len(text))[0].source for text in ("2015", "2016", "6.16")] == [1, None, None]


def test_the_number_of_the_next_section_is_no_part_of_a_quote() -> None:
    said = "Ian Murdock died in December 2015. 6.16."
    assert [item.source for item in cited("When did Ian Murdock die?", said, DEATHS)] == [None]


FAIR = "The fair, which Rhoda Lind opened in 1902, begins on 2 May and ends on 12 May. It has 41 stands for 300 guests."


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("When does the fair begin?", "The answer is 2 May.", "The answer is 12 May."),
        ("How many stands has the fair?", "41 stands.", "1902 stands."),
        ("How many guests are there for the stands of the fair?", "300.", "1902."),
        ("When was the fair opened?", "The answer is 1902.", "The answer is 12."),
    ],
)
def test_number_beside_the_asked_subject_supports_a_short_answer(question: str, right: str, wrong: str) -> None:
    assert [item.source for item in cited(question, right, FAIR)] == [1]
    assert [item.source for item in cited(question, wrong, FAIR)] == [None]


def call(text: str, **arguments: str) -> ToolCallRecord:
    return ToolCallRecord("1", "calculate", "Calculator", arguments, ToolCallStatus.DONE, text=text)


@pytest.mark.parametrize("answer", ["17 times 23 is 391.", "The result is 391.", "391"])
def test_a_sentence_from_the_result_of_a_tool_names_it(answer: str) -> None:
    nothing = [SentenceCitation(0, 0, len(answer), None, 0, 0, 0.1)]
    found = result_support.attribute_to_tool(nothing, answer, [call("17 * 23 = 391", expression="17 * 23")])
    assert [item.tool for item in found] == ["Calculator"]
    assert found[0].is_verified and not is_mostly_unsupported(found)
    assert render_citation_marks(found, "1") == (
        '<span class="pill tool" title="From the result of a tool: Calculator">Calculator</span>'
    )


@pytest.mark.parametrize(
    "answer", ["The result is 392.", "The result is 391 of 500.", "17 is a prime number.", "It is not 391."]
)
def test_a_sentence_that_says_more_than_the_tool_names_none(answer: str) -> None:
    nothing = [SentenceCitation(0, 0, len(answer), None, 0, 0, 0.1)]
    assert result_support.attribute_to_tool(nothing, answer, [call("17 * 23 = 391", expression="17 * 23")]) == nothing


def test_words_from_the_result_of_a_tool_name_it_and_a_source_comes_first() -> None:
    today = ToolCallRecord(
        "1", "today", "Date and time", {}, ToolCallStatus.DONE, text="Friday, 27 November 2026, 20:10 in London"
    )
    nothing = [SentenceCitation(0, 0, 10, None, 0, 0, 0.1)]
    assert result_support.attribute_to_tool(nothing, "Today is a Friday in London.", [today])[0].tool == "Date and time"
    assert not result_support.attribute_to_tool(nothing, "Bananas are rich in potassium.", [today])[0].tool
    known = [SentenceCitation(0, 0, 10, 2, 0, 5, 0.7)]
    assert result_support.attribute_to_tool(known, "Today is a Friday in London.", [today]) == known


TODAY = ToolCallRecord(
    "1", "today", "Date and time", {}, ToolCallStatus.DONE, text="Friday, 27 November 2026, 20:10 in London"
)
SEVEN = call("3 + 4 = 7", expression="3 + 4")


@pytest.mark.parametrize(
    ("answer", "tool", "named"),
    [
        ("The crane lifts 20 tons.", TODAY, False), ("In 2026 the harbour was closed.", TODAY, False),
        ("There are 7 ships in the harbour.", SEVEN, False), ("Seven ships lie in the harbour.", SEVEN, False),
        ("7", SEVEN, True), ("The answer is: 7.", SEVEN, True), ("The sum is 7.", SEVEN, True),
        ("3 + 4 = 7", SEVEN, True), ("Das Ergebnis ist 7.", SEVEN, True), ("La suma es 7.", SEVEN, True),
        ("The sum of 3 and 4 is 7.", SEVEN, True), ("It is the 27th of November.", TODAY, True),
        ("It is 20:10.", TODAY, True), ("The ships weigh 391 tons.", call("17 * 23 = 391"), True),
        ("It costs 7.5 dollars.", call("15 / 2 = 7.5"), True),
    ],
)  # fmt: skip
def test_small_number_or_year_needs_a_word_that_agrees(answer: str, tool: ToolCallRecord, named: bool) -> None:
    nothing = [SentenceCitation(0, 0, len(answer), None, 0, 0, 0.1)]
    assert bool(result_support.attribute_to_tool(nothing, answer, [tool])[0].tool) == named


def test_the_name_of_a_tool_is_text() -> None:
    assert "<b>" not in render_citation_marks([SentenceCitation(0, 0, 1, None, 0, 0, 0.5, "<b>Tool</b>")], "1")


FLAT = (
    "How long visitors stay in the guest flat, and what they cost, is a question for the office of the guest flat. "
    "A night costs 28 euros."
)


def test_an_answer_to_one_part_of_a_question_speaks_to_it() -> None:
    answer = "A night costs 28 euros."
    (found,) = cited("How long may visitors stay in the guest flat, and what does a night cost?", answer, FLAT)
    assert found.source == 1
    assert [cite.source for cite in cited("How long may visitors stay in the guest flat?", answer, FLAT)] == [None]
