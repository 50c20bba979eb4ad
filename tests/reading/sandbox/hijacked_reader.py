"""Module for the sandbox task "read" that acts like a hijacked parser: it tries what the sandbox must prevent."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def read(path: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the result of each attempt: "" if it succeeded, else the name of the error."""
    secret = Path(options["secret"])

    def connect() -> None:
        socket.create_connection(("127.0.0.1", options["port"]), timeout=5).close()

    attempts: dict[str, Callable[[], object]] = {
        "its file": lambda: Path(path).read_bytes(),
        "its folder": lambda: Path("own").write_text("temporary"),
        "a library": lambda: next(Path("/usr").iterdir()),
        "read": secret.read_bytes,
        "write": lambda: secret.write_text("changed"),
        "remove": secret.unlink,
        "list": lambda: os.listdir(secret.parent),  # noqa: PTH208
        "create": lambda: (secret.parent / "new").write_text("new"),
        "connect": connect,
        "signal": lambda: os.kill(options["pid"], signal.SIGCONT),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError as error:
            yield {"name": name, "error": type(error).__name__}
        else:
            yield {"name": name, "error": ""}
