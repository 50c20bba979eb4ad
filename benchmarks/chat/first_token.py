"""Time to the first text of a real model: cold, after a pause while typing, and on known sources.

The three are measured in turns, so that a slowing machine affects all. Each question concerns a paragraph that the
model server has not read before. `known` follows a cold question in the same conversation with another question about
the same paragraph. The question counts only if the search brought nothing new to the model.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

from benchmarks.lib import site

_TYPING_S = 1.0  # seconds after which the warm-up runs; the question is sent once it has ended
_SOURCE = re.compile(r'data-source="(\d+)"')
_PATIENCE_S = 120.0

Triple = tuple[str, str, str]  # a question, another one about the same paragraph, one about another paragraph


async def measure_waits(url: str, key: str, model: str, questions: Sequence[Triple]) -> dict[str, list[float]]:
    """Return the milliseconds from the question to its first text, for "cold", "known" and "warm"."""
    waits: dict[str, list[float]] = {"cold": [], "known": [], "warm": []}
    address = url.replace("http", "ws", 1) + "/ws/chat/"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(address, headers=site.build_session_headers(url, key), max_msg_size=0) as wire,
    ):
        for number, (first, second, other) in enumerate(questions):
            cold = await _ask_until_first_text(wire, _build_ask(first))
            known = await _ask_until_first_text(wire, _build_ask(second, cold.conversation, cold.turn))
            await _wait_until_idle(http, model)
            await wire.send_str(json.dumps({**_build_ask(other), "do": "typing"}))
            await asyncio.sleep(_TYPING_S)
            await _wait_until_idle(http, model)
            warm = await _ask_until_first_text(wire, _build_ask(other))
            await _wait_until_idle(http, model)
            if (
                number and cold.first_text_ms and warm.first_text_ms
            ):  # the first round warms up; rounds without sources do not count
                waits["cold"].append(cold.first_text_ms)
                waits["warm"].append(warm.first_text_ms)
                if known.first_text_ms and known.sources <= cold.sources:
                    waits["known"].append(known.first_text_ms)
    return waits


def _build_ask(text: str, conversation: str | None = None, after: str | None = None) -> dict[str, Any]:
    return {
        "do": "ask", "client_id": uuid4().hex, "conversation": conversation, "text": text, "collections": [],
        "after": after,
    }  # fmt: skip


@dataclass(slots=True)
class StoppedAnswer:
    """Answer that was stopped at its first text."""

    conversation: str = ""
    turn: str = ""
    sources: set[str] = field(default_factory=set)  # their numbers in the conversation
    first_text_ms: float = 0.0  # milliseconds to the first text; 0 if none came


async def _ask_until_first_text(wire: aiohttp.ClientWebSocketResponse, ask: dict[str, Any]) -> StoppedAnswer:
    """Send the question and return its answer, stopped at the first text."""
    began, answer = time.monotonic(), StoppedAnswer()
    await wire.send_str(json.dumps(ask))
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            event = json.loads((await wire.receive()).data)
            match event["type"]:
                case "accepted":
                    answer.conversation, answer.turn = event["conversation"], event["turn"]
                case "sources":
                    answer.sources.update(_SOURCE.findall(event["html"]))
                case "text" if not answer.first_text_ms:
                    answer.first_text_ms = 1000 * (time.monotonic() - began)
                    await wire.send_str(json.dumps({"do": "stop", "turn": answer.turn}))
                case "refused":
                    raise RuntimeError(event["text"])
                case "closed" if event["turn"] == answer.turn:
                    return answer


async def _wait_until_idle(http: aiohttp.ClientSession, model: str) -> None:
    """Return once the model server is idle; after a second if it does not report that."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            async with http.get(f"{model.removesuffix('/v1')}/metrics") as answer:
                lines = (await answer.text()).splitlines() if answer.status == 200 else []
            running = [float(line.split()[-1]) for line in lines if line.startswith("vllm:num_requests_running")]
            if not running or not any(running):
                await asyncio.sleep(0.2 if running else 1)
                return
            await asyncio.sleep(0.05)
