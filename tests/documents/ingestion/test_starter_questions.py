"""Questions to begin with are made of indexed documents, tested by the reader, and made anew when the text changes."""

from __future__ import annotations

import pytest

from apps.documents.ingestion import starter_questions
from apps.documents.library.passage_edits import set_enabled
from apps.documents.models import Collection, Document
from apps.users.models import User
from tests.factories import Section, get_reviewer, ingest_file, make_document, redact_document

pytestmark = pytest.mark.django_db
PERMIT = "The parking permit costs 20 euros a month. Ask at the front desk for it, and bring your passport."
DESK = "The facilities team is responsible for parking. It answers calls of all tenants on every working day."


def make_permits(collection: Collection, *texts: str) -> Document:
    row = make_document(collection, "Rules", [Section(text, "Parking") for text in texts or (PERMIT, DESK)])
    Document.objects.filter(pk=row.pk).update(language="en")
    return row


def read_starters(row: Document) -> list[str] | None:
    row.refresh_from_db()
    return row.starters


def test_a_sweep_stores_the_questions_of_each_document_once(collection: Collection) -> None:
    row = make_permits(collection)
    assert read_starters(row) is None
    assert starter_questions.sweep() == 1
    assert set(read_starters(row) or []) == {
        "How much does the parking permit cost?",
        "Who is responsible for parking?",
    }
    assert starter_questions.sweep() == 0, "done"


def test_an_ingested_document_waits_for_its_questions(collection: Collection) -> None:
    row = ingest_file(collection, "rules.md", f"# Rules\n\n## Parking\n\n{PERMIT}\n\n{DESK}\n")
    starter_questions.sweep()
    assert "Who is responsible for parking?" in (read_starters(row) or [])


def test_no_question_is_kept_whose_answer_the_reader_does_not_find(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = make_permits(collection)
    monkeypatch.setattr(starter_questions, "MIN_CHANCE", 0.999)
    starter_questions.sweep()
    assert read_starters(row) == []


def test_documents_without_good_questions_have_none(collection: Collection) -> None:
    row = make_permits(collection, "Only text, which asks for nothing and which answers nothing that a person asks.")
    starter_questions.sweep()
    assert read_starters(row) == []


def test_a_redacted_document_is_asked_about_anew(collection: Collection) -> None:
    row = make_permits(collection)
    starter_questions.sweep()
    redact_document(get_reviewer("morgan"), row, "parking permit")
    assert read_starters(row) is None
    starter_questions.sweep()
    assert "permit" not in str(read_starters(row))


def test_a_passage_that_was_switched_off_is_not_asked_about(collection: Collection, alice: User) -> None:
    row = make_permits(collection)
    starter_questions.sweep()
    set_enabled(alice, row.chunks.get(position=1), enabled=False)
    starter_questions.sweep()
    assert read_starters(row) == ["How much does the parking permit cost?"]


def test_a_document_that_cannot_be_asked_about_stops_no_other(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_permits(collection), make_permits(collection)]
    monkeypatch.setattr(starter_questions, "make_questions", lambda language, sections: 1 / 0)
    assert starter_questions.sweep() == 2 and [read_starters(row) for row in rows] == [[], []]
