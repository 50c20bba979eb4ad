"""A reader that a hostile file has taken over reaches its own file and folder, and nothing else of the server."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from apps.lib import os_compat
from apps.reading.sandbox import runner


@pytest.mark.skipif(not os_compat.get_landlock_version(), reason="this system has no Landlock")
def test_a_hijacked_reader_reaches_no_other_file(tmp_path: Path) -> None:
    given, secret = tmp_path / "given.txt", tmp_path / "data" / "openbook.sqlite3"
    secret.parent.mkdir()
    given.write_text("given")
    secret.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        options = {
            "module": "tests.reading.sandbox.hijacked_reader", "secret": str(secret), "port": server.getsockname()[1],
            "pid": os.getpid(),
        }  # fmt: skip
        answers = runner.run_task("read", given, options, seconds=30, memory_bytes=1 << 30)

    found = {answer["name"]: answer["error"] for answer in answers}
    assert {name for name, error in found.items() if not error} <= {"its file", "its folder", "a library", "signal"}
    assert not found["its file"] and not found["its folder"] and not found["a library"]
    assert {found[name] for name in ("read", "write", "remove", "list", "create")} == {"PermissionError"}
    assert found["connect"] in {"PermissionError", "OSError", "ConnectionRefusedError"}
    assert secret.read_text() == "secret" and [path.name for path in secret.parent.iterdir()] == [secret.name]


def test_confinement_of_readers_is_reported_as_it_is() -> None:
    found = runner.probe_confinement()
    assert (found.files_errno == 0) is bool(os_compat.get_landlock_version())
    assert found.tcp_closed is (os_compat.get_landlock_version() >= os_compat.LANDLOCK_TCP)
