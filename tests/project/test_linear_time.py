"""Every function that takes only text reads 64 KB of hostile repeats within a second of processor time."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

pytestmark = pytest.mark.slow
SIZE = 64 * 1024  # characters
MAX_S = 1.0  # seconds of processor time
PACKAGES = (
    "apps.lib.text", "apps.safety.text", "apps.safety.detectors", "apps.grounding", "apps.conversations.core",
    "apps.conversations.rendering", "apps.conversations.turns", "apps.documents.library", "apps.documents.retrieval",
    "apps.reading.chunking",
)  # fmt: skip
REPEATS = {"space": " ", "digit": "1", "dot": ".", "bracket": "(", "letter": "a", "abbreviation": "a.", "line": "\n"}


def list_text_functions() -> Iterator[tuple[str, Callable[..., Any], int]]:
    """Yield name, function and number of texts of each public function whose required arguments are all texts."""
    for package in map(importlib.import_module, PACKAGES):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" in found.name:
                continue
            for name, function in vars(importlib.import_module(found.name)).items():
                plain = inspect.unwrap(function) if callable(function) else None
                if inspect.isfunction(plain) and plain.__module__ == found.name and not name.startswith("_"):
                    needed = [p for p in inspect.signature(plain).parameters.values() if p.default is p.empty]
                    texts = [p for p in needed if p.annotation == "str" and p.kind is p.POSITIONAL_OR_KEYWORD]
                    if texts and texts == needed and not inspect.iscoroutinefunction(plain):
                        yield f"{found.name}.{name}", plain, len(texts)


class _TooSlow(BaseException):
    """Signal that a function used its time; no function catches it."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _TooSlow


@pytest.fixture
def alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGVTALRM, _stop)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def _is_slow(function: Callable[..., Any], texts: list[str]) -> bool:
    signal.setitimer(signal.ITIMER_VIRTUAL, MAX_S)
    try:
        result = function(*texts)
        if inspect.isgenerator(result):
            list(result)
    except _TooSlow:
        return True
    except Exception:  # noqa: BLE001, S110 - a function may refuse the text or need a database, but not take long
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return False


def test_functions_that_take_text_stay_within_a_second(alarm: None) -> None:
    functions = list(list_text_functions())
    assert len(functions) >= 89
    slow = []
    for name, function, count in functions:
        for kind, repeated in REPEATS.items():
            text = ("x" + repeated * SIZE)[:SIZE]
            if _is_slow(function, [text] * count) and _is_slow(function, [text] * count):  # the first loads models
                slow.append(f"{name}: {kind}")
    assert slow == []
