"""Worker killed at any step of an erasure: rows, files, index and free pages of SQLite are clean in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.privacy import killed_eraser

OTHERS = {"DATABASE_URL", "REDIS_URL", "INDEX_BACKEND", "EMBED_MODEL"}  # of the tests, and not of this installation
pytestmark = [pytest.mark.process, pytest.mark.django_db, pytest.mark.slow]


def test_a_worker_killed_in_any_step_leaves_no_word_and_no_wrong_count(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in OTHERS}
    env |= {"DATA_DIR": str(tmp_path / "data"), "TEST_MARKER": str(tmp_path / "reached")}
    env |= {"EMBED_BACKEND": "apps.engines.embed.fake.FakeEmbedder"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.privacy.killed_eraser"],
        cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert {"./openbook.sqlite3"} <= set(found["planted"]) and len(found["planted"]) > 10
    assert found["killed"] == list(killed_eraser.MOMENTS)
    assert (found["status"], found["reason"], found["user"]) == ("done", "", False)
    assert {what: found["counts"].get(what) for what in killed_eraser.EXPECTED} == killed_eraser.EXPECTED
    assert found["left"] == [] and found["files"] == [] and found["segments"] == []
