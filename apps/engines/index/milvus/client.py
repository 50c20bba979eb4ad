"""One connection to Milvus: errors get the product's names, tables are made once, long answers come in pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from apps.engines.types import EngineBroken, EngineUnavailable

_PAGE = 1000  # rows of one answer
# Only while an answer is awaited, and twice in the time that it may take. The client's own, every ten seconds also
# where nothing is asked, make servers that follow the defaults of gRPC hang up: too many pings.
_PINGS = {
    "grpc.keepalive_time_ms": 25_000, "grpc.keepalive_timeout_ms": 20_000,
    "grpc.keepalive_permit_without_calls": 0,
}  # fmt: skip


class MilvusConnection:
    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._token = f"{parts.username}:{parts.password or ''}" if parts.username else ""
        host = parts.hostname or "127.0.0.1"
        self._address = f"{parts.scheme}://{host}:{parts.port or 19530}"
        self._timeout = timeout  # seconds, of one request
        self._lock = threading.Lock()
        self._made: Any = None
        self._tables: set[str] = set()

    def ask(self, name: str, *args: Any, **options: Any) -> Any:
        """A method of the client by name. Raises EngineUnavailable where the server is away, EngineBroken where it
        does not understand."""
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException, MilvusUnavailableException

        try:
            return getattr(self._client(), name)(*args, timeout=self._timeout, **options)
        except (MilvusUnavailableException, RpcError, OSError) as error:
            raise EngineUnavailable(f"Milvus does not answer: {_first_line(error)}") from error
        except MilvusException as error:
            words = _first_line(error)
            if "connect" in words or "unavailable" in words.lower() or "deadline" in words.lower():
                raise EngineUnavailable(f"Milvus does not answer: {words}") from error
            raise EngineBroken(f"Milvus cannot do this: {words}") from error

    def has(self, table: str) -> bool:
        if table not in self._tables and self.ask("has_collection", table):
            self._tables.add(table)
        return table in self._tables

    def make(self, table: str, parts: tuple[Any, Any]) -> None:
        """The table, unless it is there; what is written to it is seen by the next search."""
        if self.has(table):
            return
        schema, indexes = parts
        try:
            self.ask("create_collection", table, schema=schema, index_params=indexes, consistency_level="Strong")
        except EngineBroken:
            if not self.has(table):  # another process was not quicker either
                raise
        self._tables.add(table)

    def rows(self, table: str, where: str, fields: list[str]) -> Iterator[dict[str, Any]]:
        """Every row of which the condition is true, a page at a time."""
        pages = self.ask("query_iterator", table, batch_size=_PAGE, filter=where, output_fields=fields)
        try:
            while page := pages.next():
                yield from page
        finally:
            pages.close()

    def _client(self) -> Any:
        from pymilvus import MilvusClient

        with self._lock:
            if self._made is None:
                self._made = MilvusClient(self._address, token=self._token, timeout=self._timeout, grpc_options=_PINGS)
            return self._made


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "message", "")) or str(error)
    return (text.strip().partition("\n")[0] or type(error).__name__).rstrip(".") + "."
