"""Tests that clauses of stored policies are shown in today's words, which the catalogues translate."""

from __future__ import annotations

import pytest
from django.utils import translation

from apps.safety.policy.defaults import make_default_policy
from apps.safety.policy.former_wording import EARLIER_DEFAULTS, FORMER_WORDING
from apps.safety.policy.schema import hash_policy, parse_policy
from apps.users.i18n import translate_stored


@pytest.mark.parametrize("text", EARLIER_DEFAULTS)
def test_a_stored_clause_that_describes_an_effect_keeps_its_words_and_translation(text: str) -> None:
    today = make_default_policy({})["clauses"]
    assert text not in [row["text"] for row in today]
    assert parse_policy({"clauses": [{**today[0], "text": text}, *today[1:]]}).clauses[today[0]["code"]].text == text
    with translation.override("de"):
        assert translate_stored(text) != text


def test_a_stored_policy_shows_todays_clauses_and_keeps_its_hash() -> None:
    today = make_default_policy({})
    former = {words: old for old, words in FORMER_WORDING.items()}
    rows = [
        {**row, "title": former.get(row["title"], row["title"]), "text": former.get(row["text"], row["text"])}
        for row in today["clauses"]
    ]
    policy = parse_policy(stored := {"clauses": rows})
    assert rows != today["clauses"] and policy.sha256 == hash_policy(stored)
    assert {code: (clause.title, clause.text) for code, clause in policy.clauses.items()} == {
        row["code"]: (row["title"], row["text"]) for row in today["clauses"]
    }
    assert FORMER_WORDING.keys().isdisjoint(FORMER_WORDING.values())


def test_clauses_never_say_that_a_text_is_not_withheld() -> None:
    """A reviewer can withhold a text under any clause, and the notice quotes the clause."""
    assert [row["code"] for row in make_default_policy({})["clauses"] if "not withheld" in row["text"]] == []
