"""Waiting times of a user with months of conversations, and the cost of many concurrent users.

    open_2000_ms        from the request of a conversation of 2,000 messages until its page is usable, in Chromium with
                        an empty cache; `open_2000_server_ms` of it until the whole page has arrived
    search_100k_ms      a search over 100,000 messages of one user: the whole page, from the server
    sockets200_lost     200 users ask over a WebSocket each at once, answers of a fake model of known speed: events,
                        ends and words that did not arrive
    sockets200_delay_ms from the last word of a piece leaving the fake model to its event at the client
    cpu_us_per_token    CPU time of the web process per word while all of them stream, less that of gate and renderer:
                        `gate_us_per_token` (splitting into pieces, and the verdict on each), `render_us_per_token`;
                        `cpu_whole_us_per_token` is all of it
    wire_ratio          bytes on the wire for an answer twice as long
    warm_over_cold      first text of a real model after a pause while typing, over that without (`cold_first_text_ms`)
    known_over_cold     the same for another question in the same conversation that the same passages answer

While many stream, pieces are judged by the rules of the gate alone. `gate_classified_us_per_token` is the cost of its
classifiers for a single answer, where each piece is classified by itself. With `--classified` they judge while all
stream, in batches, and `gate_us_per_token` includes them: the more there is to judge, the longer the pieces. Times grow
with other load on the machine. Run it alone.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from apps.lib.ports import find_free_port
from benchmarks.chat import first_token, page_load
from benchmarks.chat import load as _streams
from benchmarks.lib import site
from benchmarks.lib.model_server import model_server

_ALL = 10**9  # chunks
PARTS = ("open", "search", "sockets", "wire", "warm")
_MEDIUM = "benchmarks.chat.server:application"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="only these, each in its own numbers")
    parser.add_argument("--messages", type=int, default=100_000, help="of one person")
    parser.add_argument("--times", type=int, default=20, help="how often a page is opened, or something searched")
    parser.add_argument("--rounds", type=int, default=15, help="first texts of each of the three ways")
    parser.add_argument("--sockets", type=int, default=200, help="people who ask at once")
    parser.add_argument("--rate", type=int, default=10, help="words a second of each of their answers")
    parser.add_argument("--words", type=int, default=240, help="of each answer")
    parser.add_argument("--classified", action="store_true", help="the classifiers judge while many stream, too")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of the chosen parts."""
    wanted, numbers = set(options["parts"]), dict[str, float]()
    if wanted & {"open", "search"}:
        numbers |= _history(options)
    if wanted & {"sockets", "wire"}:
        numbers |= _medium(options)
    if "warm" in wanted:
        numbers |= _first_texts(options)
    return numbers


def _history(options: dict[str, Any]) -> dict[str, float]:
    """Open a long conversation repeatedly, and search all conversations."""
    numbers: dict[str, float] = {}
    port = find_free_port()
    url = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as folder:
        env = site.environment(folder, url, WARM_WHILE_TYPING="0")
        prepared = _prepare(env, options, chunks=0, people=0, messages=options["messages"])
        with site.web(env, port):
            if "open" in options["parts"]:
                seen = page_load.opened(url, prepared["session"], prepared["long"], options["times"])
                numbers |= _middle("open_2000", [page["usable"] for page in seen])
                numbers |= _middle("open_2000_server", [page["server"] for page in seen])
            if "search" in options["parts"]:
                took = page_load.searched(url, prepared["session"], prepared["questions"], options["times"])
                numbers |= _middle("search_100k", took)
    return numbers


def _medium(options: dict[str, Any]) -> dict[str, float]:
    """Stream answers to many users at once, and compare the size of answers of two lengths."""
    numbers: dict[str, float] = {}
    port, words, rate = find_free_port(), options["words"], options["rate"]
    url = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as folder, site.stand_in(options["data"], rate, words, 0.05) as model:
        also = {"LLM_URL": f"{model}/v1", "LLM_STREAMS": str(options["sockets"]), "TITLES": "0", "LLM_TOKENIZER": ""}
        also["LLM_TOOLS"] = "0"  # the fake model would accept tools, but calls none
        also["BENCH_CLASSIFIED"] = "1" if options["classified"] else ""
        env = site.environment(folder, url, **also)
        prepared = _prepare(env, options, chunks=0, people=options["sockets"], messages=0)
        with site.web(env, port, app=_MEDIUM) as (_, process):
            keys = prepared["sessions"]
            if "wire" in options["parts"]:
                sizes = asyncio.run(_streams.answer_sizes(url, keys[0], model, (words // 2, words)))
                numbers["wire_ratio"] = sizes[1] / sizes[0]
            if "sockets" in options["parts"]:
                load = asyncio.run(_streams.at_once(url, process, keys, model, words))
                numbers |= _costs(load, _apart(env, words, 1 / rate))
    return numbers


def _first_texts(options: dict[str, Any]) -> dict[str, float]:
    """Measure first texts of the model server in the settings, or of the packaged model on a vLLM started for it."""
    port = find_free_port()
    url, rounds = f"http://localhost:{port}", options["rounds"] + 1
    with tempfile.TemporaryDirectory() as folder, model_server() as model:
        env = site.environment(folder, url, TITLES="0", WARM_WHILE_TYPING="1", **model)
        prepared = _prepare(env, options, chunks=_ALL, people=0, messages=0)
        asked = [questions[:2] for questions in prepared["paragraphs"] if len(questions) > 1]
        if len(asked) < 2 * rounds:
            raise CommandError(f"The data set has questions for {len(asked) // 2 - 1} --rounds.")
        step = len(asked) // rounds
        triples = [(*asked[n * step], asked[n * step + 1][0]) for n in range(rounds)]
        with site.web(env, port):
            waited = asyncio.run(first_token.waited(url, prepared["session"], model["LLM_URL"], triples))
    middle = {name: statistics.median(values) for name, values in waited.items()}
    return {
        "warm_over_cold": middle["warm"] / middle["cold"],
        "known_over_cold": middle["known"] / middle["cold"],
        **{f"{name}_first_text_ms": value for name, value in middle.items()},
        **{f"{name}_rounds": len(values) for name, values in waited.items()},
    }


def _costs(load: _streams.Load, classified: float) -> dict[str, float]:
    whole, gate, render = (1e6 * load.spent[part] / load.words for part in ("whole", "gate", "render"))
    return {
        "sockets200_lost": _streams.lost(load),
        **_streams.middle("sockets200_delay_ms", _streams.delays(load)),
        "sockets200_words_per_s": load.words / load.seconds,
        "sockets200_seconds": load.seconds,
        "cpu_us_per_token": whole - gate - render,
        "cpu_whole_us_per_token": whole,
        "gate_us_per_token": gate,
        "gate_classified_us_per_token": classified,
        "render_us_per_token": render,
    }


def _apart(env: dict[str, str], words: int, pause: float) -> float:
    arguments = [sys.executable, "-m", "benchmarks.chat.gate_cost", str(words), str(pause)]
    done = subprocess.run(arguments, env=env, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def _middle(name: str, values: Sequence[float]) -> dict[str, float]:
    """Return median and 95th percentile in milliseconds."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {f"{name}_ms": cuts[49], f"{name}_ms_p95": cuts[94]}


def _prepare(env: dict[str, str], options: dict[str, Any], *, chunks: int, people: int, messages: int) -> Any:
    arguments = [sys.executable, "-m", "benchmarks.chat.history", str(options["data"])]
    arguments += map(str, (chunks, people, messages))
    done = subprocess.run(arguments, env=env, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
