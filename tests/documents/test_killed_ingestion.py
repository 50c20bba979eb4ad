"""Killed at any moment between taking a file and having it indexed: each ends ready, once, and nothing lies about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.process

KILLS = 30
_OURS = ("DATABASE_URL", "REDIS_URL", "INDEX_BACKEND", "EMBED_MODEL")


def test_thirty_kills_at_random_moments_lose_double_and_leave_nothing(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    own = {"DATA_DIR": str(tmp_path), "EMBED_BACKEND": "apps.engines.embed.fake.FakeEmbed"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.documents.killed_ingestion", str(KILLS)],
        cwd=settings.BASE_DIR, env=kept | own, check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["kills"], found["torn"], found["lost"], found["doubled"], found["left"]) == (KILLS, 0, 0, 0, 0)
    assert found["ready"] >= 4
    assert len(found["stages"]) >= 2, "some were killed at work, at different points of it, or this shows nothing"
