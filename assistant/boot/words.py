"""Catalogues of texts, compiled: `.mo` files are made from the committed `.po` files, and are not committed.

`python -m assistant.boot.words`, with the packages there. A compiled file carries the time of what it was made from.
"""

from __future__ import annotations

import os
from pathlib import Path

from assistant.boot.places import ROOT

LOCALE = ROOT / "locale"


def stale() -> list[Path]:
    """The catalogues whose compiled form is missing or of another time."""
    return [path for path in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")) if _time(path.with_suffix(".mo")) != _time(path)]


def compile_all() -> None:
    """Every compiled file is that of its catalogue. Fuzzy and empty entries are left out. Safe to run twice at once."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for path in stale():
        time = _time(path)
        with path.open("rb") as source:
            catalogue = read_po(source)
        made = path.with_suffix(f".{os.getpid()}.tmp")
        with made.open("wb") as target:
            write_mo(target, catalogue)
        os.utime(made, ns=(time, time))
        made.replace(path.with_suffix(".mo"))


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


if __name__ == "__main__":
    compile_all()
