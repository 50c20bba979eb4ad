"""Names of tests begin with their subject, so that a search for the subject finds the test and a log explains it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
_NO_SUBJECT = (
    # pronouns
    r"its?|itself|he|him|his|she|her|they|them|their|we|us|our|you|your|i|me|my|this|that|these|those|what|whatever"
    r"|who|whoever|whom|whose|which|whichever|(some|any|every)(body|one|thing)|nobody|nothing|none"
    # prepositions
    r"|about|above|across|after|against|among|as|at|before|behind|below|beneath|besides?|between|beyond|by|during|for"
    r"|from|in|inside|into|of|off|on|onto|outside|over|since|through|to|towards?|under|until|up|upon|with|within"
    r"|without"
    # adverbs and conjunctions
    r"|again|also|although|always|and|because|but|even|here|how|however|if|instead|neither|never|nor|not|once|or|so"
    r"|sometimes|still|than|then|there|though|too|twice|unless|when|whenever|where|wherever|whether|while|why|yet"
)
# A subject may follow these ("every_list_page_is_paged"); a verb shows that none does ("every_is_paged").
_DETERMINER = r"a|all|an|another|any|both|each|every|few|many|more|most|no|one|only|other|same|some|such|the"
_VERB = r"are|can|cannot|could|does|do|had|has|have|is|may|must|shall|should|was|were|will|would"
_CASE = r"t\d\d_"  # number of a case in docs/security/cases.md
_LACKS_SUBJECT = re.compile(rf"test_({_CASE})?({_NO_SUBJECT}|({_DETERMINER})_({_NO_SUBJECT}|{_VERB}))(_|$)")


def list_tests() -> Iterator[tuple[str, str]]:
    """Yield the place and the name of every function whose name begins with `test_`."""
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield f"{path.relative_to(TESTS)}:{node.lineno}", node.name


def test_names_of_tests_begin_with_their_subject() -> None:
    assert [(place, name) for place, name in list_tests() if _LACKS_SUBJECT.match(name)] == []


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        ("test_they_are_gone_then", True),
        ("test_of_a_question_no_title_keeps_it", True),
        ("test_each_is_listed_by_its_name", True),
        ("test_t61_nothing_of_a_question_is_logged", True),
        ("test_t61_questions_are_not_logged", False),
        ("test_every_list_page_is_paged", False),
        ("test_itemised_lists_are_quoted", False),
        ("test_deleting_a_document_removes_its_passages", False),
    ],
)
def test_name_without_a_subject_is_told_from_one_with_a_subject(name: str, lacking: bool) -> None:
    assert bool(_LACKS_SUBJECT.match(name)) == lacking
