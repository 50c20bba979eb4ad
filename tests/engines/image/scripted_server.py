"""Picture server that gives scripted answers over real HTTP.

with PictureServer(answer(429), pictured()) as server: ... server.url, server.requests
"""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image


@dataclass(frozen=True)
class Answer:
    """Scripted response, sent in `pieces` with a pause before each. `short`: it promises more bytes than it sends."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    pieces: int = 1
    pause_s: float = 0.0
    short: bool = False


def answer(status: int, said: Any = b"", **also: Any) -> Answer:
    """Return a response with a JSON or binary body."""
    return Answer(status, said if isinstance(said, bytes) else json.dumps(said).encode(), **also)


def picture(size: tuple[int, int] = (64, 64), kind: str = "PNG") -> bytes:
    """Return a green picture."""
    file = io.BytesIO()
    Image.new("RGB", size, "green").save(file, kind)
    return file.getvalue()


def pictured(size: tuple[int, int] = (64, 64), **also: Any) -> Answer:
    """Return a response that holds a picture."""
    return answer(200, {"created": 1, "data": [{"b64_json": base64.b64encode(picture(size)).decode()}]}, **also)


class PictureServer:
    """Server that gives the answers in order and repeats the last one; `files` are answers by path."""

    def __init__(self, *answers: Answer, files: dict[str, Answer] | None = None) -> None:
        self._answers, self.files = list(answers), files or {}
        self.requests: list[tuple[str, str, Message, dict[str, Any]]] = []  # method, path, headers, JSON
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._http.server_port}"
        self.url = f"{self.origin}/v1"

    def __enter__(self) -> PictureServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def next(self, method: str, path: str) -> Answer:
        """Return the answer to a request."""
        if method == "GET":
            return self.files.get(path, Answer(404))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.requests.append(("POST", self.path, self.headers, json.loads(body)))
                self._say(server.next("POST", self.path))

            def do_GET(self) -> None:
                server.requests.append(("GET", self.path, self.headers, {}))
                self._say(server.next("GET", self.path))

            def _say(self, said: Answer) -> None:
                self.send_response(said.status)
                self.send_header("Content-Length", str(len(said.body) + said.short))
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                size = -(-len(said.body) // said.pieces) or 1
                try:
                    for at in range(0, len(said.body) or 1, size):
                        time.sleep(said.pause_s)
                        self.wfile.write(said.body[at : at + size])
                        self.wfile.flush()
                except OSError:
                    pass  # the client stopped waiting

            def log_message(self, *_: object) -> None:
                pass

        return Handler
