"""Documents that are added to a full disk: each is ready and whole, or waits and says why, and goes on by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from tests.support.tiny_disk import tiny_disk

pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with tiny_disk(tmp_path_factory.mktemp("full") / "tiny", 16_384) as disk:
        env = {
            **os.environ,
            "DATA_DIR": str(disk.path),
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "assistant.settings",
            "INDEX_BACKEND": "local",
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.documents.ingestion.full_disk"],
            cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_a_full_disk_shows_nothing_half_and_needs_no_restart(result: dict[str, Any]) -> None:
    assert all(step["sound"] and step["ready"] == step["found"] for step in result["told"])
    assert result["told"][0]["ready"] == 1
    assert result["told"][-1]["ready"] < len(result["told"])
    assert all("full" in reason for reason in result["reasons"])
    # Where not even the row of the document could be written, it stays as it was and gives no reason.
    assert result["reasons"] or any("working" in step["states"] for step in result["told"])
    count = len(result["told"])
    assert result["end"] == {"sound": True, "ready": count, "found": count, "states": ["ready"]}
    assert result["left"] == 0


def test_a_merge_on_a_full_disk_leaves_what_was_there_until_there_is_space(result: dict[str, Any]) -> None:
    merges = result["merges"]
    assert all(step["sound"] and step["found"] == len(result["told"]) for step in merges)
    assert merges[0]["segments"] == len(result["told"])
    assert merges[-1]["segments"] == result["segments"] == 1
