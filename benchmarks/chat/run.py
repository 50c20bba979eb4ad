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
import statistics
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError

from apps.lib.ports import find_free_port
from benchmarks.chat import first_token, page_load
from benchmarks.chat import load as _streams
from benchmarks.lib import site
from benchmarks.lib.model_server import model_server

_ALL = 10**9  # chunks
PARTS = ("open", "search", "sockets", "wire", "warm")
_METERED_APP = "benchmarks.chat.server:application"


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
        numbers |= _measure_history(options)
    if wanted & {"sockets", "wire"}:
        numbers |= _measure_streams(options)
    if "warm" in wanted:
        numbers |= _measure_first_texts(options)
    return numbers


def _measure_history(options: dict[str, Any]) -> dict[str, float]:
    """Open a long conversation repeatedly, and search all conversations."""
    numbers: dict[str, float] = {}
    port = find_free_port()
    url = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as folder:
        env = site.build_environment(folder, url, WARM_WHILE_TYPING="0")
        prepared = _create_fixtures(env, options, chunks=0, users=0, messages=options["messages"])
        with site.run_web(env, port):
            if "open" in options["parts"]:
                pages = page_load.measure_page_loads(url, prepared["session"], prepared["long"], options["times"])
                numbers |= _summarise_milliseconds("open_2000", [page["usable"] for page in pages])
                numbers |= _summarise_milliseconds("open_2000_server", [page["server"] for page in pages])
            if "search" in options["parts"]:
                milliseconds = page_load.measure_searches(
                    url, prepared["session"], prepared["questions"], options["times"]
                )
                numbers |= _summarise_milliseconds("search_100k", milliseconds)
    return numbers


def _measure_streams(options: dict[str, Any]) -> dict[str, float]:
    """Stream answers to many users at once, and compare the size of answers of two lengths."""
    numbers: dict[str, float] = {}
    port, words, rate = find_free_port(), options["words"], options["rate"]
    url = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as folder, site.run_fake_model(options["data"], rate, words, 0.05) as model:
        extra = {"LLM_URL": f"{model}/v1", "LLM_STREAMS": str(options["sockets"]), "TITLES": "0", "LLM_TOKENIZER": ""}
        extra["LLM_TOOLS"] = "0"  # the fake model would accept tools, but calls none
        extra["BENCH_CLASSIFIED"] = "1" if options["classified"] else ""
        env = site.build_environment(folder, url, **extra)
        prepared = _create_fixtures(env, options, chunks=0, users=options["sockets"], messages=0)
        with site.run_web(env, port, app=_METERED_APP) as (_, process):
            keys = prepared["sessions"]
            if "wire" in options["parts"]:
                sizes = asyncio.run(_streams.measure_answer_sizes(url, keys[0], model, (words // 2, words)))
                numbers["wire_ratio"] = sizes[1] / sizes[0]
            if "sockets" in options["parts"]:
                load = asyncio.run(_streams.run_load(url, process, keys, model, words))
                numbers |= _summarise_load(load, site.run_module("benchmarks.chat.gate_cost", words, 1 / rate, env=env))
    return numbers


def _measure_first_texts(options: dict[str, Any]) -> dict[str, float]:
    """Measure first texts of the model server in the settings, or of the packaged model on a vLLM started for it."""
    port = find_free_port()
    url, rounds = f"http://localhost:{port}", options["rounds"] + 1
    with tempfile.TemporaryDirectory() as folder, model_server() as model:
        env = site.build_environment(folder, url, TITLES="0", WARM_WHILE_TYPING="1", **model)
        prepared = _create_fixtures(env, options, chunks=_ALL, users=0, messages=0)
        question_pairs = [questions[:2] for questions in prepared["paragraphs"] if len(questions) > 1]
        if len(question_pairs) < 2 * rounds:
            raise CommandError(f"The data set has questions for {len(question_pairs) // 2 - 1} --rounds.")
        step = len(question_pairs) // rounds
        triples = [(*question_pairs[n * step], question_pairs[n * step + 1][0]) for n in range(rounds)]
        with site.run_web(env, port):
            waits = asyncio.run(first_token.measure_waits(url, prepared["session"], model["LLM_URL"], triples))
    medians = {name: statistics.median(values) for name, values in waits.items()}
    return {
        "warm_over_cold": medians["warm"] / medians["cold"],
        "known_over_cold": medians["known"] / medians["cold"],
        **{f"{name}_first_text_ms": value for name, value in medians.items()},
        **{f"{name}_rounds": len(values) for name, values in waits.items()},
    }


def _summarise_load(load: _streams.LoadResult, classified: float) -> dict[str, float]:
    whole, gate, render = (1e6 * load.cpu_seconds[part] / load.words for part in ("whole", "gate", "render"))
    return {
        "sockets200_lost": _streams.count_lost(load),
        **_streams.summarise_latency("sockets200_delay_ms", _streams.compute_delays(load)),
        "sockets200_words_per_s": load.words / load.seconds,
        "sockets200_seconds": load.seconds,
        "cpu_us_per_token": whole - gate - render,
        "cpu_whole_us_per_token": whole,
        "gate_us_per_token": gate,
        "gate_classified_us_per_token": classified,
        "render_us_per_token": render,
    }


def _summarise_milliseconds(name: str, values: Sequence[float]) -> dict[str, float]:
    """Return median and 95th percentile in milliseconds."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {f"{name}_ms": cuts[49], f"{name}_ms_p95": cuts[94]}


def _create_fixtures(env: dict[str, str], options: dict[str, Any], *, chunks: int, users: int, messages: int) -> Any:
    return site.run_module("benchmarks.chat.history", options["data"], chunks, users, messages, env=env)
