"""Fixtures of the operations tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.operations import first_administrator, model_status


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    """Give each test its own directory for set-up code, uploads and heartbeat."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture(autouse=True)
def _cold() -> None:
    """Forget the status of the chat model."""
    model_status.reset_model_status()


@pytest.fixture
def nobody_yet(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    """Simulate a fresh installation without an administrator."""
    monkeypatch.setattr(first_administrator.seen, "administrator", False)
