"""Waits and work of many users who ask at once, with and without documents, with the packaged checks on.

A real web process serves them with a fake model server of known speed, which repeats sentences of its sources in nearly
the same words. It counts as one that reads well for `documents` and `plain`, and badly for `quotes`, which are the
answer then. For each of these:

    first_text_ms      ask sent → first text or quotes of the answer at the client, median over the users
    cpu_us_per_word    CPU time of the web process per word of the model, everything included; not of `quotes`
    …_per_turn         counts of work: encoder passes and texts, pairs for the model of inference, queries to the
                       database, texts whose features are extracted

Times grow with other load on the machine; counts do not, but passes vary with how much waits together.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import aiohttp
import psutil

from apps.lib.ports import find_free_port
from benchmarks.lib import site

_PATIENCE_S = 300.0  # seconds for one answer; generous for a busy machine
_APP = "benchmarks.load.server:application"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--users", type=int, default=50, help="who ask at once")
    parser.add_argument("--chunks", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=20, help="words a second of each answer")
    parser.add_argument("--words", type=int, default=120, help="of each answer")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of all kinds of questions."""
    port, users = find_free_port(), options["users"]
    url = f"http://localhost:{port}"
    with (
        tempfile.TemporaryDirectory() as folder,
        site.run_fake_model(options["data"], options["rate"], options["words"], 0.05, repeats_sources=True) as model,
    ):
        settings = {"LLM_STREAMS": str(users), "TITLES": "0", "LLM_TOKENIZER": "", "LLM_TOOLS": "0"}
        env = site.build_environment(folder, url, LLM_URL=f"{model}/v1", **settings)
        arguments = options["data"], options["chunks"], 3 * (users + 1)  # a user for each question
        prepared = site.run_module("benchmarks.load.fixtures", *arguments, env=env)
        pairs = list(zip(prepared["sessions"], prepared["questions"], strict=True))
        numbers = dict[str, float]()
        for at, (kind, reads) in enumerate({"documents": "well", "plain": "well", "quotes": "badly"}.items()):
            with site.run_web({**env, "LLM_READS": reads}, port, app=_APP) as (_, process):
                part = pairs[at * (users + 1) :][: users + 1]
                numbers |= asyncio.run(_measure(url, process, model, part, kind))
        return numbers


async def _measure(url: str, process: int, model: str, pairs: Sequence[tuple[str, str]], kind: str) -> dict[str, float]:
    ask = {"without_documents": kind == "plain"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await _ask_at_once(http, url, pairs[:1], ask)  # loads what the first answer needs
        await site.wait_until_idle(psutil.Process(process))
        await site.fetch_records(http, model)
        before = await _read_work(http, url)
        waits = await _ask_at_once(http, url, pairs[1:], ask)
        after = await _read_work(http, url)
        words = sum(len(record["words"]) for record in await site.fetch_records(http, model))
    return {f"{kind}_{key}": value for key, value in _summarise(before, after, waits, words).items()}


def _summarise(
    before: Mapping[str, float], after: Mapping[str, float], waits: Sequence[float], words: int
) -> dict[str, float]:
    used = {name: value - before.get(name, 0) for name, value in after.items()}
    cpu_seconds = used.pop("cpu_seconds")
    return {
        "turns": len(waits),
        "first_text_ms_p50": statistics.median(waits),
        **({"cpu_us_per_word": 1e6 * cpu_seconds / words} if words else {}),
        **{f"{name}_per_turn": value / len(waits) for name, value in sorted(used.items())},
    }


async def _ask_at_once(
    http: aiohttp.ClientSession, url: str, pairs: Sequence[tuple[str, str]], also: Mapping[str, Any]
) -> list[float]:
    """Ask the question of each (session key, question) at the same time. Return the milliseconds to each first text,
    once all answers are complete."""
    address = url.replace("http", "ws", 1) + "/ws/chat/"
    wires = [
        await http.ws_connect(address, headers=site.build_session_headers(url, key), max_msg_size=0) for key, _ in pairs
    ]
    asked = [_ask(wire, question, also) for wire, (_, question) in zip(wires, pairs, strict=True)]
    waits = await asyncio.gather(*asked)
    for wire in wires:
        await wire.close()
    return [wait for wait in waits if wait is not None]


async def _ask(wire: aiohttp.ClientWebSocketResponse, question: str, also: Mapping[str, Any]) -> float | None:
    """Return the milliseconds to the first text or quotes; None if nothing was found."""
    ask = {"do": "ask", "client_id": uuid4().hex, "conversation": None, "collections": [], "text": question, **also}
    asked, first = time.monotonic(), None
    await wire.send_str(json.dumps(ask))
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            event = json.loads((await wire.receive()).data)
            if event["type"] in ("text", "quotes") and first is None:
                first = 1000 * (time.monotonic() - asked)
            if event["type"] == "refused":
                raise RuntimeError(event["text"])
            if event["type"] == "closed":
                return first


async def _read_work(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    async with http.get(f"{url}/work") as answer:
        work: dict[str, float] = await answer.json()
        return work
