"""Process that draws the queued pictures of a test's database until none waits.

With TEST_PAUSE it hangs after the first file is stored, until it is killed.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

import django
from django.conf import settings

settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
settings.MEDIA_ROOT = os.environ["TEST_MEDIA"]
settings.DATA_DIR = Path(os.environ["TEST_MEDIA"]).parent
django.setup()

from apps.images.generation import scheduler, worker  # noqa: E402

_release = worker.leases.release


def _hanging(*args: Any, **changes: Any) -> bool:
    """Hang when the file is on disk but its row is not ready, while the next picture is in the model."""
    Path(os.environ["TEST_MARKER"]).touch()
    time.sleep(600)
    return _release(*args, **changes)


if os.environ.get("TEST_PAUSE"):
    worker.leases.release = _hanging

scheduler.draw_waiting()
