"""Calibrations that were measured on this site, in a small file of the data directory (`SUPPORT_CALIBRATION`).

Entry points: `find_rates`, `save_rates`, `forget_rates`. `./run calibrate support` writes them; every process reads the
file again once it has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.grounding.calibration.pairs import PAIRS_VERSION
from apps.grounding.calibration.thresholds import LanguageRates, write_rates
from apps.lib.json_file import read_json, write_json
from apps.lib.proportions import Proportion

_lock = threading.Lock()
_read: tuple[tuple[str, int], dict[str, Any]] = (("", 0), {})  # path and time of change, content


def find_rates(key: str) -> Mapping[str, LanguageRates] | None:
    """Return the rates of a check by language; None if it was not calibrated. `key` names check and model."""
    found = _load().get(key)
    if not isinstance(found, dict) or found.get("pairs") != PAIRS_VERSION:
        return None
    return {
        language: LanguageRates(row["threshold"], Proportion(*row["true"]), Proportion(*row["false"]))
        for language, row in found["languages"].items()
    }


def save_rates(key: str, rates: Mapping[str, LanguageRates]) -> None:
    """Store the rates of a check. Raise OSError."""
    with _lock:
        path = _path()
        write_json(path, {**read_json(path), key: {"pairs": PAIRS_VERSION, "languages": write_rates(rates)}})


def forget_rates(key: str) -> None:
    """Remove what is stored of a check, so that it is used as if it was not calibrated. Raise OSError."""
    with _lock:
        path = _path()
        if key in (known := read_json(path)):
            write_json(path, {name: value for name, value in known.items() if name != key})


def _path() -> Path:
    return Path(settings.SUPPORT_CALIBRATION)


def _load() -> dict[str, Any]:
    global _read
    path = _path()
    try:
        mark = str(path), path.stat().st_mtime_ns
    except OSError:
        return {}
    if _read[0] != mark:
        _read = mark, read_json(path)
    return _read[1]
