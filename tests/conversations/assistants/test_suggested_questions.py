"""The empty page offers questions that the documents can answer."""

from __future__ import annotations

import pytest

from apps.conversations.assistants.suggested_questions import suggest_questions
from apps.users.models import User
from tests.documents.factories import Section, collection, document

pytestmark = pytest.mark.django_db


def test_questions_are_made_of_headings_one_a_document_first(alice: User) -> None:
    place = collection(alice)
    document(place, "Handbook", [Section("Text.", "Handbook › Sick leave"), Section("Text.", "Handbook › VAT rates")])
    document(place, "Travel", [Section("Text.", "Travel › Who pays for trains?")])
    assert suggest_questions(alice, set()) == [
        "Who pays for trains?",
        "What does “Handbook” say about sick leave?",
        "What does “Handbook” say about VAT rates?",
    ]


def test_only_collections_that_are_visible_and_chosen_are_asked_about(alice: User, bob: User) -> None:
    document(collection(alice, "One"), "One", [Section("Text.", "Sick leave")])
    other = collection(alice, "Two")
    document(other, "Two", [Section("Text.", "Holidays")])
    assert suggest_questions(bob, set()) == []
    assert suggest_questions(alice, {other.pk}) == ["What does “Two” say about holidays?"]


def test_documents_without_headings_offer_nothing(alice: User) -> None:
    document(collection(alice), "Notes", ["Only text."])
    assert suggest_questions(alice, set()) == []
