"""Items of the reading check, loaded from `reading_items.toml`. Entry points: `READING_ITEMS`, `JUDGING_ITEMS`."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.engines.judge.protocol import Judgement

_FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class ReadingItem:
    """Passages with a question, and how answers are judged."""

    kind: str  # fact, several (passages), absent (from the passages), table, date
    language: str
    passages: tuple[str, ...]
    question: str
    right: tuple[str, ...]  # any of these texts; () if the passages do not answer
    wrong: tuple[str, ...] = ()  # texts of the same kind that the passages hold too


@dataclass(frozen=True, slots=True)
class JudgingItem:
    """Sentences of one answer with its sources, each with the verdict that it deserves."""

    language: str
    question: str
    sources: tuple[tuple[str, str], ...]  # title and text
    sentences: tuple[tuple[str, Judgement], ...]


def _load() -> tuple[tuple[ReadingItem, ...], tuple[JudgingItem, ...]]:
    with _FILE.open("rb") as file:
        data = tomllib.load(file)
    reading = [
        ReadingItem(
            row["kind"], row["language"], tuple(row["passages"]), row["question"],
            tuple(row.get("right", ())), tuple(row.get("wrong", ())),
        )
        for row in data["reading"]
    ]  # fmt: skip
    judging = [
        JudgingItem(
            row["language"], row["question"], tuple((title, text) for title, text in row["sources"]),
            tuple(_alternate({verdict: row.get(verdict.value, ()) for verdict in Judgement})),
        )
        for row in data["judging"]
    ]  # fmt: skip
    return tuple(_mix(reading)), tuple(judging)


def _alternate(texts: Mapping[Judgement, Sequence[str]]) -> list[tuple[str, Judgement]]:
    """Return the sentences with their verdicts in turn, so that their order tells nothing."""
    rows = [(at, text, verdict) for verdict, listed in texts.items() for at, text in enumerate(listed)]
    return [(text, verdict) for _, text, verdict in sorted(rows, key=lambda row: row[0])]


def _mix(items: Sequence[ReadingItem]) -> list[ReadingItem]:
    """Return the items with the kinds spread evenly, so that a check that ends early has asked of each kind."""
    sizes, before = Counter(item.kind for item in items), defaultdict[str, int](int)
    places: list[tuple[float, ReadingItem]] = []
    for item in items:
        places.append(((before[item.kind] + 0.5) / sizes[item.kind], item))
        before[item.kind] += 1
    return [item for _, item in sorted(places, key=lambda pair: pair[0])]


READING_ITEMS, JUDGING_ITEMS = _load()
