"""Tests that stored sentences of former releases are replaced by today's, which the catalogues translate."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import translation

from apps.conversations.models import Conversation, Message
from apps.documents.models import Collection, Document
from apps.safety.policy.defaults import make_default_policy
from apps.safety.policy.former_wording import EARLIER_DEFAULTS, FORMER_WORDING
from apps.safety.policy.schema import hash_policy, parse_policy
from apps.safety.policy.user_messages import REVIEW_NOTE
from apps.users.i18n import translate_stored
from apps.users.models import User

migration = import_module("apps.conversations.migrations.0036_stored_sentences_in_todays_words")
review_note = import_module("apps.conversations.migrations.0042_review_note_in_todays_words")
VALUES = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize(("stored", "now"), migration.TODAYS_WORDS.items())
def test_a_sentence_of_a_former_release_becomes_todays_which_is_translated(stored: str, now: str) -> None:
    values = {name: f"v{name}" for name in VALUES.findall(stored)}
    assert VALUES.findall(stored) == VALUES.findall(now)
    converted = migration.convert_text(stored % values if values else stored)
    assert converted == (now % values if values else now)
    if now.startswith("Long texts of this table (memo"):  # note of dBASE tables, a format that is no longer read
        return
    with translation.override("de"):
        today = converted.replace(review_note.FORMER, review_note.TODAY)
        assert translate_stored(today) != today


def test_the_note_about_a_review_is_stored_in_todays_words_after_the_upgrade(alice: User) -> None:
    conversation = Conversation.objects.create(owner=alice)
    row = Message.objects.create(
        conversation=conversation, asked_by=alice, role="user", text="", reason=f"Why\n{review_note.FORMER}"
    )
    review_note.convert_rows(apps, None)
    row.refresh_from_db()
    assert row.reason == f"Why\n{REVIEW_NOTE}"


def test_rows_are_shown_in_todays_words_after_the_upgrade(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tests/upgraded` runs the migration over a whole database, whose columns had other names then."""
    monkeypatch.setattr(migration, "COLUMNS", (("documents", "Document", "note"),))
    collection = Collection.objects.create(name="Boats", owner=alice)
    row = Document.objects.create(
        collection=collection,
        name="a.pptx",
        size=1,
        status=Document.Status.READY,
        note="Hidden slides that were left out: 2.\nA line",
    )
    migration.convert_rows(apps, None)
    row.refresh_from_db()
    assert row.note == "Hidden slides left out: 2.\nA line"


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
