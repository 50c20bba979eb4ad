"""Tests of the fake model server."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from apps.engines.chat.fake import FakeChat
from apps.engines.types import ChatMessage, ChatRequest, Delta, EngineBusy, EngineUnavailable
from tests.engines.chat.test_chat_contract import ASK, collect, text


async def test_the_fake_quotes_the_sources_of_its_prompt() -> None:
    first, second = (
        '[1] Ferry.pdf, page 2: "The ferry leaves at nine. It is blue."',
        '[4] Tea: "Green tea is steeped cold."',
    )
    prompt = f"Sources:\n{first}\n{second}\n\nQuestion: When?"
    items = await collect(FakeChat(), ChatRequest((ChatMessage("user", prompt),)))
    assert text(items) == "The ferry leaves at nine [1]. Green tea is steeped cold [4]."


async def test_the_fake_fails_and_goes_away_when_told() -> None:
    fake = FakeChat(reply="one two three")
    fake.fail, fake.fail_after = EngineBusy("Busy."), 2
    got: list[str] = []
    with pytest.raises(EngineBusy):
        async with aclosing(fake.stream(ASK)) as items:
            async for item in items:
                got.append(item.text if isinstance(item, Delta) else "end")
    assert got == ["one", " two"]
    fake.unavailable = True
    for call in (fake.info(), fake.probe(), collect(fake)):
        with pytest.raises(EngineUnavailable):
            await call
    fake.unavailable = False
    assert text(await collect(fake)) == "one two three"
