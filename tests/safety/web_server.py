"""Local web server that answers with exactly the bytes that a test sets, and stores the requests."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = bytes | Callable[[socket.socket], None]


@dataclass
class Site:
    """Server with `answers` by path. A function as answer gets the connection and writes to it."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)  # server names of TLS handshakes (SNI)
    scheme: str = "http"

    def address(self, path: str, host: str = "127.0.0.1") -> str:
        """Return the URL of the path."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def page(self, path: str, body: bytes, kind: str = "text/html", more: str = "") -> str:
        """Answer the path with a page and return its URL. `more` are further header lines, each with CRLF."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        self.answers[path] = head.encode() + body
        return self.address(path)

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        """Answer the path with a redirect to `to` and return its URL."""
        self.answers[path] = f"HTTP/1.1 {status} Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()
        return self.address(path)


@contextmanager
def site(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Run the server on a free port, with TLS if `context` is given, and stop it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Site(listener.getsockname()[1], scheme="https" if context else "http")
        if context:
            context.sni_callback = lambda _, name, __: found.names.append(name)  # type: ignore[assignment]
        thread = threading.Thread(target=_serve, args=(listener, found, context), daemon=True)
        thread.start()
        try:
            yield found
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _serve(listener: socket.socket, found: Site, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, found, context), daemon=True).start()


def _answer(connection: socket.socket, found: Site, context: ssl.SSLContext | None) -> None:
    with suppress(OSError), connection:
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        request = b""
        while b"\r\n\r\n" not in request and (part := connection.recv(65536)):
            request += part
        found.requests.append(request)
        path = request.split(b" ")[1].decode()
        answer = found.answers.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        if callable(answer):
            answer(connection)
        else:
            connection.sendall(answer)
        connection.close()
