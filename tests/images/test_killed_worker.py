"""Worker killed while it stores one picture and draws another: both are drawn again, and no half-stored file stays."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as live
from django.db import connection

from apps.engines.image.fake import FakePainter
from apps.images.generation import scheduler
from apps.images.models import Picture
from apps.images.requests import submission
from apps.images.requests.submission import PictureRequest
from apps.users.models import User

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True), pytest.mark.slow]
START_S = 180


def draws(folder: Path, pause: str) -> subprocess.Popen[bytes]:
    own: dict[str, Any] = {
        "TEST_DATABASE": str(connection.settings_dict["NAME"]), "TEST_MEDIA": str(folder / "media"),
        "TEST_MARKER": str(folder / "there"), "TEST_PAUSE": pause,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "tests.images.slow_painter"], cwd=live.BASE_DIR, env=os.environ | own
    )


def test_killed_between_file_and_row_with_the_next_in_the_model(
    alice: User, painter: FakePainter, tmp_path: Path, settings: LazySettings
) -> None:
    submission.request_pictures(alice, PictureRequest("A red cat", seed=1, count=3))
    process = draws(tmp_path, "storing")
    until = time.monotonic() + START_S
    while not (tmp_path / "there").exists() or Picture.objects.filter(status="working").count() < 2:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    files = list((Path(settings.MEDIA_ROOT) / "pictures").iterdir())
    assert files, "it was killed with a file on the disk"
    assert sorted(Picture.objects.values_list("status", flat=True)) == ["queued", "working", "working"]
    assert not Picture.objects.exclude(file="").exists(), "that nobody sees"

    Picture.objects.exclude(lease_token="").update(lease_until="2020-01-01T00:00Z")  # the minute has passed
    assert scheduler.sweep_queue() == 2
    assert draws(tmp_path, "").wait(START_S) == 0
    rows = list(Picture.objects.order_by("seed"))
    assert [(row.status, row.attempts) for row in rows] == [("ready", 2), ("ready", 2), ("ready", 1)]
    for row in rows:
        assert hashlib.sha256(Path(row.file.path).read_bytes()).hexdigest() == row.sha256
