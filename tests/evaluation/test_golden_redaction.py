"""Redacting a document also redacts the quotes of golden questions about it."""

from __future__ import annotations

import pytest

from apps.documents.models import Document, Page
from apps.evaluation.models import AnswerRun, GoldenQuestion, WrongCitation
from apps.lib.text.text_normalization import normalize_text
from apps.users.models import User
from tests.factories import SECRET, SECRET_TEXT, make_collection, make_secret_document, redact_document, revert_decision

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def document(alice: User) -> Document:
    return make_secret_document(make_collection(alice))


@pytest.mark.parametrize("short", [0, 9])
def test_the_beginning_of_its_passage_loses_it_and_has_it_again(morgan: User, document: Document, short: int) -> None:
    text = Page.objects.get(document=document, number=1).text
    start = text.index("Boats are")
    quote = normalize_text(text[start:])
    quote = quote[: quote.index(SECRET) + len(SECRET) - short]  # it may end within
    span = {"page_number": 1, "char_start": start, "char_end": len(text)}
    row = GoldenQuestion.objects.create(
        collection=document.collection, text="Who?", document=document, quote=quote, added_by=morgan, **span
    )
    decision = redact_document(morgan, document)
    row.refresh_from_db()
    assert "Quixotrine" not in row.quote and row.quote.startswith("Boats are moored") and len(row.quote) == len(quote)
    revert_decision(decision, morgan)
    row.refresh_from_db()
    assert row.quote == quote


def test_a_sentence_of_a_check_of_answers_loses_it(morgan: User, document: Document) -> None:
    question = GoldenQuestion.objects.create(
        collection=document.collection, text="Who?", expected_words="wall", added_by=morgan
    )
    run = AnswerRun.objects.create(collection=document.collection, status="done")
    row = WrongCitation.objects.create(
        run=run, question=question, sentence=SECRET_TEXT, document=document, page_number=1
    )
    redact_document(morgan, document)
    row.refresh_from_db()
    assert "Quixotrine" not in row.sentence and row.sentence.startswith("Boats are moored")
