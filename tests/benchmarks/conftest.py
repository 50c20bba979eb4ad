from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests import migrated


class _Begun(tempfile.TemporaryDirectory[str]):
    """A folder of a measurement, in which the tables are made already."""

    def __enter__(self) -> str:
        migrated.tables(Path(super().__enter__()))
        return self.name


@pytest.fixture
def tables_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryDirectory", _Begun)
