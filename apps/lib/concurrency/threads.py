"""The only doors between async code and sync code: two into threads, and `on_loop` back.

`in_db` for short queries and transactions, `in_pool` for engines and other long work that never
touches the ORM. Channels' own `database_sync_to_async` is one shared thread per process: four slow calls
in it held a neighbour's query for 1.2 s (measured), so it is used nowhere.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")

_DB_THREADS = 4  # SQLite has one writer; four readers beside it never waited in the measurements
_POOL_THREADS = 4  # engine calls release the GIL; more threads than cores only trade latency for queueing

_db = ThreadPoolExecutor(_DB_THREADS, thread_name_prefix="db")
_pool = ThreadPoolExecutor(_POOL_THREADS, thread_name_prefix="pool")

_TOLD_S = 10.0  # within which a loop that serves runs a short coroutine; far beyond what it takes
_serving: list[asyncio.AbstractEventLoop] = []  # the one that last had work done here


async def in_db(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs a short query or one transaction; the connection is checked before and after."""
    return await _submit(_db, functools.partial(_with_connection, function, *args, **kwargs))


async def in_pool(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs an engine call or other work that takes its time and never touches the ORM."""
    return await _submit(_pool, functools.partial(function, *args, **kwargs))


class PoolTask(Generic[T]):
    """Work of the pool that is under way. Any number of tasks may await it, and none of them ends it for the others."""

    def __init__(self, future: Future[T]) -> None:
        self._future = future

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()

    def then(self, function: Callable[[T], U]) -> PoolTask[U]:
        """What follows from its result, by the thread that made it and at once: the way to the event loop and back
        takes a millisecond where others compute. Fails as the work itself does."""
        here, context = threading.get_ident(), contextvars.copy_context()
        after: Future[U] = Future()

        def follow(done: Future[T]) -> None:
            if threading.get_ident() == here:  # it was done before; this thread is the loop's and has no time
                _pool.submit(follow, done)
            else:
                _follow(after, lambda: context.run(function, done.result()))

        self._future.add_done_callback(follow)
        return PoolTask(after)

    def then_in_db(self, function: Callable[[T], U]) -> PoolTask[U]:
        """Likewise what asks the database then, by a thread for that, without the event loop in between."""
        context = contextvars.copy_context()
        after: Future[U] = Future()

        def follow(done: Future[T]) -> None:
            call = functools.partial(_with_connection, lambda: function(done.result()))
            _db.submit(_follow, after, functools.partial(context.run, call))

        self._future.add_done_callback(follow)
        return PoolTask(after)


def _follow(after: Future[U], call: Callable[[], U]) -> None:
    try:
        after.set_result(call())
    except BaseException as error:  # noqa: BLE001 - whoever awaits it hears of it
        after.set_exception(error)


def start_in_pool(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> PoolTask[T]:
    """As `in_pool`, begun at once, whether or not anybody awaits it."""
    call = functools.partial(function, *args, **kwargs)
    return PoolTask(_pool.submit(contextvars.copy_context().run, call))


def on_loop(function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What the coroutine returns, for sync code: run by the loop that serves in this process, whose sockets it may then
    wake, or by a loop of its own where none does. Raises what it raises, TimeoutError, and RuntimeError on a loop
    itself, which would wait for itself."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError("Await it: this thread is a loop's")
    serving = _serving[0] if _serving and _serving[0].is_running() else None
    if serving is None:
        return asyncio.run(function(*args, **kwargs))
    return asyncio.run_coroutine_threadsafe(function(*args, **kwargs), serving).result(_TOLD_S)


async def _submit(executor: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    context = contextvars.copy_context()
    _serving[:] = [asyncio.get_running_loop()]
    return await _serving[0].run_in_executor(executor, context.run, call)


def _with_connection(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()
