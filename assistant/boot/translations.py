"""Compiler of translation catalogues: `.mo` files are made from the committed `.po` files and are not committed.

`python -m assistant.boot.translations` compiles stale ones, inside the environment. A compiled file carries the
modification time of its source.
"""

from __future__ import annotations

import os
from pathlib import Path

from assistant.boot.layout import find_resource

LOCALE = find_resource("locale")


def find_stale() -> list[Path]:
    """Return the catalogues whose compiled file is missing or has another modification time."""
    found = sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))
    return [path for path in found if _read_time(path.with_suffix(".mo")) != _read_time(path)]


def compile_all() -> None:
    """Compile every stale catalogue, without fuzzy and empty entries. Safe to run twice at once."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for path in find_stale():
        time = _read_time(path)
        with path.open("rb") as source:
            catalogue = read_po(source)
        made = path.with_suffix(f".{os.getpid()}.tmp")
        with made.open("wb") as target:
            write_mo(target, catalogue)
        os.utime(made, ns=(time, time))
        made.replace(path.with_suffix(".mo"))


def _read_time(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


if __name__ == "__main__":
    compile_all()
