"""The empty page offers questions that documents answer, of those that the user may read."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.conversations.assistants.starter_questions import list_starters
from apps.documents.models import Collection, Document
from apps.users.models import User
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db


def make_asked(collection: Collection, *questions: str) -> Document:
    """Create a document for which these questions were made."""
    row = make_document(collection, "Rules", ["Words."])
    Document.objects.filter(pk=row.pk).update(starters=list(questions))
    return row


def test_each_document_has_one_question_before_any_has_a_second(alice: User) -> None:
    collection = make_collection(alice)
    make_asked(collection, "Old one?", "Old two?")
    make_asked(collection)
    make_asked(collection, "New one?", "New two?")
    assert list_starters(alice, set()) == ["New one?", "Old one?", "New two?"]


def test_the_same_question_is_asked_once(alice: User) -> None:
    collection = make_collection(alice)
    make_asked(collection, "How much does it cost?")
    make_asked(collection, "How much does it cost?")
    assert list_starters(alice, set()) == ["How much does it cost?"]


def test_questions_concern_visible_and_chosen_collections_only(alice: User, bob: User) -> None:
    make_asked(make_collection(alice, "One"), "One?")
    other = make_collection(alice, "Two")
    make_asked(other, "Two?")
    assert list_starters(bob, set()) == []
    assert list_starters(alice, {other.pk}) == ["Two?"]


def test_the_page_of_a_new_chat_shows_them_at_once(alice: User, alice_client: Client) -> None:
    make_asked(make_collection(alice), "Who is responsible for parking?")
    assert "Who is responsible for parking?" in alice_client.get("/").content.decode()
