"""Time that the product adds to its model server's own, from the ask to the words on the screen.

A fake model server of known speed and a real web process with the real embedder and index serve two clients in turns.
The first client asks the product over its WebSocket, the other streams straight from the model server, which counts as
one that reads well. A second web process counts it as one that reads badly, so that quotes are the answer.

    ask_to_model_ms           ask sent → its request at the model server: open, check, search, prompt
    sentence_to_screen_ms     last word of a sentence leaves the server → its event at the client: gate, render, send
    first_text_overhead_ms    first text at the product's client minus first word at the bare one; the gate holds back
                              a sentence
    first_sentence_overhead_ms   the same for the whole first sentence, which the gate must judge before it is shown
    ask_to_quotes_ms          ask sent → the quotes at the client, where they are the answer
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import aiohttp

from benchmarks.lib import site

WARM_UP = 5  # turns that do not count: caches, connections and lazy imports settle
WORDS_A_SENTENCE = 12  # as in the fake model's answers
_URL = "http://localhost:8000"  # address of the site for its own pages, whatever the port


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--turns", type=int, default=60, help="measured turns of each client")
    parser.add_argument("--chunks", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=200, help="words a second of the stand-in")
    parser.add_argument("--words", type=int, default=60, help="words of its answer")
    parser.add_argument("--ttft", type=float, default=0.05, help="seconds before its first word")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return median and 95th percentile of each time, and the number of turns."""
    with (
        tempfile.TemporaryDirectory() as folder,
        site.run_fake_model(options["data"], options["rate"], options["words"], options["ttft"]) as model,
    ):
        # A title is a second request after the answer, and would run into the next turn.
        env = site.build_environment(folder, _URL, LLM_URL=f"{model}/v1", LLM_TOKENIZER="", TITLES="0")
        prepared = _create_fixtures(env, options)
        with site.run_web({**env, "LLM_READS": "well"}) as (port, _):
            written = asyncio.run(_measure_turns(options, prepared, model, port))
        with site.run_web({**env, "LLM_READS": "badly", "LLM_TOOLS": "0"}) as (port, _):
            quoted = asyncio.run(_measure_turns(options, prepared, model, port))
    return _summarise(written) | _summarise(quoted)


async def _measure_turns(
    options: dict[str, Any], prepared: dict[str, Any], model: str, port: int
) -> list[dict[str, Any]]:
    questions = prepared["questions"]
    headers = site.build_session_headers(_URL, prepared["session"])
    turns = []
    address = f"ws://localhost:{port}/ws/chat/"
    async with aiohttp.ClientSession() as http, http.ws_connect(address, headers=headers, max_msg_size=0) as wire:
        for number in range(options["turns"] + WARM_UP):
            bare = await _ask_model(http, model)
            product = await _run_turn(http, wire, model, questions[number % len(questions)])
            if number >= WARM_UP:
                turns.append(_compare_turns(product, bare))
    return turns


async def _run_turn(http: aiohttp.ClientSession, wire: Any, model: str, question: str) -> dict[str, Any]:
    """Run one turn over the WebSocket. Return the time of the ask, the events with their times, and the fake model's
    record."""
    ask: dict[str, Any] = {
        "do": "ask",
        "client_id": uuid4().hex,
        "conversation": None,
        "text": question,
        "collections": [],
    }
    text = json.dumps(ask)
    asked = time.monotonic()
    await wire.send_str(text)
    events: list[tuple[float, dict[str, Any]]] = []
    while not events or events[-1][1]["type"] != "closed":
        message = await wire.receive()
        at = time.monotonic()
        event = json.loads(message.data)
        if event["type"] == "refused":
            raise RuntimeError(event["text"])
        events.append((at, event))
    recorded = await site.fetch_records(http, model)
    return {"asked": asked, "events": events, "record": recorded[-1] if recorded else None}


async def _ask_model(http: aiohttp.ClientSession, model: str) -> dict[str, float]:
    """Ask the model server directly. Return the milliseconds to its first word and to the end of its first sentence."""
    body = {"model": "stub", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    start, words, first = time.monotonic(), 0, 0.0
    async with http.post(f"{model}/v1/chat/completions", json=body) as response:
        async for line in response.content:
            if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                words += 1
                first = first or time.monotonic()
                if words == WORDS_A_SENTENCE:
                    sentence = time.monotonic()
    await site.fetch_records(http, model)
    return {"first": 1000 * (first - start), "sentence": 1000 * (sentence - start)}


def _compare_turns(product: dict[str, Any], bare: dict[str, float]) -> dict[str, Any]:
    """Return the milliseconds of one pair of turns; {} if nothing was found, and so nothing was answered."""
    record, asked = product["record"], product["asked"]
    if record is None:
        quoted = [at for at, event in product["events"] if event["type"] == "quotes"]
        return {"ask_to_quotes_ms": [1000 * (quoted[0] - asked)]} if quoted else {}
    texts = [(at, event["html"]) for at, event in product["events"] if event["type"] == "text"]
    sentences = []
    for number in range(WORDS_A_SENTENCE - 1, len(record["words"]), WORDS_A_SENTENCE):
        shown = next((at for at, html in texts if f"word{number}" in html.replace("<", " <")), None)
        if shown is not None:
            sentences.append(1000 * (shown - record["words"][number][0]))
    first_sentence = sentences[0] + 1000 * (record["words"][WORDS_A_SENTENCE - 1][0] - asked)
    return {
        "ask_to_model_ms": [1000 * (record["arrived"] - asked)],
        "sentence_to_screen_ms": sentences,
        "first_text_overhead_ms": [1000 * (texts[0][0] - asked) - bare["first"]],
        "first_sentence_overhead_ms": [first_sentence - bare["sentence"]],
    }


def _summarise(turns: Sequence[dict[str, Any]]) -> dict[str, float]:
    answered = [turn for turn in turns if turn]
    kind = "quoted" if "ask_to_quotes_ms" in answered[0] else "written"
    numbers: dict[str, float] = {f"{kind}_turns": len(answered), f"{kind}_turns_without": len(turns) - len(answered)}
    for name in answered[0]:
        values = [value for turn in answered for value in turn[name]]
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        numbers |= {f"{name}_p50": cuts[49], f"{name}_p95": cuts[94]}
    return numbers


def _create_fixtures(env: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
    prepared: dict[str, Any] = site.run_module("benchmarks.lib.fixtures", options["data"], options["chunks"], env=env)
    print(f"{prepared['chunks']} chunks indexed")
    return prepared
