"""Errors of `./run`: one sentence for the user at the terminal, one exit code for scripts."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `./run`. `docs/reference/exit-codes.md` explains each; a test compares the two."""

    USAGE = 2
    PYTHON = 10
    CPU = 11
    DISK = 12
    PORT = 13
    NETWORK = 14
    PACKAGES = 15
    MODEL = 16
    CONFIGURATION = 17
    TORCH = 18
    MEMORY = 19
    UPGRADE = 20
    LIBRARY = 21
    RUNNING = 22


class BootError(Exception):
    """End the program with `code`. `str()` is one sentence that names the cause and what to do."""

    def __init__(self, code: ExitCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
