"""Killed at any moment between taking a file and having it indexed: each ends ready, once, and nothing lies about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

pytestmark = [pytest.mark.process, pytest.mark.slow]

KILLS = 30
_OURS = ("DATABASE_URL", "REDIS_URL", "INDEX_BACKEND", "EMBED_MODEL")


def ran(script: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """What that script found, in a data directory of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    own = {"DATA_DIR": str(folder), "EMBED_BACKEND": "apps.engines.embed.fake.FakeEmbedder"}
    done = subprocess.run(
        [sys.executable, "-m", script, *arguments],
        cwd=settings.BASE_DIR, env=kept | own, check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_thirty_kills_at_random_moments_lose_double_and_leave_nothing(tmp_path: Path) -> None:
    found = ran("tests.documents.ingestion.killed_ingestion", tmp_path, str(KILLS))
    assert (found["kills"], found["torn"], found["lost"], found["doubled"], found["left"]) == (KILLS, 0, 0, 0, 0)
    assert found["ready"] >= 4
    assert len(found["stages"]) >= 2, "some were killed at work, at different points of it, or this shows nothing"


@pytest.mark.long
def test_a_worker_of_celery_killed_at_thirty_random_moments_loses_doubles_and_leaves_nothing(tmp_path: Path) -> None:
    """As `./run serve` starts it; its leases run out by the clock."""
    found = ran("tests.documents.ingestion.killed_worker", tmp_path, str(KILLS))
    print(found)
    assert (found["kills"], found["torn"], found["lost"], found["doubled"], found["left"]) == (KILLS, 0, 0, 0, 0)
    assert found["ready"] + found["aside"] == 4 + 8 * KILLS
    assert found["again"] and found["recovered_s"] <= 120, "some were killed at work, and all were taken up soon"
