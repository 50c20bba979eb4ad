"""Load of many concurrent streams, and the size of an answer on the wire.

Questions go to the model without documents, so the cost is that of reading the stream, gate, rendering and sending.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import psutil

from benchmarks.lib import site

_WORD = re.compile(r"word(\d+)")
_PATIENCE_S = 600.0  # seconds; generous for a busy machine


@dataclass(slots=True)
class RecordedStream:
    """Frames that arrived over a WebSocket for one question, with their times."""

    marker: str = field(default_factory=lambda: f"mark{uuid4().hex}")  # in the question, where the fake model sees it
    has_begun: bool = False  # words of the answer have arrived
    frames: list[tuple[float, str]] = field(default_factory=list)

    @property
    def events(self) -> list[tuple[float, dict[str, Any]]]:
        """Events of the turn with their times, in order."""
        read = [(at, json.loads(text)) for at, text in self.frames]
        return [(at, event) for at, event in read if "seq" in event]

    @property
    def size(self) -> int:
        """Bytes on the wire, frame headers included."""
        lengths = [len(text.encode()) for _, text in self.frames]
        return sum(length + (2 if length < 126 else 4 if length < 65_536 else 10) for length in lengths)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Result over the time in which all streams ran: seconds, words sent by the model, CPU seconds of the web
    process."""

    streams: list[RecordedStream]
    records: dict[str, dict[str, Any]]  # records of the fake model, by mark
    seconds: float
    words: int
    cpu_seconds: dict[str, float]  # CPU seconds: "whole", and its parts "gate" and "render"


async def run_load(url: str, process: int, keys: Sequence[str], model: str, words: int) -> LoadResult:
    """Ask one question per session, each over its own WebSocket, all at the same time, and return the load."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await _configure_model(http, model, WORDS=words)
        await site.fetch_records(http, model)
        wires = [await _open_socket(http, url, key) for key in keys]
        await site.wait_until_idle(psutil.Process(process))
        streams = [RecordedStream() for _ in wires]
        tasks = [asyncio.create_task(_ask(wire, item)) for wire, item in zip(wires, streams, strict=True)]
        await _wait_until_streaming(http, model, streams, tasks)
        first, began = await _read_cpu_seconds(http, url), time.monotonic()
        while await _count_running(http, model) == len(keys) and not any(task.done() for task in tasks):
            await asyncio.sleep(0.5)
            last, ended = await _read_cpu_seconds(http, url), time.monotonic()
        finished = await asyncio.gather(*tasks)
        records = await site.fetch_records(http, model)
        for wire in wires:
            await wire.close()
    sent_words = sum(began <= at < ended for record in records for at, _ in record["words"])
    records_by_marker = {
        item.marker: next(record for record in records if item.marker in record["asked"]) for item in finished
    }
    return LoadResult(
        finished, records_by_marker, ended - began, sent_words, {part: last[part] - first[part] for part in first}
    )


async def measure_answer_sizes(url: str, key: str, model: str, words: Sequence[int]) -> list[int]:
    """Return the bytes on the wire for an answer of each number of words."""
    async with aiohttp.ClientSession() as http:
        sizes = []
        for count in words:
            await _configure_model(http, model, WORDS=count)
            async with await _open_socket(http, url, key) as wire:
                sizes.append((await _ask(wire, RecordedStream())).size)
        return sizes


def count_lost(load: LoadResult) -> int:
    """Return the number of missing events, answers without an end, and words missing in final answers."""
    count = 0
    for item in load.streams:
        events = [event for _, event in item.events]
        numbers = {event["seq"] for event in events}
        count += max(numbers, default=0) - len(numbers)
        whole = next((event["html"] for event in events if event["type"] == "closed"), "")
        shown, written = set(_WORD.findall(whole)), load.records[item.marker]["words"]
        count += len({number for _, word in written for number in _WORD.findall(word)} - shown) + (not whole)
    return count


def compute_delays(load: LoadResult) -> list[float]:
    """Return the milliseconds from the last word of each piece leaving the fake model to its event at the client."""
    delays_ms = []
    for item in load.streams:
        sent_at = [at for at, _ in load.records[item.marker]["words"]]
        texts = [(at, _WORD.findall(event["html"])) for at, event in item.events if event["type"] == "text"]
        delays_ms += [1000 * (at - sent_at[int(words[-1])]) for at, words in texts if words]
    return delays_ms


def summarise_latency(name: str, values: Sequence[float]) -> dict[str, float]:
    """Return median and 95th percentile as `NAME_p50` and `NAME_p95`."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {f"{name}_p50": cuts[49], f"{name}_p95": cuts[94]}


async def _open_socket(http: aiohttp.ClientSession, url: str, key: str) -> aiohttp.ClientWebSocketResponse:
    address = url.replace("http", "ws", 1) + "/ws/chat/"
    return await http.ws_connect(address, headers=site.build_session_headers(url, key), max_msg_size=0)


async def _ask(wire: aiohttp.ClientWebSocketResponse, stream: RecordedStream) -> RecordedStream:
    """Send one question and collect all frames until its answer closes; frames are parsed only afterwards."""
    ask: dict[str, Any] = {
        "do": "ask", "client_id": uuid4().hex, "conversation": None, "collections": [], "without_documents": True,
        "text": f"What can you tell me about {stream.marker}?",
    }  # fmt: skip
    await wire.send_str(json.dumps(ask))
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            message = await wire.receive()
            stream.frames.append((time.monotonic(), message.data))
            stream.has_begun = stream.has_begun or '"type":"text"' in message.data
            if '"type":"refused"' in message.data:
                raise RuntimeError(message.data)
            if '"type":"closed"' in message.data:
                return stream


async def _configure_model(http: aiohttp.ClientSession, model: str, **values: float) -> None:
    async with http.get(f"{model}/set", params={name: str(value) for name, value in values.items()}) as answer:
        answer.raise_for_status()


async def _count_running(http: aiohttp.ClientSession, model: str) -> int:
    """Return the number of answers that the fake model is writing."""
    async with http.get(f"{model}/stats") as answer:
        return int((await answer.json(content_type=None))["running"])


async def _read_cpu_seconds(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """Return the CPU seconds of the web process so far, by its own clock: the system's has ticks of 10 ms."""
    async with http.get(f"{url}/spent") as answer:
        cpu_seconds: dict[str, float] = await answer.json()
        return cpu_seconds


async def _wait_until_streaming(
    http: aiohttp.ClientSession,
    model: str,
    streams: Sequence[RecordedStream],
    tasks: Sequence[asyncio.Task[RecordedStream]],
) -> None:
    """Return once all answers are streaming and the start of the turns is over."""
    async with asyncio.timeout(_PATIENCE_S):
        while await _count_running(http, model) < len(streams) or not all(item.has_begun for item in streams):
            if any(task.done() for task in tasks):
                raise RuntimeError("The first answers ended before the last had begun. Ask for more --words.")
            await asyncio.sleep(0.1)
