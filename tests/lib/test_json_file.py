"""Tests that JSON files are replaced atomically."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.lib import json_file


def test_json_file_returns_what_was_written_last(tmp_path: Path) -> None:
    path = tmp_path / "said.json"
    for said in ("one", "another"):
        json_file.write_json(path, {"said": said})
    assert json_file.read_json(path) == {"said": "another"}
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


@pytest.mark.parametrize("content", [None, "", '{"said": "o', "[1]", "\udcff"])
def test_unreadable_json_file_is_empty(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "said.json"
    if content is not None:
        path.write_text(content, errors="surrogateescape")
    assert json_file.read_json(path) == {}
