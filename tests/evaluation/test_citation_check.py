"""Citation check: a citation counts as wrong unless its source is the expected place."""

from __future__ import annotations

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from apps.documents.models import Chunk, Collection
from apps.engines.chat.fake import FakeChat
from apps.evaluation.golden_questions.citation_check import CitedLocation, check_citations, judge_citations
from apps.evaluation.golden_questions.measures import ExpectedLocation
from apps.evaluation.models import GoldenQuestion
from apps.users.models import User
from tests.factories import make_golden_question

QUESTION = "How long do workers of a honey bee colony live in summer?"
RIGHT = "Workers live about six weeks in summer."


def add(handbook: Collection, *, title: str, expected_words: str) -> GoldenQuestion:
    chunk = Chunk.objects.select_related("document").get(document__title=title)
    return make_golden_question(handbook, QUESTION, chunk=chunk, expected_words=expected_words)


@pytest.mark.django_db(transaction=True)  # searches read in threads of their own
def test_a_pill_with_the_expected_source_is_right(handbook: Collection, chat: FakeChat) -> None:
    chat.replies.append(RIGHT)
    check = check_citations(add(handbook, title="Bees", expected_words="six weeks"))
    assert (check.sentences, check.wrong, check.missing) == ((RIGHT,), (), ())
    assert check.model == chat.name


@pytest.mark.django_db(transaction=True)
def test_a_pill_with_another_source_is_counted_and_shown(handbook: Collection, chat: FakeChat) -> None:
    chat.replies.append(RIGHT)
    add(handbook, title="Wasps", expected_words="paper")
    said = StringIO()
    call_command("check_citations", stdout=said)
    assert f"wrong source: {QUESTION}\n  {RIGHT}" in said.getvalue()
    assert f"without paper: {QUESTION}" in said.getvalue()
    assert "1 sentences with a source, 1 of them wrong (100.0%)." in said.getvalue()


@pytest.mark.django_db
def test_citation_check_refuses_to_run_without_golden_questions(alice: User) -> None:
    with pytest.raises(CommandError, match="no golden questions"):
        call_command("check_citations")


def test_a_sentence_is_right_where_any_of_its_sources_is() -> None:
    book = uuid4()
    places = [
        CitedLocation("Six weeks.", book, 1, False), CitedLocation("Six weeks.", book, 2, True),
        CitedLocation("Paper.", book, 3, False),
    ]  # fmt: skip
    check = judge_citations(places, ExpectedLocation(words=("six weeks", "queen")))
    assert (check.sentences, check.wrong, check.missing) == (("Six weeks.", "Paper."), (places[2],), ("queen",))
    assert judge_citations([], ExpectedLocation(words=("queen",))).missing == ()
