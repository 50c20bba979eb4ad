"""Sentences for users are stored by codes with values, and shown in today's words and the reader's language."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.utils import translation

from apps.conversations.models import Conversation, Message
from apps.lib.db.stored_text_field import encode_columns
from apps.lib.text import message_templates, stored_text
from apps.lib.text.stored_text import decode_text, encode_text, read_catalogue
from apps.safety.policy import user_messages
from apps.users.i18n import translate_stored
from apps.users.models import User

VALUES = re.compile(r"%\((\w+)\)s")
FREE = "A reviewer wrote “this”.\n[Not JSON"


def fill(sentence: str) -> str:
    """Return the sentence with a value in each of its places."""
    return sentence % {name: f"v{name}" for name in VALUES.findall(sentence)} if "%(" in sentence else sentence


def read_column(pk: object) -> str:
    """Return what the database holds as the reason of the message."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reason FROM conversations_message WHERE id = %s",
            [Message._meta.pk.get_db_prep_value(pk, connection)],
        )
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize("code", sorted(read_catalogue()))
def test_sentence_is_stored_by_its_code_and_shown_in_german(code: str) -> None:
    text = fill(read_catalogue()[code])
    [line] = json.loads(encode_text(text))
    assert line == code or line[0] == code
    shown = decode_text(encode_text(text))
    assert shown == text
    with translation.override("de"):
        assert translate_stored(shown) != text and translate_stored(shown) == translate_stored(text)


@pytest.mark.parametrize(
    "text", ["", FREE, f"{user_messages.BLOCKLIST_QUESTION}\nNo falcons.\n{user_messages.REVIEW_NOTE}"]
)
def test_text_without_a_code_is_stored_as_it_is(text: str) -> None:
    assert decode_text(encode_text(text)) == text
    assert encode_text("") == ""


@pytest.mark.parametrize("stored", ["Why.", "[1] is no source.", '["no such code"]', "[1]", "[]x"])
def test_text_from_before_the_codes_is_read_as_it_is(stored: str) -> None:
    assert decode_text(stored) == stored


def test_a_reworded_sentence_is_shown_in_its_new_words(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = encode_text(message_templates.PICTURE_CRASHED % {"times": 3})
    new = {**read_catalogue(), "message_templates.picture_crashed": "Crashed %(times)s times."}
    monkeypatch.setattr(stored_text, "read_catalogue", lambda: new)
    assert decode_text(stored) == "Crashed 3 times."


@pytest.mark.django_db
def test_a_row_holds_the_code_and_is_found_by_the_text(alice: User) -> None:
    text = f"{user_messages.WITHHELD_QUESTION}\n{user_messages.REVIEW_NOTE}"
    conversation = Conversation.objects.create(owner=alice)
    row = Message.objects.create(conversation=conversation, asked_by=alice, role="assistant", reason=text)
    assert json.loads(read_column(row.pk)) == ["user_messages.withheld_question", "user_messages.review_note"]
    assert Message.objects.filter(reason=text).values_list("reason", flat=True).get() == text
    assert not Message.objects.filter(reason="").exists()


@pytest.mark.django_db
def test_the_migration_gives_stored_sentences_their_codes(alice: User) -> None:
    conversation = Conversation.objects.create(owner=alice)
    rows = [Message.objects.create(conversation=conversation, asked_by=alice, role="assistant") for _ in range(2)]
    for row, text in zip(rows, (user_messages.REVIEW_NOTE, FREE), strict=True):
        with connection.cursor() as cursor:
            key = Message._meta.pk.get_db_prep_value(row.pk, connection)
            cursor.execute("UPDATE conversations_message SET reason = %s WHERE id = %s", [text, key])
    encode_columns(Message, "reason")
    assert json.loads(read_column(rows[0].pk)) == ["user_messages.review_note"]
    assert Message.objects.get(pk=rows[1].pk).reason == FREE and read_column(rows[1].pk) != FREE
