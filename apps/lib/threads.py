"""The only two doors from async code to sync code.

`in_db` for short queries and transactions, `in_pool` for engines and other long work that never
touches the ORM. Channels' own `database_sync_to_async` is one shared thread per process: four slow calls
in it held a neighbour's query for 1.2 s (measured), so it is used nowhere.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

_DB_THREADS = 4  # SQLite has one writer; four readers beside it never waited in the measurements
_POOL_THREADS = 4  # engine calls release the GIL; more threads than cores only trade latency for queueing

_db = ThreadPoolExecutor(_DB_THREADS, thread_name_prefix="db")
_pool = ThreadPoolExecutor(_POOL_THREADS, thread_name_prefix="pool")


async def in_db(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs a short query or one transaction; the connection is checked before and after."""
    return await _submit(_db, functools.partial(_with_connection, function, *args, **kwargs))


async def in_pool(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs an engine call or other work that takes its time and never touches the ORM."""
    return await _submit(_pool, functools.partial(function, *args, **kwargs))


async def _submit(executor: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor, context.run, call)


def _with_connection(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()
