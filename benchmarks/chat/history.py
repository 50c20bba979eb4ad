"""Fixture of the chat benchmark: fills an empty data directory with users and months of conversations. Prints JSON.

    DATA_DIR=… python -m benchmarks.chat.history FOLDER_OF_DATA_SETS CHUNKS USERS MESSAGES

One user has a collection of CHUNKS chunks, a conversation of 2,000 messages, and further ones up to MESSAGES messages
in all. The other users have a session each.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

LONG = 2_000  # messages of the long conversation
_OTHER_MESSAGES = 100  # messages of each of the others


def main(data: Path, chunks: int, user_count: int, messages: int) -> dict[str, Any]:
    """Fill the data directory. Return session keys, the id of the long conversation, questions, and questions by
    paragraph."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from apps.users.models import User
    from benchmarks.lib import fixtures
    from benchmarks.lib.datasets import read_data_set

    data_set = read_data_set(data / "xquad")
    user = User.objects.create_superuser("bench@example.org", uuid4().hex)
    if chunks:
        fixtures.create_collection(user, data_set.texts, chunks)
    exchanges = _make_exchanges(data_set)
    long = _create_conversation(user, "Long", exchanges, min(LONG, messages))
    for number in range((messages - LONG) // _OTHER_MESSAGES):
        _create_conversation(user, f"Conversation {number}", exchanges, _OTHER_MESSAGES)
    other_users = [User.objects.create_user(f"person{number}@example.org") for number in range(user_count)]
    return {
        "session": fixtures.create_session(user),
        "sessions": [fixtures.create_session(other) for other in other_users],
        "long": str(long),
        "questions": [data_set.questions[number] for number in data_set.relevant],
        "paragraphs": _group_questions(data_set),
    }


def _group_questions(data_set: Any) -> list[list[str]]:
    """Return the questions about each paragraph."""
    questions_by_paragraph: dict[str, list[str]] = {}
    for number, texts in data_set.relevant.items():
        questions_by_paragraph.setdefault(next(iter(texts)), []).append(data_set.questions[number])
    return list(questions_by_paragraph.values())


def _make_exchanges(data_set: Any) -> Iterator[tuple[str, str]]:
    """Yield questions with a paragraph that answers each, endlessly; repetitions are made distinct by a number."""
    texts_by_id = {text.id: text.text for text in data_set.texts}
    pairs = [
        (data_set.questions[number], texts_by_id[text]) for number, texts in data_set.relevant.items() for text in texts
    ]
    for number, (question, text) in enumerate(cycle(pairs)):
        yield question, f"{text}\n\n- **Number {number}** of what was said\n- and `one more` point"


def _create_conversation(user: Any, title: str, exchanges: Iterator[tuple[str, str]], messages: int) -> Any:
    """Create a conversation of that many messages and return its key."""
    from datetime import timedelta

    from django.utils import timezone

    from apps.conversations.models import Conversation, Message

    conversation = Conversation.objects.create(owner=user, title=title)
    start, last, rows = timezone.now() - timedelta(days=30), None, list[Message]()
    for question_text, answer_text in islice(exchanges, messages // 2):
        question = Message(conversation=conversation, parent=last, role="user", text=question_text, asked_by=user)
        last = Message(conversation=conversation, parent=question, role="assistant", text=answer_text, asked_by=user)
        rows += [question, last]
    created = Message._meta.get_field("created")
    created.auto_now_add = False  # dates are spread over months
    for number, row in enumerate(rows):
        row.created = start + timedelta(minutes=number)
    Message.objects.bulk_create(rows, batch_size=500)
    created.auto_now_add = True
    return conversation.pk


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))))
