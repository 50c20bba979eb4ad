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
_OTHERS = 100  # messages of each of the others


def main(data: Path, chunks: int, people: int, messages: int) -> dict[str, Any]:
    """Fill the data directory. Return session keys, the id of the long conversation, questions, and questions by
    paragraph."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from apps.users.models import User
    from benchmarks.lib import fixtures
    from benchmarks.lib.datasets import read

    asked = read(data / "xquad")
    user = User.objects.create_superuser("bench@example.org", uuid4().hex)
    if chunks:
        fixtures._fill(user, list(asked.texts), chunks)
    talk = _talk(asked)
    long = _conversation(user, "Long", talk, min(LONG, messages))
    for number in range((messages - LONG) // _OTHERS):
        _conversation(user, f"Conversation {number}", talk, _OTHERS)
    others = [User.objects.create_user(f"person{number}@example.org") for number in range(people)]
    return {
        "session": fixtures._session(user),
        "sessions": [fixtures._session(other) for other in others],
        "long": str(long),
        "questions": [asked.questions[number] for number in asked.relevant],
        "paragraphs": _together(asked),
    }


def _together(asked: Any) -> list[list[str]]:
    """Return the questions about each paragraph."""
    found: dict[str, list[str]] = {}
    for number, texts in asked.relevant.items():
        found.setdefault(next(iter(texts)), []).append(asked.questions[number])
    return list(found.values())


def _talk(asked: Any) -> Iterator[tuple[str, str]]:
    """Yield questions with a paragraph that answers each, endlessly; repetitions are made distinct by a number."""
    known = {text.id: text.text for text in asked.texts}
    pairs = [(asked.questions[number], known[text]) for number, texts in asked.relevant.items() for text in texts]
    for number, (question, text) in enumerate(cycle(pairs)):
        yield question, f"{text}\n\n- **Number {number}** of what was said\n- and `one more` point"


def _conversation(user: Any, title: str, talk: Iterator[tuple[str, str]], messages: int) -> Any:
    """Create a conversation of that many messages and return its key."""
    from datetime import timedelta

    from django.utils import timezone

    from apps.conversations.models import Conversation, Message

    place = Conversation.objects.create(owner=user, title=title)
    start, last, rows = timezone.now() - timedelta(days=30), None, list[Message]()
    for asked, said in islice(talk, messages // 2):
        question = Message(conversation=place, parent=last, role="user", text=asked, asked_by=user)
        last = Message(conversation=place, parent=question, role="assistant", text=said, asked_by=user)
        rows += [question, last]
    created = Message._meta.get_field("created")
    created.auto_now_add = False  # dates are spread over months
    for number, row in enumerate(rows):
        row.created = start + timedelta(minutes=number)
    Message.objects.bulk_create(rows, batch_size=500)
    created.auto_now_add = True
    return place.pk


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))))
