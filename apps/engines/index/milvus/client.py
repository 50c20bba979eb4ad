"""Connection to Milvus that translates errors, creates tables once and pages long answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from apps.engines.types import EngineBroken, EngineUnavailable

_PAGE = 1000  # rows per page
# Keepalive pings only while an answer is awaited, at half the longest wait. The client's default, every ten seconds
# even when idle, makes servers with gRPC defaults close the connection ("too many pings").
_PINGS = {
    "grpc.keepalive_time_ms": 25_000, "grpc.keepalive_timeout_ms": 20_000,
    "grpc.keepalive_permit_without_calls": 0,
}  # fmt: skip


class MilvusConnection:
    """Lazily opened connection. `timeout` is in seconds per request."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._token = f"{parts.username}:{parts.password or ''}" if parts.username else ""
        host = parts.hostname or "127.0.0.1"
        self._address = f"{parts.scheme}://{host}:{parts.port or 19530}"
        self._timeout = timeout  # seconds per request
        self._lock = threading.Lock()
        self._client_instance: Any = None
        self._tables: set[str] = set()

    def call(self, name: str, *args: Any, **options: Any) -> Any:
        """Call a method of the client by name. Raise EngineUnavailable if the server cannot be reached, EngineBroken
        for other errors."""
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
        """Return whether the table exists."""
        if table not in self._tables and self.call("has_collection", table):
            self._tables.add(table)
        return table in self._tables

    def make(self, table: str, parts: tuple[Any, Any]) -> None:
        """Create the table if it is missing, with strong consistency. `parts` are its schema and indexes."""
        if self.has(table):
            return
        schema, indexes = parts
        try:
            self.call("create_collection", table, schema=schema, index_params=indexes, consistency_level="Strong")
        except EngineBroken:
            if not self.has(table):  # no other process created it meanwhile
                raise
        self._tables.add(table)

    def rows(self, table: str, condition: str, fields: list[str]) -> Iterator[dict[str, Any]]:
        """Yield every row that matches the condition `condition`, page by page."""
        pages = self.call("query_iterator", table, batch_size=_PAGE, filter=condition, output_fields=fields)
        try:
            while page := pages.next():
                yield from page
        finally:
            pages.close()

    def _client(self) -> Any:
        from pymilvus import MilvusClient

        with self._lock:
            if self._client_instance is None:
                self._client_instance = MilvusClient(
                    self._address, token=self._token, timeout=self._timeout, grpc_options=_PINGS
                )
            return self._client_instance


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "message", "")) or str(error)
    return (text.strip().partition("\n")[0] or type(error).__name__).rstrip(".") + "."
