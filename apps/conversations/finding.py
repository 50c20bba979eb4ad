"""Before the model is asked: whether the question may be asked, and which passages speak to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, ngettext

from apps.conversations import fragments, noticed, rewriting
from apps.conversations.events import Nothing
from apps.conversations.turn import Turn
from apps.documents import search as documents
from apps.documents.candidates import Scope
from apps.documents.follow_up import is_small_talk
from apps.documents.search import Found
from apps.documents.withheld import find_matching
from apps.engines import registry
from apps.lib.threads import Begun, begin, in_db

if TYPE_CHECKING:
    from apps.engines.base import Vectors

TOKEN_BUDGET = 700  # of passages in a prompt; a CPU reads about 600 tokens a second
READING_S = 120.0  # how long a question waits for files that its user has just added
_LOOK_S = 1.5  # between looks at them


def embedded(question: str) -> Begun[Vectors]:
    """The vector of a question is being made, once, for whoever needs it: the gate and the search."""
    return begin(registry.embed().embed_query, question)


async def found(turn: Turn) -> Found | None:
    """The passages, None where none are wanted. Raises Withheld where the question may not be asked.

    Whether it may is looked into beside the first search, and nothing is said of that before.
    """
    if turn.opening.without_documents:
        await check(turn)
        return None
    allowed = asyncio.Event()
    turn.rewritten = rewriting.begin(turn, allowed)
    first = asyncio.create_task(_search(turn, turn.opening.scope))
    tasks: list[asyncio.Task[Any]] = [first, *filter(None, [turn.rewritten])]
    try:
        await check(turn)
        allowed.set()
        return await search(turn, first)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        _ = [task.cancelled() or task.exception() for task in tasks]  # of no interest where the question was withheld


async def check(turn: Turn) -> None:
    """Raises Withheld where the question may not be asked."""
    start = time.perf_counter()
    try:
        await noticed.let_through(turn, turn.opening.text, turn.vector)
    finally:
        turn.timings["check"] = _since(start)


async def search(turn: Turn, first: Awaitable[Found]) -> Found:
    """Return the passages. Where there are none yet, wait visibly for the files that the user has just added.

    Files of other users, and files added earlier, keep no question waiting; nor does small talk wait.
    """
    start = time.perf_counter()
    found = await first
    said, waited, patience = 0, False, 0.0 if is_small_talk(turn.opening.text) else READING_S
    while not found.passages and (found.just_added or said) and time.perf_counter() - start < patience:
        if found.just_added:  # else the last file was finished meanwhile, perhaps too late for that search
            if found.just_added != said:
                await turn.step("wait", _reading(found.just_added))
            await asyncio.sleep(_LOOK_S)
        said, waited = found.just_added, True
        found = await _search(turn)
    if waited:
        await turn.step("wait", gettext("Waited for files to be read"), _since(start))
    turn.found = found
    turn.timings |= found.ms
    turn.timings["search"] = sum(found.ms.values())
    await turn.step("search", _searched(found, turn.opening.filters.words), turn.timings["search"])
    return found


async def nothing(turn: Turn, found: Found) -> None:
    """Say what was searched in vain, which matching documents are withheld from the user's own collections, and what
    can be done."""
    opening = turn.opening
    withheld = await in_db(find_matching, opening.user, found.query, opening.collections)
    turn.nothing = {
        "withheld": withheld,
        "searched": list(found.searched),
        "left_out": list(found.left_out),
        "documents": found.documents,
        "waiting": found.waiting,
        "query": found.query,
        "can_widen": bool(turn.opening.collections),
        "filters": turn.opening.filters.record(),
    }
    await turn.opened()
    await turn.say(Nothing(fragments.nothing(turn.nothing)))


async def _search(turn: Turn, scope: Scope | None = None) -> Found:
    opening = turn.opening
    return await documents.search(
        opening.user,
        opening.text,
        collections=opening.collections,
        scope=scope,
        filters=opening.filters,
        history=[past.question for past in opening.history if not past.called],
        token_budget=TOKEN_BUDGET,
        count=turn.chat.count,
        vector=turn.vector,
        rewritten=turn.rewritten,
    )


def _searched(found: Found, only: str) -> str:
    count, places = len(found.passages), len(found.searched)
    several = ngettext("%(n)s collection", "%(n)s collections", places) % {"n": places}
    where = found.searched[0] if places == 1 else several
    values = {"where": f"{where} ({only})" if only else where, "n": count}
    words = ngettext("Searched %(where)s, found %(n)s passage", "Searched %(where)s, found %(n)s passages", count)
    said = (words if count else gettext("Searched %(where)s, found no passages")) % values
    if found.left_out:
        names = ", ".join(found.left_out)
        said += ". " + gettext("Left out what another embedding model has read: %(names)s") % {"names": names}
    return said


def _reading(files: int) -> str:
    return ngettext("%(n)s file is still being read", "%(n)s files are still being read", files) % {"n": files}


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
