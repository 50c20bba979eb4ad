"""The one way in which `./run` gives up: a sentence for a person and an exit code for a script."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Exit codes of `./run`; `docs/operations.md` explains each, and a test compares the two."""

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


class Stop(Exception):
    """Ends the program with `code`; `str()` is one sentence that says what is wrong and what to do."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
