"""Small server of the OpenAI protocol with models, a key and abilities, for tests of model servers.

Entry point: `serving_models`. It runs in a thread, so a site in processes of its own can use it too.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit


@dataclass
class StubServer:
    """Running server. What it cannot do it answers with status 400, a wrong key with 401."""

    models: tuple[str, ...] = ("stub-7B",)
    key: str = ""
    tools: bool = True
    pictures: bool = False
    reasoning: bool = False
    answer: str = "The stub answers."
    gap_s: float = 0.0  # between two words
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)  # bodies of the chat requests
    keys: list[str] = field(default_factory=list)  # Authorization headers of all requests

    @property
    def endpoint(self) -> tuple[str, int]:
        """Return host and port, as LLM_HOSTS lists them."""
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 0)


@contextmanager
def serving_models(**options: Any) -> Iterator[StubServer]:
    """Run a server on a free port of this machine."""
    stub = StubServer(**options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] - a client that leaves is no error
    server.stub = stub  # type: ignore[attr-defined]
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # an answer ends with its connection

    @property
    def _stub(self) -> StubServer:
        return cast(StubServer, self.server.stub)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        if self._is_allowed():
            rows = [{"id": name, "max_model_len": 8192, "owned_by": "stub"} for name in self._stub.models]
            self._send(200, json.dumps({"object": "list", "data": rows}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._is_allowed():
            return
        self._stub.asked.append(body)
        pictured = any(isinstance(one["content"], list) for one in body["messages"])
        if (body.get("tools") and not self._stub.tools) or (pictured and not self._stub.pictures):
            self._send(400, json.dumps({"error": {"message": f"not for {self.headers.get('Authorization')}"}}))
            return
        if not body.get("stream"):
            message = {"role": "assistant", "content": self._stub.answer}
            self._send(200, json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}))
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if self._stub.reasoning:
            self._event({"reasoning_content": "Hm. "})
        for word in self._stub.answer.split(" "):
            self._event({"content": f"{word} "})
            time.sleep(self._stub.gap_s)
        self._event({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def _is_allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        self._stub.keys.append(given)
        if self._stub.key and given != f"Bearer {self._stub.key}":
            self._send(401, json.dumps({"error": {"message": f"wrong key: {given}"}}))
            return False
        return True

    def _event(self, delta: dict[str, str], reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        self.wfile.flush()

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
