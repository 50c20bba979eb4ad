"""Bridge between async and sync code: `in_db`, `in_pool` and `start_in_pool` run functions in threads, `on_loop` runs a
coroutine from sync code.

`in_db` is for short queries and transactions, `in_pool` for engines and other long work that never uses the ORM.
Channels' own `database_sync_to_async` is not used: it is one shared thread per process. Four slow calls in it delayed
another query by 1.2 s (measured).
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
from django.utils import translation

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")

_DB_THREADS = 4  # SQLite has one writer; four readers beside it never waited in measurements
_POOL_THREADS = 4  # engine calls release the GIL; more threads than cores only add latency

_db = ThreadPoolExecutor(_DB_THREADS, thread_name_prefix="db")
_pool = ThreadPoolExecutor(_POOL_THREADS, thread_name_prefix="pool")

_TOLD_S = 10.0  # seconds within which the serving loop must run a coroutine; far more than one needs
_serving: list[asyncio.AbstractEventLoop] = []  # the loop that last called `in_db` or `in_pool`


async def in_db(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a short query or one transaction in a thread and return its result. The database connection is checked before
    and after.

    The work has the context of the caller, and so the active language.
    """
    return await _submit(_db, functools.partial(_with_connection, function, *args, **kwargs))


async def in_pool(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run an engine call or other long work that never uses the ORM in a thread and return its result.

    The work has the context of the caller, and so the active language.
    """
    return await _submit(_pool, functools.partial(function, *args, **kwargs))


class PoolTask(Generic[T]):
    """Running work of a thread pool. Any number of tasks may await it; cancelling one does not cancel the work."""

    def __init__(self, future: Future[T]) -> None:
        self._future = future

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()

    def then(self, function: Callable[[T], U]) -> PoolTask[U]:
        """Return the task of `function` on the result, run at once by the thread that made it. A detour over the event
        loop takes a millisecond on a busy machine. Errors of the work are passed on."""
        here, run = threading.get_ident(), _carry()
        after: Future[U] = Future()

        def follow(done: Future[T]) -> None:
            if threading.get_ident() == here:  # the result was there already, and this thread belongs to the event loop
                _pool.submit(follow, done)
            else:
                _follow(after, lambda: run(lambda: function(done.result())))

        self._future.add_done_callback(follow)
        return PoolTask(after)

    def then_in_db(self, function: Callable[[T], U]) -> PoolTask[U]:
        """Return the task of `function` on the result, run in a database thread without a detour over the event loop.
        Errors of the work are passed on."""
        run = _carry()
        after: Future[U] = Future()

        def follow(done: Future[T]) -> None:
            call = functools.partial(_with_connection, lambda: function(done.result()))
            _db.submit(_follow, after, functools.partial(run, call))

        self._future.add_done_callback(follow)
        return PoolTask(after)


def _follow(after: Future[U], call: Callable[[], U]) -> None:
    try:
        after.set_result(call())
    except BaseException as error:  # noqa: BLE001 - passed on to those who await it
        after.set_exception(error)


def start_in_pool(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> PoolTask[T]:
    """Start work like `in_pool` at once, whether or not it is awaited."""
    call = functools.partial(function, *args, **kwargs)
    return PoolTask(_pool.submit(_carry(), call))


def on_loop(function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a coroutine from sync code and return its result. The coroutine runs on the loop that serves in this process,
    whose sockets it may then wake. If none serves, it runs on a new loop.

    Raise its errors, TimeoutError after 10 seconds, and RuntimeError when called from an event loop, which would wait
    for itself.
    """
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
    _serving[:] = [asyncio.get_running_loop()]
    return await _serving[0].run_in_executor(executor, _carry(), call)


def _carry() -> Callable[[Callable[[], Any]], Any]:
    """Return a function that runs work of another thread in the context and the language of this place.

    The language needs more than the context: asgiref keeps it for one thread.
    """
    context, language = contextvars.copy_context(), translation.get_language()

    def run(call: Callable[[], Any]) -> Any:
        with translation.override(language):
            return call()

    return lambda call: context.run(run, call)


def _with_connection(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()
