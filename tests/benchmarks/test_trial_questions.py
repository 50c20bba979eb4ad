"""The questions of the trial are whole: each can be asked, and is judged by what its line says."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from benchmarks.trust.trial import list_wrong_answers
from benchmarks.trust.trial_documents import read_documents
from benchmarks.trust.trial_questions import Question, read_judgements, read_questions, select_questions

QUESTIONS = read_questions()


def test_trial_has_enough_questions_of_each_kind() -> None:
    kinds = Counter("absent" if item.absent else "talk" if item.talk else "answerable" for item in QUESTIONS)
    assert kinds["answerable"] >= 90 and kinds["absent"] >= 20 and kinds["talk"] >= 10 and kinds.total() >= 120
    assert Counter(item.language for item in QUESTIONS).keys() == {"en", "de", "es"}
    assert len(read_documents()) >= 12


def test_trial_questions_have_unique_ids() -> None:
    lines = Counter(item.id for item in QUESTIONS)
    assert [name for name, count in lines.items() if count > 1] == []


def test_answerable_questions_have_regular_expressions_that_compile() -> None:
    for item in QUESTIONS:
        assert [re.compile(answer) for answer in item.answers] or not item.answerable, item.id


def test_trial_questions_are_about_listed_documents() -> None:
    names = {document.name for document in read_documents()} | {""}
    assert [item.id for item in QUESTIONS if item.document not in names] == []
    assert [item.id for item in QUESTIONS if not item.document and not item.talk] == []


@pytest.mark.parametrize("kind", ["answerable", "absent", "talk"])
def test_the_halves_hold_about_as_many_questions_of_a_kind(kind: str) -> None:
    halves = Counter(item.half for item in QUESTIONS if getattr(item, kind))
    assert abs(halves["tune"] - halves["report"]) <= 0.1 * halves.total()


def test_a_conversation_stays_in_one_half() -> None:
    known = {item.id: item for item in QUESTIONS}
    for item in QUESTIONS:
        if item.follows:
            assert item.half == known[item.follows].half and item.root == known[item.follows].root


def test_a_question_about_a_missing_document_and_its_follow_up_are_not_asked() -> None:
    first = Question("a", "en", "fact", "What?", document="lost.pdf", answers=("x",), root="a")
    second = Question("b", "en", "follow-up", "And?", document="here.pdf", answers=("x",), follows="a", root="a")
    third = Question("c", "en", "fact", "Who?", document="here.pdf", answers=("x",), root="c")
    assert select_questions([first, second, third], ["here.pdf"]) == [third]


def test_an_answer_that_is_not_in_the_document_is_reported() -> None:
    asked = Question("a", "en", "fact", "How many?", document="here.pdf", answers=("seven",), root="a")
    absent = Question("b", "en", "unanswerable", "Who?", document="here.pdf", answers=("Ada",), absent=True, root="b")
    assert list_wrong_answers([asked, absent], {"here.pdf": ["There are seven of them."]}) == []
    assert list_wrong_answers([asked, absent], {"here.pdf": ["Ada counted them."]}) == [
        "a: no answer in here.pdf",
        "b: has an answer in here.pdf",
    ]


def test_an_answer_is_found_whatever_the_spaces_hyphens_and_quotation_marks() -> None:
    asked = Question("a", "en", "fact", "What?", answers=('the environment\'s "tools"',), root="a")
    assert asked.holds("The environ\u00adment\u2019s\n  \u201ctools\u201d")
    assert not asked.holds("The tools of the environment")


def test_trial_judgements_are_about_questions_and_say_right_wrong_or_beside() -> None:
    known = {item.id for item in QUESTIONS}
    for (name, _), verdict in read_judgements().items():
        assert name in known and verdict in {"right", "wrong", "beside"}
