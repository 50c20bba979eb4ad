"""What the product adds to its model server's own time, from the ask to the words on the screen.

A stand-in server of known speed, a real web process with the real embedder and index, and two clients in the same run,
taking turns: one asks the product over its socket, the other streams straight from the server.

    ask_to_model_ms           ask sent → its request at the model server: open, check, search, prompt
    sentence_to_screen_ms     last word of a sentence leaves the server → its event at the client: gate, render, send
    first_text_overhead_ms    first text at the product's client minus first word at the bare one; holds back a sentence
    first_sentence_overhead_ms   the same for the whole first sentence, which the gate must see before anyone does
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from django.conf import settings

WARM_UP = 5  # turns that are not counted: caches, connections and lazy imports settle
WORDS_A_SENTENCE = 12  # as the stand-in writes them
_READY_S = 180.0


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--turns", type=int, default=60, help="measured turns of each client")
    parser.add_argument("--chunks", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=200, help="words a second of the stand-in")
    parser.add_argument("--words", type=int, default=60, help="words of its answer")
    parser.add_argument("--ttft", type=float, default=0.05, help="seconds before its first word")


def run(options: dict[str, Any]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, _stand_in(options) as model:
        env = {
            **os.environ,
            "DATA_DIR": folder,
            "LLM_URL": f"{model}/v1",
            "LLM_MODEL": "",
            "DEBUG": "1",
            "REDIS_URL": "",
        }
        env |= {"SITE_URL": "http://localhost:8000", "DATABASE_URL": "", "LLM_TOKENIZER": ""}
        Path(folder, "static").mkdir()
        prepared = _prepare(env, options)
        with _web(env) as port:
            seen = asyncio.run(_measured(options, prepared, model, port))
    return _numbers(seen)


async def _measured(options: dict[str, Any], prepared: dict[str, Any], model: str, port: int) -> list[dict[str, float]]:
    questions = prepared["questions"]
    headers = {"Origin": "http://localhost:8000", "Cookie": f"{settings.SESSION_COOKIE_NAME}={prepared['session']}"}
    seen = []
    address = f"ws://localhost:{port}/ws/chat/"
    async with aiohttp.ClientSession() as http, http.ws_connect(address, headers=headers, max_msg_size=0) as wire:
        for number in range(options["turns"] + WARM_UP):
            bare = await _bare(http, model)
            product = await _product(http, wire, model, questions[number % len(questions)])
            if number >= WARM_UP:
                seen.append(_turn(product, bare))
    return seen


async def _product(http: aiohttp.ClientSession, wire: Any, model: str, question: str) -> dict[str, Any]:
    """One turn over the socket: when it was asked, when each event came, and what the server saw."""
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
            raise RuntimeError(event["words"])
        events.append((at, event))
    recorded = await _recorded(http, model)
    return {"asked": asked, "events": events, "record": recorded[-1] if recorded else None}


async def _bare(http: aiohttp.ClientSession, model: str) -> dict[str, float]:
    """The same server asked directly: milliseconds to its first word and to the end of its first sentence."""
    body = {"model": "stub", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    start, words, first = time.monotonic(), 0, 0.0
    async with http.post(f"{model}/v1/chat/completions", json=body) as response:
        async for line in response.content:
            if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                words += 1
                first = first or time.monotonic()
                if words == WORDS_A_SENTENCE:
                    sentence = time.monotonic()
    await _recorded(http, model)
    return {"first": 1000 * (first - start), "sentence": 1000 * (sentence - start)}


async def _recorded(http: aiohttp.ClientSession, model: str) -> list[dict[str, Any]]:
    async with http.get(f"{model}/recorded") as response:
        records: list[dict[str, Any]] = await response.json(content_type=None)
        return records


def _turn(product: dict[str, Any], bare: dict[str, float]) -> dict[str, Any]:
    """The milliseconds of one pair; none where nothing was found, and so no model was asked."""
    record, asked = product["record"], product["asked"]
    if record is None:
        return {}
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


def _numbers(turns: Sequence[dict[str, Any]]) -> dict[str, float]:
    answered = [turn for turn in turns if turn]
    numbers: dict[str, float] = {"turns": len(answered), "turns_without_a_passage": len(turns) - len(answered)}
    for name in answered[0]:
        values = [value for turn in answered for value in turn[name]]
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        numbers |= {f"{name}_p50": cuts[49], f"{name}_p95": cuts[94]}
    return numbers


def _prepare(env: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
    arguments = [sys.executable, "-m", "apps.evaluation.bench._prepared", str(options["data"]), str(options["chunks"])]
    done = subprocess.run(arguments, env=env, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True, check=True)
    prepared: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{prepared['chunks']} chunks indexed")
    return prepared


@contextmanager
def _stand_in(options: dict[str, Any]) -> Iterator[str]:
    env = {**os.environ, "STUB": str(Path(options["data"]).parent / "tools")}
    env |= {"RATE": str(options["rate"]), "WORDS": str(options["words"]), "TTFT": str(options["ttft"])}
    with _uvicorn("apps.evaluation.bench._recorder:app", env, "/stats", "--lifespan", "off") as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _web(env: dict[str, str]) -> Iterator[int]:
    options = ["--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
    with _uvicorn("assistant.asgi:application", env, "/health/live/", *options) as port:
        yield port


@contextmanager
def _uvicorn(app: str, env: dict[str, str], path: str, *options: str) -> Iterator[int]:
    """A server in a process of its own, from the moment it answers to the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", *options]
    process = subprocess.Popen(command, env=env, cwd=settings.BASE_DIR)
    try:
        _wait(process, port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("A server of this measurement did not start; what it said stands above.")
