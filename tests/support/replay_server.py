"""Server of the OpenAI protocol that streams recorded answers, and judges sentences as recorded.

Entry point: `replaying`. A recording holds the answer to a question, and what a judge said of its sentences; see
`tests/journeys/recorded_answers.json`.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

MODEL = "replayed-7B"
_SENTENCE = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
_SOURCE = re.compile(r"^\[(\d+)\] (.*?)(?=^\[\d+\] |^Sentences:$|\Z)", re.MULTILINE | re.DOTALL)
_PIECE = 12  # characters of one event


@dataclass
class Replay:
    """Running server. `judging` is "recorded", "garbage", "away" (status 500) or "slow" (no answer)."""

    recordings: Sequence[Mapping[str, Any]]
    judging: str = "recorded"
    url: str = ""
    judged: list[str] = field(default_factory=list)  # sentences that were asked about
    over: threading.Event = field(default_factory=threading.Event)

    def find_answer(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """Return the recorded answer to the last question, or words that say that there is none."""
        asked = next((str(one["content"]) for one in reversed(messages) if one["role"] == "user"), "")
        found = (row["answer"] for row in self.recordings if row["question"] in asked)
        return next(found, "There is no recording of this question.")

    def judge(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """Return the recorded verdicts on the sentences of a request, in the format of a `chat` judge."""
        text = str(messages[-1]["content"])
        sources = [(int(number), " ".join(words.split())) for number, words in _SOURCE.findall(text)]
        verdicts = {one["sentence"]: one for row in self.recordings for one in row["verdicts"]}
        rows = []
        for number, sentence in _SENTENCE.findall(text.rpartition("Sentences:")[2]):
            self.judged.append(sentence)
            known = verdicts.get(sentence.strip(), {"verdict": "not_there", "words": []})
            evidence = [
                {"source": next((at for at, stated in sources if words in stated), 0), "words": words}
                for words in known["words"]
            ]
            rows.append({"sentence": int(number), "evidence": evidence, "verdict": known["verdict"]})
        return json.dumps({"sentences": rows})


@contextmanager
def replaying(path: Path) -> Iterator[Replay]:
    """Run a server with the recordings of a JSON file within the block."""
    replay = Replay(json.loads(path.read_text(encoding="utf-8")))
    server = _Server(replay)
    replay.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield replay
    finally:
        replay.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    """Server of one `Replay`."""

    daemon_threads = True

    def __init__(self, replay: Replay) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replay = replay


class _Handler(BaseHTTPRequestHandler):
    """Handler of one connection, which closes after one answer."""

    @property
    def _replay(self) -> Replay:
        return cast(_Server, self.server).replay

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        self._send({"data": [{"id": MODEL, "owned_by": "replay", "max_model_len": 8192}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "response_format" in body:
            self._judge(body["messages"])
        elif body.get("stream"):
            self._stream(self._replay.find_answer(body["messages"]))
        else:
            self._send(_complete(self._replay.find_answer(body["messages"])))

    def _judge(self, messages: Sequence[Mapping[str, Any]]) -> None:
        if self._replay.judging == "slow":
            self._replay.over.wait(60)
        elif self._replay.judging == "away":
            self._send({"error": {"message": "away"}}, 500)
        else:
            self._send(
                _complete("Yes, all true!" if self._replay.judging == "garbage" else self._replay.judge(messages))
            )

    def _stream(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
        for piece in pieces:
            self._event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
            time.sleep(0.01)
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 100, "completion_tokens": len(pieces), "total_tokens": 100 + len(pieces)}
        self._event({"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, value: Mapping[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")
        self.wfile.flush()

    def _send(self, value: Mapping[str, Any], status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _complete(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
