"""Before the model is asked: whether the question may be asked, and which passages speak to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext, ngettext

from apps.conversations.attachments import chat_files
from apps.conversations.core.events import Nothing
from apps.conversations.evidence import answer_sources, source_list, source_numbering
from apps.conversations.moderation import findings
from apps.conversations.turns import preparation, query_rewriting
from apps.conversations.turns.small_talk.recognition import drop_small_talk
from apps.conversations.turns.state import Turn
from apps.documents.retrieval import search as documents
from apps.documents.retrieval.candidates import SearchScope
from apps.documents.retrieval.search import SearchResult
from apps.documents.retrieval.withheld_documents import find_withheld_matches
from apps.engines import registry
from apps.lib.concurrency.threads import PoolTask, in_db, start_in_pool
from apps.users.models import User

if TYPE_CHECKING:
    from apps.engines.types import Vectors

TOKEN_BUDGET = 700  # of passages in a prompt; a CPU reads about 600 tokens a second
MAX_FILE_WAIT_S = 5.0  # how long a question waits at most for files that its user has just added,
MAX_ATTACHED_WAIT_S = 300.0  # and for those attached to its conversation, which it is likely about
_LOOK_S = 0.5  # between looks at them

_waiting: dict[UUID, tuple[int, asyncio.Event]] = {}  # answers that wait for files: whose, and whether to wait no more


def embed_question(question: str) -> PoolTask[Vectors]:
    """The vector of a question is being made, once, for whoever needs it: the gate and the search."""
    return start_in_pool(registry.get_embedder().embed_query, question)


async def retrieve_passages(turn: Turn) -> SearchResult | None:
    """The passages, None where none are wanted. Raises Withheld where the question may not be asked.

    Whether it may is looked into beside the first search, and nothing is said of that before.
    """
    if turn.opening.without_documents:
        await check_question(turn)
        return None
    allowed = asyncio.Event()
    turn.rewritten = query_rewriting.start_rewriting(turn, allowed)
    first = asyncio.create_task(_search(turn, turn.opening.scope))
    tasks: list[asyncio.Task[Any]] = [first, *filter(None, [turn.rewritten])]
    try:
        await check_question(turn)
        allowed.set()
        return await search_and_wait(turn, first)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        _ = [task.cancelled() or task.exception() for task in tasks]  # of no interest where the question was withheld


async def check_question(turn: Turn) -> None:
    """Raises Withheld where the question may not be asked."""
    start = time.perf_counter()
    try:
        await findings.check_input(turn, turn.opening.text, turn.vector)
    finally:
        turn.timings["check"] = _since(start)


async def search_and_wait(turn: Turn, first: Awaitable[SearchResult]) -> SearchResult:
    """Return the passages. Where there are none yet, wait visibly for files that the user has just added to what is
    searched, for READING_S at most, or until the user asks to be answered now.

    Files of other users, and files added earlier, keep no question waiting.
    """
    found = await first
    if not found.passages and found.just_added and not turn.hurried:
        found = await _wait(turn, found)
    turn.found = found
    turn.timings |= found.ms
    turn.timings["search"] = sum(found.ms.values())
    await turn.step("search", _searched(found, turn.opening.filters.words), turn.timings["search"])
    return found


def skip_file_wait(user: User, answer: UUID) -> None:
    """End the wait of that user's turn for files, if it waits in this process: elsewhere it ends by itself soon."""
    owner, hurried = _waiting.get(answer, (None, None))
    if owner == user.pk and hurried is not None:
        hurried.set()


async def wait_for_attached_files(turn: Turn) -> None:
    """Wait visibly until the files attached to the conversation are read, for MAX_ATTACHED_WAIT_S at most, or until the
    user asks to be answered now."""
    files, start, said = turn.opening.files, time.perf_counter(), 0
    if files is None:
        return
    answer, hurried = turn.opening.answer, asyncio.Event()
    _waiting[answer] = turn.opening.user.pk, hurried
    try:
        while (left := MAX_ATTACHED_WAIT_S - (time.perf_counter() - start)) > 0 and not hurried.is_set():
            if not (count := await in_db(chat_files.count_unread_files, files)):
                break
            if count != said:
                await turn.step("wait", _reading(count))
            said = count
            with suppress(TimeoutError):
                await asyncio.wait_for(hurried.wait(), min(_LOOK_S, left))
    finally:
        del _waiting[answer]
    if said:
        turn.hurried = hurried.is_set()
        turn.opening = replace(turn.opening, scope=await in_db(preparation.resolve_first_scope, turn.opening))
        await turn.step("wait", gettext("Waited for files to be read"), _since(start))


async def _wait(turn: Turn, found: SearchResult) -> SearchResult:
    """Search again as files are read; return what the last search found, at the latest after READING_S."""
    start, said = time.perf_counter(), 0
    answer, hurried = turn.opening.answer, asyncio.Event()
    _waiting[answer] = turn.opening.user.pk, hurried
    try:
        while not found.passages and (found.just_added or said) and not hurried.is_set():
            if (left := MAX_FILE_WAIT_S - (time.perf_counter() - start)) <= 0:
                break
            if found.just_added:  # else the last file was finished meanwhile, perhaps too late for that search
                if found.just_added != said:
                    await turn.step("wait", _reading(found.just_added))
                with suppress(TimeoutError):
                    await asyncio.wait_for(hurried.wait(), min(_LOOK_S, left))
            said = found.just_added
            found = await _search(turn)
    finally:
        del _waiting[answer]
    await turn.step("wait", gettext("Waited for files to be read"), _since(start))
    return found


async def emit_no_results(turn: Turn, found: SearchResult) -> None:
    """Say what was searched in vain, which matching documents are withheld from the user's own collections, what can
    be done, and show the passages that come nearest, folded."""
    opening = turn.opening
    withheld = await in_db(find_withheld_matches, opening.user, found.query, opening.collections)
    nearest = found.nearest or found.passages[: documents.NEAREST]
    turn.quotes, turn.placed = (
        [],
        [replace(item, fresh=()) for item in source_numbering.number_passages(nearest, opening.numbers, {})],
    )
    if found.passages:  # counted only where none was found
        found = await documents.count_documents(opening.user, found, opening.collections, opening.filters)
    turn.nothing = {
        "withheld": withheld,
        "searched": list(found.searched),
        "left_out": list(found.left_out),
        "documents": found.documents,
        "waiting": found.waiting,
        "query": found.query,
        "can_widen": bool(opening.collections) and not opening.files_first,
        "filters": turn.opening.filters.record(),
        "by_words": await in_db(documents.list_unembedded_languages, opening.user, opening.collections),
    }
    await turn.say(Nothing(source_list.render_no_results(turn.nothing)))
    if turn.placed:
        await turn.store_sources()
        await turn.say(answer_sources.build_retrieved_event(turn))


async def search_other_question(turn: Turn, question: str, place: SearchScope) -> SearchResult:
    """Return the passages for another question than the turn's, in half of the room of a prompt."""
    return await documents.search(
        turn.opening.user, question, scope=place, token_budget=TOKEN_BUDGET // 2, count=turn.chat.count
    )


async def _search(turn: Turn, scope: SearchScope | None = None) -> SearchResult:
    opening = turn.opening
    found = await _search_in(turn, opening.searched_first, scope)
    if opening.files_first and not found.passages:
        found = await _search_in(turn, opening.collections)
    return found


async def _search_in(turn: Turn, collections: tuple[UUID, ...], scope: SearchScope | None = None) -> SearchResult:
    opening = turn.opening
    return await documents.search(
        opening.user,
        opening.text,
        collections=collections,
        scope=scope,
        filters=opening.filters,
        history=drop_small_talk(past.question for past in opening.history if not past.called),
        token_budget=TOKEN_BUDGET,
        count=turn.chat.count,
        vector=turn.vector,
        rewritten=turn.rewritten,
    )


def _searched(found: SearchResult, only: str) -> str:
    count, places = len(found.passages), len(found.searched)
    several = ngettext("%(n)s collection", "%(n)s collections", places) % {"n": places}
    where = found.searched[0] if places == 1 else several
    values = {"where": f"{where} ({only})" if only else where, "n": count}
    words = ngettext("Searched %(where)s, found %(n)s passage", "Searched %(where)s, found %(n)s passages", count)
    said = (words if count else gettext("Searched %(where)s, found no passages")) % values
    if found.respelt:
        said += ". " + gettext("Searched for %(words)s") % {
            "words": ", ".join(f"“{word}”" for word in found.respelt.values())
        }
    if found.left_out:
        names = ", ".join(found.left_out)
        said += ". " + gettext("Not searched, because another embedding model read them: %(names)s") % {"names": names}
    return said


def _reading(files: int) -> str:
    return ngettext("%(n)s file is still being read", "%(n)s files are still being read", files) % {"n": files}


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
