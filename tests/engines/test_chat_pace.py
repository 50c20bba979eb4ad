"""How often answers are looked at while many are written."""

from __future__ import annotations

import asyncio

import pytest

from apps.engines.chat import pace
from apps.engines.chat.pace import Pace


def test_few_answers_are_read_word_by_word_and_many_as_often_as_the_gate_judges() -> None:
    found = []
    for streams in (0, 1, 16, 17, 60, 100, 134, 200, 5000):
        looking = Pace()
        looking.streams = streams
        found.append(looking.rest_s)
    assert found[:3] == [0.0, 0.0, 0.0] and found == sorted(found)
    assert all(0.05 <= rest <= 0.4 and (0.4 / rest) == pytest.approx(round(0.4 / rest)) for rest in found[3:])
    assert found[-2:] == [0.4, 0.4]


async def test_those_that_rest_look_together_and_never_later_than_they_would_alone() -> None:
    looking, loop = Pace(), asyncio.get_running_loop()
    ended: list[tuple[float, float]] = []

    async def one(late: float) -> None:
        await asyncio.sleep(late)
        began = loop.time()
        await looking.over(0.2)
        ended.append((loop.time(), loop.time() - began))

    await asyncio.gather(*(one(n * 0.004) for n in range(40)))
    moments = {round(at / pace._TOGETHER_S) for at, _ in ended}
    assert len(moments) <= 6, "within 160 ms four or five looks are due"
    assert all(took < 0.25 for _, took in ended)
    assert not looking._bells[loop]


async def test_one_that_stops_waiting_leaves_the_others_waiting() -> None:
    looking = Pace()
    first, second = (asyncio.create_task(looking.over(0.1)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
