"""The server of a model, as an address to which requests go and where lines are kept between two of them."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote, unquote, urlsplit
from weakref import WeakKeyDictionary

from apps.engines.chat.line import Kept, Line

_KEEP_ALIVE_S = 4  # below the 5 s after which uvicorn, and so vLLM, closes an idle connection
_PATH = "/%:@!$&'()*+,;=~"  # stands in a path as it is


class Server:
    """`url` with the path under which all requests go; `headers` travel with each. From any event loop."""

    def __init__(self, url: str, headers: Mapping[str, str], connect_s: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._usable = parts.scheme in ("http", "https") and bool(self._host)
        self._path = quote(parts.path.rstrip("/"), safe=_PATH)
        self._connect_s = connect_s
        known = {"Host": self._named(parts.port), **headers}
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
        if not self._usable:
            raise OSError("This is no address of a server.")
        async with asyncio.timeout(self._connect_s):
            _, line = await asyncio.get_running_loop().create_connection(
                Line, self._host, self._port, ssl=_trusted() if self._secure else None
            )
        return line

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Raises ValueError where a header would be more than one."""
        length = {"Content-Length": str(len(body))} if body else {}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in {**self._headers, **headers, **length}.items()]
        if any(not line.isprintable() for line in lines):
            raise ValueError("The key of the model server holds characters that no header may hold.")
        return "\r\n".join([f"{method} {self._path}{path} HTTP/1.1", *lines, "", ""]).encode() + body

    def _named(self, port: int | None) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host.encode("idna").decode() if self._host else ""
        return host if port is None else f"{host}:{port}"

    def _of_loop(self) -> Kept:
        return self._kept.setdefault(asyncio.get_running_loop(), Kept(_KEEP_ALIVE_S))


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
