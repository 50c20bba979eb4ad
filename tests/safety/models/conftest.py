"""Fixtures of tests of the models of safety."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings

from apps.safety.audit_log import audit


@pytest.fixture
def key_file(db: None, settings: LazySettings, tmp_path: Path) -> Path:
    """Return the path of the snapshot keys, which do not exist yet, beside the triggers of the database."""
    audit.install_triggers()
    path = tmp_path / "keys" / "snapshot_keys"
    settings.SNAPSHOT_KEYS = path
    return path
