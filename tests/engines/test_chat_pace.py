"""How often answers are looked at while many are written."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from apps.engines.chat import pace
from apps.engines.chat.line import Line
from apps.engines.chat.pace import Pace, Rest
from tests.clock import exact


def test_few_answers_are_read_word_by_word_and_many_as_often_as_the_gate_judges() -> None:
    found = []
    for streams in (0, 1, 16, 17, 60, 100, 134, 200, 5000):
        looking = Pace()
        looking.streams = streams
        found.append(looking.rest_s)
    assert found[:3] == [0.0, 0.0, 0.0] and found == sorted(found)
    assert all(0.05 <= rest <= 0.4 and (0.4 / rest) == pytest.approx(round(0.4 / rest)) for rest in found[3:])
    assert found[-2:] == [0.4, 0.4]


class Resting:
    """A line that notes when it was told to rest, was looked at, and was told to rest no more."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.at: list[float] = []
        self.looked = asyncio.Event()

    def rest(self, *, resting: bool) -> None:
        self._note("rests" if resting else "goes on")

    def look(self) -> None:
        self._note("look")
        self.looked.set()

    def _note(self, what: str) -> None:
        self.told.append(what)
        self.at.append(asyncio.get_running_loop().time())


def crowded(streams: int = 134) -> Pace:
    found = Pace()
    found.streams = streams
    return found


def looked(looking: Pace) -> tuple[Rest, Resting]:
    """A rest whose line was looked at just now."""
    line = Resting()
    rest = Rest(looking, cast(Line, line))
    rest._waits = True
    rest.over()
    line.told.clear()
    line.at.clear()
    line.looked.clear()
    return rest, line


@exact
async def test_those_that_rest_look_together_and_never_later_than_they_would_alone() -> None:
    looking, loop = crowded(), asyncio.get_running_loop()
    ended: list[tuple[float, float]] = []

    async def one(late: float) -> None:
        await asyncio.sleep(late)
        rest, line = looked(looking)
        rest.take()
        await line.looked.wait()
        assert line.told == ["rests", "look"]
        ended.append((line.at[1], line.at[1] - line.at[0]))

    await asyncio.gather(*(one(n * 0.004) for n in range(40)))
    moments = {round(at / pace._TOGETHER_S) for at, _ in ended}
    assert len(moments) <= 6, "within 160 ms four or five looks are due"
    assert all(took < looking.rest_s + 0.05 for _, took in ended)
    assert not looking._bells[loop]


@exact
async def test_one_that_ends_meanwhile_goes_on_at_once_and_leaves_the_others_resting() -> None:
    looking = crowded()
    (first, one), (second, other) = looked(looking), looked(looking)
    with second:
        with first:
            first.take()
            second.take()
            assert one.told == ["rests"]
        assert one.told == ["rests", "goes on"]
        assert other.told == ["rests"]
        await asyncio.wait_for(other.looked.wait(), 2)
        assert other.told == ["rests", "look"]
    assert one.told == ["rests", "goes on"]
    assert looking.streams == 134


@exact
async def test_what_came_before_a_rest_begins_no_second_one() -> None:
    rest, line = looked(crowded())
    rest.take()
    rest.take()
    assert line.told == ["rests"]
    await asyncio.wait_for(line.looked.wait(), 2)
    await asyncio.sleep(0.1)
    assert line.told == ["rests", "look"]


@exact
async def test_a_stream_that_writes_slower_than_others_look_does_not_rest() -> None:
    looking = crowded(17)
    rest, line = looked(looking)
    await asyncio.sleep(looking.rest_s * 1.5)
    rest.take()
    assert line.told == ["goes on"]
