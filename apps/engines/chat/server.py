"""The server of a model, as an address to which requests go and where lines are kept between two of them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote, unquote, urlsplit
from weakref import WeakKeyDictionary

from aiohappyeyeballs import start_connection

from apps.engines.chat.line import Kept, Line

_KEEP_ALIVE_S = 4  # below the 5 s after which uvicorn, and so vLLM, closes an idle connection
_NEXT_S = 0.25  # without an answer, after which the next address of a host is tried beside it (RFC 8305)
_PATH = "/%:@!$&'()*+,;=~"  # stands in a path as it is


class Server:
    """`url` with the path under which all requests go; `headers` travel with each. From any event loop."""

    def __init__(self, url: str, headers: Mapping[str, str], connect_s: float) -> None:
        parts = urlsplit(url if _is_address(url) else "")
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._path = quote(parts.path.rstrip("/"), safe=_PATH)
        self._connect_s = connect_s
        known = {"Host": _named(self._host, parts.port), **headers, "Accept-Encoding": "identity"}
        if parts.username is not None and "Authorization" not in headers:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            known["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        self._headers = known
        self._kept: WeakKeyDictionary[asyncio.AbstractEventLoop, Kept] = WeakKeyDictionary()

    async def ask(self, method: str, path: str, by: float, body: bytes = b"", **headers: str) -> Line:
        """The line on which the server answers, the head read. Raises OSError, TimeoutError after `by` (seconds of the
        loop's clock). Whoever has read the answer gives the line back."""
        request = self._request(method, path, body, headers)
        while True:
            kept = self._of_loop().take()
            line = kept or await self._connected()
            try:
                await line.ask(request, by)
                return line
            except TimeoutError:
                line.close()
                raise
            except OSError:
                line.close()
                if kept is None or not line.silent:
                    raise
                # It had died unnoticed since it was used last: another one tells whether the server is there.
            except BaseException:
                line.close()
                raise

    def give(self, line: Line) -> None:
        """The line is needed no more; where its answer was not read to the end, it is closed, and the server stops."""
        self._of_loop().give(line)

    def close(self) -> None:
        """Lines that are kept in this event loop are closed."""
        self._of_loop().close()

    async def _connected(self) -> Line:
        if not self._host:
            raise OSError("This is no address of a server.")
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._connect_s):
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            own = await start_connection(found, happy_eyeballs_delay=_NEXT_S, interleave=1, loop=loop)
            try:
                _, line = await loop.create_connection(
                    Line, sock=own, ssl=_trusted() if self._secure else None,
                    server_hostname=self._host if self._secure else None,
                )  # fmt: skip
                return line
            except BaseException:
                own.close()
                raise

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Raises ValueError where a header would be more than one."""
        length = {"Content-Length": str(len(body))} if body else {}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in {**self._headers, **headers, **length}.items()]
        if any(not line.isprintable() for line in lines):
            raise ValueError("The key of the model server holds characters that no header may hold.")
        return "\r\n".join([f"{method} {self._path}{path} HTTP/1.1", *lines, "", ""]).encode() + body

    def _of_loop(self) -> Kept:
        return self._kept.setdefault(asyncio.get_running_loop(), Kept(_KEEP_ALIVE_S))


def _is_address(url: str) -> bool:
    """Whether it is one to which requests can be sent."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname and _named(parts.hostname, parts.port))
    except ValueError:  # no port, no address of IPv6, a name too long
        return False


def _named(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host.encode("idna").decode()
    return name if port is None else f"{name}:{port}"


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
