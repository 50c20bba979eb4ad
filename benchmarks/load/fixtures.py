"""Fixture of the load benchmark: users with a session each, and one collection that all may read. Prints JSON.

DATA_DIR=… python -m benchmarks.load.fixtures FOLDER_OF_DATA_SETS CHUNKS USERS
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")


def main(data: Path, chunks: int, user_count: int) -> dict[str, Any]:
    """Fill the data directory. Return the session keys, and a question for each user."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.users.models import User
    from benchmarks.lib import fixtures
    from benchmarks.lib.datasets import read_data_set

    data_set = read_data_set(data / "xquad")
    owner = User.objects.create_user("owner@example.org", uuid4().hex)
    collection = fixtures.create_collection(owner, data_set.texts, chunks)
    collection.everyone = True
    collection.save()
    users = [User.objects.create_user(f"user{number}@example.org") for number in range(user_count)]
    questions = [data_set.questions[number] for number in data_set.relevant]
    return {
        "sessions": [fixtures.create_session(user) for user in users],
        "questions": questions[:: max(1, len(questions) // user_count)][:user_count],
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
