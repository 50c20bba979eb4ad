"""Workers killed at any moment of adding and merging: nothing is torn, lost or left over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from benchmarks.command import Command

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("tables_there"), pytest.mark.slow]

KILLS = 20  # `./run bench index` kills 200


def test_killed_workers_tear_lose_and_leak_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "numbers.json"
    call_command(Command(), "index", "--sizes", "--kills", str(KILLS), "--data", str(tmp_path), "--json", str(file))

    found = json.loads(file.read_text())
    assert (found["kills"], found["torn"], found["lost"], found["leaked"]) == (KILLS, 0, 0, 0)
    assert f"{KILLS} kills in commit and merge: 0 torn, 0 lost, 0 leaked" in capsys.readouterr().out
    assert found["kill_documents"] > 0
    assert found["kill_merges"] > 0  # some were under way, or this shows nothing
