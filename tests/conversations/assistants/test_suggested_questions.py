"""The empty page offers questions that the documents can answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.conversations.assistants import suggested_questions
from apps.conversations.assistants.suggested_questions import list_candidates, suggest_questions
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.documents.factories import Section, collection, document

pytestmark = pytest.mark.django_db


def listed(user: User, chosen: set[UUID] | None = None) -> list[str]:
    return [candidate.text for candidate in list_candidates(user, chosen or set())]


def test_questions_are_made_of_headings_one_a_document_first(alice: User) -> None:
    place = collection(alice)
    document(place, "Handbook", [Section("Text.", "Handbook › Sick leave"), Section("Text.", "Handbook › VAT rates")])
    document(place, "Travel", [Section("Text.", "Travel › Who pays for trains?")])
    assert listed(alice) == [
        "Who pays for trains?",
        "What does “Handbook” say about “Sick leave”?",
        "What does “Handbook” say about “VAT rates”?",
    ]


@pytest.mark.parametrize(
    "numbered", ["2. Guest flat", "2) Guest flat", "3.1 Guest flat", "4 Guest flat", "§ 5 Guest flat", "IV. Guest flat"]
)
def test_the_number_of_a_heading_is_left_out(alice: User, numbered: str) -> None:
    document(collection(alice), "Rules", [Section("Text.", numbered)])
    assert listed(alice) == ["What does “Rules” say about “Guest flat”?"]


@pytest.mark.parametrize("heading", ["24 hours a day", "3D printing", "Guest flat 2"])
def test_numbers_that_are_part_of_a_heading_stay(alice: User, heading: str) -> None:
    document(collection(alice), "Rules", [Section("Text.", heading)])
    assert listed(alice) == [f"What does “Rules” say about “{heading}”?"]


def test_only_collections_that_are_visible_and_chosen_are_asked_about(alice: User, bob: User) -> None:
    document(collection(alice, "One"), "One", [Section("Text.", "Sick leave")])
    other = collection(alice, "Two")
    document(other, "Two", [Section("Text.", "Holidays")])
    assert listed(bob) == []
    assert listed(alice, {other.pk}) == ["What does “Two” say about “Holidays”?"]


def test_documents_without_headings_offer_nothing(alice: User) -> None:
    document(collection(alice), "Notes", ["Only text."])
    assert listed(alice) == []


@pytest.mark.parametrize(
    "heading",
    ["Contents", "Table of Contents", "Inhaltsverzeichnis", "Anhang B", "3.2", "Subject: Lamp", "Attachments (2)",
     "Methods ........ 12", "ines@example.org"],
)  # fmt: skip
def test_contents_attachments_and_letterheads_offer_nothing(alice: User, heading: str) -> None:
    document(collection(alice), "Notes", [Section("Text.", heading)])
    assert listed(alice) == []


def test_mails_offer_nothing(alice: User) -> None:
    row = document(collection(alice), "Letter", [Section("Text.", "The lamp")])
    type(row).objects.filter(pk=row.pk).update(kind="mail")
    assert listed(alice) == []


@pytest.mark.django_db(transaction=True)
async def test_only_questions_that_the_search_answers_from_their_document_are_offered(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = [Section("Text.", name) for name in ("Holidays", "Sick leave", "Travel", "Canteen", "Parking")]
    row = await in_db(lambda: document(collection(alice), "Rules", sections))
    asked: list[str] = []

    async def search(user: User, question: str, **_: Any) -> Any:
        asked.append(question)
        best = {
            "What does “Rules” say about “Holidays”?": [],
            "What does “Rules” say about “Sick leave”?": [
                SimpleNamespace(document_id=uuid4(), text="Plain words here.")
            ],
        }
        return SimpleNamespace(passages=best.get(question, [SimpleNamespace(document_id=row.pk, text="Plain words.")]))

    monkeypatch.setattr(suggested_questions.search, "search", search)
    expected = [f"What does “Rules” say about “{name}”?" for name in ("Travel", "Canteen", "Parking")]
    assert await suggest_questions(alice, set()) == expected
    assert await suggest_questions(alice, set()) == expected and len(asked) == 5, "tried once an hour"
