"""Turn log in Redis Streams, for several web processes. The sequence number of an event is its stream id.

Appending is one Lua script, so numbers have no gaps with concurrent writers. Commands are repeated after the loss of
a connection, also one that Redis has carried out: each script recognises its own mark and does nothing twice.

If Redis restarts without its data, the writer of a turn goes on with its numbers. Readers notice the gap and end.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from apps.engines.types import EngineRefused, EngineUnavailable, TurnLogEntry

T = TypeVar("T")

_ABANDONED_MS = 3_600_000  # milliseconds without an event after which a turn counts as abandoned
_MAX_EVENTS = 100_000  # per turn; a long answer has some hundred
_BLOCK_MS = 2000  # milliseconds of one wait; between two, a reader checks that the log still exists
_CLOSED, _FULL = -1, -2

_RETRIES, _LONGEST_PAUSE_S = 5, 1.0  # after pauses of 0.1, 0.2, 0.4, 0.8 and 1 s

# KEYS: log. ARGV: data, mark, milliseconds to keep, most events, last number of this writer.
# Fields of an entry: d data, m mark, r retraction, e end. As many entries are compared with the mark as other writers
# may add while one repeats.
_APPEND = """
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 20)
for _, entry in ipairs(newest) do
  if entry[2][4] == ARGV[2] then return tonumber(string.match(entry[1], '^%d+')) end
end
local n = tonumber(ARGV[5])
if newest[1] then
  if newest[1][2][1] == 'e' then return -1 end
  n = math.max(n, tonumber(string.match(newest[1][1], '^%d+')))
end
if n >= tonumber(ARGV[4]) then return -2 end
redis.call('XADD', KEYS[1], (n + 1) .. '-0', 'd', ARGV[1], 'm', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return n + 1
"""
# KEYS: log, stop. ARGV: milliseconds to keep. The end is an entry after the last event.
_FINISH = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local n = 0
if last then n = tonumber(string.match(last[1], '^%d+')) end
if not (last and last[2][1] == 'e') then redis.call('XADD', KEYS[1], (n + 1) .. '-0', 'e', '1') end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return n
"""

# KEYS: log. ARGV: data, mark, milliseconds to keep. A stream never reuses an id, so it is deleted and rebuilt.
_RETRACT = """
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 2)
if not newest[1] then return 0 end
if newest[2] and newest[2][2][4] == ARGV[2] then return tonumber(string.match(newest[2][1], '^%d+')) end
local n = tonumber(string.match(newest[1][1], '^%d+'))
if newest[1][2][1] ~= 'e' then n = n + 1 end
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[1], n .. '-0', 'd', ARGV[1], 'm', ARGV[2], 'r', '1')
redis.call('XADD', KEYS[1], (n + 1) .. '-0', 'e', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return n
"""


class RedisTurnLog:
    """Turn log in Redis. `keep_s` counts from the end of a turn, in seconds. One connection pool per event loop; a tail
    holds one connection."""

    def __init__(self, url: str, keep_s: float = 600, prefix: str = "openbook:turn:") -> None:
        self._url = url
        self._retention_ms = max(1, int(keep_s * 1000))
        self._prefix = prefix
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._written: dict[str, int] = {}  # last number that this process gave, by running turn

    async def append(self, turn: str, data: bytes) -> int:
        own = self._written.get(turn, 0)
        script = self._script(_APPEND, [self._log(turn)], data, _make_mark(), _ABANDONED_MS, _MAX_EVENTS, own)
        seq = int(await self._call(script))
        if seq == _CLOSED:
            raise EngineRefused("This answer is finished. Nothing can be added to it.")
        if seq == _FULL:
            raise EngineRefused("The answer is too long to be stored while it is being written.")
        self._written[turn] = max(seq, own)
        return seq

    async def finish(self, turn: str) -> None:
        self._written.pop(turn, None)
        await self._call(self._script(_FINISH, [self._log(turn), self._stop(turn)], self._retention_ms))

    async def read(self, turn: str, after: int = 0) -> list[TurnLogEntry]:
        found = await self._call(self._client().xrange(self._log(turn), min=f"({max(after, 0)}-0"))
        return [entry for entry in map(_entry, found) if entry is not None]

    async def exists(self, turn: str) -> bool:
        return bool(await self._call(self._client().exists(self._log(turn))))

    async def tail(self, turn: str, after: int = 0) -> AsyncIterator[TurnLogEntry]:
        at = max(after, 0)
        last = await self._call(self._client().xrevrange(self._log(turn), count=1))
        if last and _entry(last[0]) is None and _number(last[0]) <= at:
            return  # the reader has seen the end already
        while await self._reaches(turn, at):
            for item in await self._wait(self._log(turn), f"{at}-0"):
                entry = _entry(item)
                if entry is None or (entry.seq > at + 1 and not _is_retraction(item)):
                    return
                at = entry.seq
                yield entry

    async def retract(self, turn: str, data: bytes) -> int:
        return int(await self._call(self._script(_RETRACT, [self._log(turn)], data, _make_mark(), self._retention_ms)))

    async def forget(self, turn: str) -> None:
        self._written.pop(turn, None)
        await self._call(self._client().delete(self._log(turn)))

    async def request_stop(self, turn: str) -> None:
        pipe = self._client().pipeline(transaction=True)
        pipe.xadd(self._stop(turn), {"stop": "1"}, maxlen=1)
        pipe.pexpire(self._stop(turn), _ABANDONED_MS)
        await self._call(pipe.execute())

    async def wait_stop(self, turn: str) -> None:
        while not await self._wait(self._stop(turn), "0-0"):
            pass

    async def close(self) -> None:
        """Close the connection pool of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def _reaches(self, turn: str, number: int) -> bool:
        """Return whether the log exists and holds that number: not if Redis lost it and another writer began anew."""
        last = await self._call(self._client().xrevrange(self._log(turn), count=1))
        return bool(last) and _number(last[0]) >= number

    async def _wait(self, key: str, after: str) -> list[Any]:
        """Return the entries after that id as soon as there are any; [] after `_BLOCK_MS` without one."""
        found: Any = await self._call(self._client().xread({key: after}, block=_BLOCK_MS, count=500))
        streams: list[Any] = list(found.values()) if isinstance(found, dict) else [items for _, items in found or ()]
        if streams and streams[0] and isinstance(streams[0][0], list):
            return streams[0][0]  # RESP3 nests the entries once more
        return streams[0] if streams else []

    def _script(self, text: str, keys: list[str], *values: Any) -> Awaitable[Any]:
        return cast(Awaitable[Any], self._client().register_script(text)(keys=keys, args=list(values)))

    async def _call(self, command: Awaitable[T]) -> T:
        try:
            with _errors():
                return await command
        finally:
            # The client loses a cancellation that arrives while it connects; the task would never end.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError

    def _log(self, turn: str) -> str:
        return f"{self._prefix}{{{turn}}}:log"

    def _stop(self, turn: str) -> str:
        return f"{self._prefix}{{{turn}}}:stop"

    def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import ExponentialBackoff
            from redis.exceptions import ConnectionError as Lost

            # Without `retry` a client made from an address does not retry, and the first command on each pooled
            # connection fails after a restart of Redis. A timeout is not repeated: it took 12 s already.
            client = self._clients[loop] = Redis.from_url(
                self._url,
                socket_connect_timeout=3,
                socket_timeout=_BLOCK_MS / 1000 + 10,
                health_check_interval=30,
                retry=Retry(ExponentialBackoff(cap=_LONGEST_PAUSE_S, base=0.05), _RETRIES, (Lost,)),
            )
        return client


def _make_mark() -> str:
    """Return a mark by which a script recognises what it has written already."""
    return secrets.token_hex(8)


def _number(item: Any) -> int:
    return int(item[0].split(b"-")[0])


def _is_retraction(item: Any) -> bool:
    return b"r" in item[1]


def _entry(item: Any) -> TurnLogEntry | None:
    """Return the event, or None for the end of the log."""
    fields = item[1]
    return TurnLogEntry(_number(item), fields[b"d"]) if b"d" in fields else None


@contextmanager
def _errors() -> Iterator[None]:
    from redis.exceptions import ConnectionError as Lost
    from redis.exceptions import RedisError
    from redis.exceptions import TimeoutError as Slow

    try:
        yield
    except (Lost, Slow, OSError, RedisError):
        raise EngineUnavailable("The log of running answers (Redis) does not answer.") from None
