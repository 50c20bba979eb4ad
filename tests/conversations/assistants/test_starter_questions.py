"""The empty page offers questions that the documents can answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.conversations.assistants import starter_questions
from apps.conversations.assistants.starter_questions import list_candidates, suggest_questions
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import Section, make_collection, make_document

pytestmark = pytest.mark.django_db


def about(heading: str) -> str:
    """Return two sentences that use the words of the heading."""
    return (
        f"What the house has decided about {heading} is written here for all who live in it. "
        f"Questions about {heading} are answered by the caretaker, who is in the office from Monday to Friday. "
        "He has the keys of all rooms too, also at the weekend."
    )


def section(heading: str) -> Section:
    return Section(about(heading), heading)


def listed(user: User, chosen: set[UUID] | None = None) -> list[str]:
    return [candidate.text for candidate in list_candidates(user, chosen or set())]


def test_questions_are_made_of_headings_one_a_document_first(alice: User) -> None:
    collection = make_collection(alice)
    make_document(collection, "Handbook", [section("Handbook › Sick leave"), section("Handbook › VAT rates")])
    make_document(collection, "Travel", [section("Travel › Who pays for trains?")])
    assert listed(alice) == [
        "Who pays for trains?",
        "What does “Handbook” say about “Sick leave”?",
        "What does “Handbook” say about “VAT rates”?",
    ]


@pytest.mark.parametrize(
    "numbered",
    [
        "2. Guest flat",
        "2) Guest flat",
        "3.1 Guest flat",
        "4 Guest flat",
        "§ 5 Guest flat",
        "IV. Guest flat",
        "Part II: Guest flat",
    ],
)
def test_the_number_of_a_heading_is_left_out(alice: User, numbered: str) -> None:
    make_document(make_collection(alice), "Rules", [section(numbered)])
    assert listed(alice) == ["What does “Rules” say about “Guest flat”?"]


@pytest.mark.parametrize("heading", ["24 hours a day", "3D printing", "Guest flat 2"])
def test_numbers_that_are_part_of_a_heading_stay(alice: User, heading: str) -> None:
    make_document(make_collection(alice), "Rules", [section(heading)])
    assert listed(alice) == [f"What does “Rules” say about “{heading}”?"]


def test_starter_questions_concern_visible_and_chosen_collections_only(alice: User, bob: User) -> None:
    make_document(make_collection(alice, "One"), "One", [section("Sick leave")])
    other = make_collection(alice, "Two")
    make_document(other, "Two", [section("Holidays")])
    assert listed(bob) == []
    assert listed(alice, {other.pk}) == ["What does “Two” say about “Holidays”?"]


def test_newer_documents_without_headings_hide_no_older_one(alice: User) -> None:
    collection = make_collection(alice)
    make_document(collection, "Rules", [section("Guest flat")])
    for number in range(6):
        make_document(collection, f"Notes {number}", ["Only text."])
    assert listed(alice) == ["What does “Rules” say about “Guest flat”?"]


def test_documents_without_headings_offer_nothing(alice: User) -> None:
    make_document(make_collection(alice), "Notes", ["Only text."])
    assert listed(alice) == []


@pytest.mark.parametrize(
    "heading",
    ["Contents", "Table of Contents", "Inhaltsverzeichnis", "Anhang B", "3.2", "Subject: Lamp", "Attachments (2)",
     "Methods ........ 12", "ines@example.org", "SYNOPSIS", "1910s–1950s", "/var/lock : Lock files 5.9.1. Purpose"],
)  # fmt: skip
def test_contents_attachments_and_letterheads_offer_nothing(alice: User, heading: str) -> None:
    make_document(make_collection(alice), "Notes", [section(heading)])
    assert listed(alice) == []


@pytest.mark.parametrize("kind", ["mail", "sheet", "code"])
def test_mails_sheets_and_code_offer_nothing(alice: User, kind: str) -> None:
    row = make_document(make_collection(alice), "Letter", [section("The lamp")])
    type(row).objects.filter(pk=row.pk).update(kind=kind)
    assert listed(alice) == []


@pytest.mark.parametrize(
    "text",
    [
        "The lamp. " * 30,  # a list
        "Everything else that the house has decided is written down on these pages for all. " * 3,  # of something else
        "The lamp is at the door.",
    ],
)
def test_a_heading_offers_something_only_above_prose_that_uses_its_words(alice: User, text: str) -> None:
    make_document(make_collection(alice), "Letter", [Section(text, "The lamp")])
    assert listed(alice) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Rules › Guest flat", "Ask for the key of the guest flat in the office, which is open from Monday to Friday."),
        (
            "Parental leave › Part time",
            "During parental leave an employee may work 15 hours. They are agreed with her manager.",
        ),
    ],
)
def test_a_short_section_offers_something_if_it_is_a_sentence_on_the_subject(alice: User, path: str, text: str) -> None:
    make_document(make_collection(alice), "Rules", [Section(text, path)])
    assert listed(alice) == [f"What does “Rules” say about “{path.split(' › ')[1]}”?"]


def test_sections_that_use_all_words_of_their_heading_come_first(alice: User) -> None:
    make_document(make_collection(alice), "Rules", [Section(about("Leave"), "Unpaid leave"), section("Garden")])
    assert listed(alice) == ["What does “Rules” say about “Garden”?", "What does “Rules” say about “Unpaid leave”?"]


def test_the_name_of_the_document_is_no_question_and_is_shown_without_its_site(alice: User) -> None:
    make_document(make_collection(alice), "Duck - Wikipedia", [section("Duck"), section("Feeding habits")])
    assert listed(alice) == ["What does “Duck” say about “Feeding habits”?"]


def test_capitals_are_shown_as_a_sentence(alice: User) -> None:
    make_document(make_collection(alice), "Manual", [section("COMMIT MESSAGES")])
    assert listed(alice) == ["What does “Manual” say about “Commit messages”?"]


@pytest.mark.django_db(transaction=True)
async def test_starter_questions_are_those_that_search_answers_from_their_section(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = [section(name) for name in ("Holidays", "Sick leave", "Travel", "Canteen", "Parking", "Laundry")]
    row = await in_db(lambda: make_document(make_collection(alice), "Rules", sections))
    asked: list[str] = []

    async def search(user: User, question: str, **_: Any) -> Any:
        asked.append(question)
        best = {
            "What does “Rules” say about “Holidays”?": [],
            "What does “Rules” say about “Sick leave”?": [
                SimpleNamespace(document_id=uuid4(), heading="Sick leave", text="Plain words here.")
            ],
            "What does “Rules” say about “Travel”?": [
                SimpleNamespace(document_id=row.pk, heading="Rules › Canteen", text="Plain words here.")
            ],
        }
        heading = question.split("“")[-1].rstrip("”?")
        found = SimpleNamespace(document_id=row.pk, heading=f"Rules › {heading}", text="Plain words.")
        return SimpleNamespace(passages=best.get(question, [found]))

    monkeypatch.setattr(starter_questions.search, "search", search)
    expected = [f"What does “Rules” say about “{name}”?" for name in ("Canteen", "Parking", "Laundry")]
    assert await suggest_questions(alice, set()) == expected
    assert await suggest_questions(alice, set()) == expected and len(asked) == 6, "tried once an hour"
