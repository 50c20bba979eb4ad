"""ASGI application of the fake model server that records when each request arrived and when each word was sent.

Run by uvicorn with STUB naming the folder of `stub_llm.py`. `GET /recorded` returns the records and clears them; `GET
/set?RATE=…&WORDS=…` changes speed and length of further answers. Times are of the system's monotonic clock, which all
processes of a machine share.

With REPEATS_SOURCES an answer is made of the sentences of its sources, every second one less a word: real sentences, of
which one half are quotes and the others need the model of inference. Without sources they are made-up sentences.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from itertools import cycle, islice
from typing import Any
from urllib.parse import parse_qsl

sys.path.insert(0, os.environ["STUB"])
stub = importlib.import_module("stub_llm")

_records: list[dict[str, Any]] = []
_asked: ContextVar[str] = ContextVar("asked")  # last message of the request
_SOURCE = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)
_SENTENCE = re.compile(r"[A-Z][^.!?]{30,}[.!?](?=\s|$)")
_MADE_UP = "[1] " + " ".join(
    f"The harbour of Veldra number {number} was built by its fishermen in the year {1700 + number} and has two piers."
    for number in range(40)
)


def write_from_sources() -> Iterator[str]:
    """Yield WORDS words of sentences of the sources in the message, each sentence with the number of its source."""
    sources = _SOURCE.findall(_asked.get("")) or _SOURCE.findall(_MADE_UP)
    sentences = [(number, found.split()) for number, text in sources for found in _SENTENCE.findall(text)]
    words = [
        word
        for at, (number, sentence) in enumerate(sentences)
        for word in [*sentence[: -1 if at % 2 == 0 else -2], f"{sentence[-1].rstrip('.!?')} [{number}]."]
    ]
    yield from (f"{word} " for word in islice(cycle(words), stub.WORDS))


if os.environ.get("REPEATS_SOURCES"):
    setattr(stub, "words", write_from_sources)  # noqa: B010 - a type checker knows nothing of the loaded module


def _read_last_message(body: bytes | bytearray) -> str:
    """Return the text of the last message."""
    messages = json.loads(body or b"{}").get("messages") or [{}]
    return str(messages[-1].get("content", ""))


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer `/recorded` and `/set`, and pass other requests to the fake, recording chats."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/recorded":
        await stub.answer(send, _records.copy())
        _records.clear()
        return
    if scope["path"] == "/set":
        for name, value in parse_qsl(scope["query_string"].decode()):
            setattr(stub, name, type(getattr(stub, name))(value))
        await stub.answer(send, {})
        return
    record: dict[str, Any] = {"words": []}
    body = bytearray()

    async def received() -> Any:
        message = await receive()
        if message["type"] == "http.request":
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                record["arrived"] = time.monotonic()
                record["asked"] = _read_last_message(body)
                _asked.set(record["asked"])
        return message

    async def sent(message: dict[str, Any]) -> None:
        left = time.monotonic()
        await send(message)
        body = message.get("body", b"")
        if body.startswith(b"data: {"):
            word = json.loads(body[6:])["choices"][0]["delta"].get("content")
            if word:
                record["words"].append((left, word))

    if scope["path"].endswith("/chat/completions"):
        _records.append(record)
    await stub.app(scope, received, sent)
