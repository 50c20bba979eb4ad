"""Workers killed at any moment of adding and merging: nothing is torn, lost or left over."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.process

KILLS = 20  # `python -m tests.documents.killing 200` kills as often as you like


def test_killed_workers_tear_lose_and_leak_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.documents.killing", str(KILLS)],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["faults"] == []
    assert result["ready"] > 0
    assert result["merges"] > 0  # some were under way, or this shows nothing
