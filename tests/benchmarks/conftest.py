from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.support import prepared_site


class _Begun(tempfile.TemporaryDirectory[str]):
    """A folder of a measurement, in which the tables are made already."""

    def __enter__(self) -> str:
        prepared_site.copy_tables(Path(super().__enter__()))
        return self.name


@pytest.fixture
def tables_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryDirectory", _Begun)
