"""The measurement of many sockets counts what was lost and how late the rest came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.chat.load import LoadResult, RecordedStream, compute_delays, count_lost

MARK = "mark1"


def load(*events: tuple[float, dict[str, Any]]) -> LoadResult:
    """Three words left at the seconds 1, 2 and 3; the client heard these events."""
    frames = [(at, json.dumps({"seq": number, **event})) for number, (at, event) in enumerate(events, 1)]
    words = [[float(number + 1), f"word{number} "] for number in range(3)]
    return LoadResult([RecordedStream(MARK, frames=frames)], {MARK: {"words": words}}, 2.0, 3, {})


TEXT = (3.05, {"type": "text", "html": "<p>word0 word1 word2</p>"})
CLOSED = (3.1, {"type": "closed", "html": "<p>word0 word1 word2</p>"})


def test_count_lost_is_zero_where_every_number_and_word_came() -> None:
    assert count_lost(load(TEXT, CLOSED)) == 0


@pytest.mark.parametrize(
    ("heard", "count"),
    [
        (load((3.05, {"type": "text", "html": "word0"}), (3.1, {"type": "closed", "html": "word0 word2"})), 1),
        (load((3.05, {"seq": 4, **TEXT[1]}), (3.1, {"seq": 5, **CLOSED[1]})), 3),
        (load(TEXT), 4),
    ],
    ids=["a word", "three events", "the end with all its words"],
)
def test_count_lost_counts_what_did_not_come(heard: LoadResult, count: int) -> None:
    assert count_lost(heard) == count


def test_an_event_is_as_late_as_its_last_word() -> None:
    early = (1.25, {"type": "text", "html": "<p>word0</p>"})
    assert compute_delays(load(early, TEXT, CLOSED)) == pytest.approx([250, 50])


def test_the_heads_of_frames_count_as_bytes_on_the_wire() -> None:
    assert RecordedStream(MARK, frames=[(0.0, "x" * 125), (0.0, "é" * 100)]).size == 125 + 2 + 200 + 4
