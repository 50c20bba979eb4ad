"""Check the question and search for passages, before the model is asked.

Entry points: `retrieve_passages`, which does both side by side, `check_question`, `wait_for_attached_files` and
`emit_no_results`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext, ngettext

from apps.conversations.assistants import collection_choice
from apps.conversations.attachments import chat_files
from apps.conversations.core.events import NothingFound
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.evidence import answer_sources, source_list, source_numbering
from apps.conversations.turns import inside_collections, preparation, query_rewriting
from apps.conversations.turns.small_talk.recognition import drop_small_talk
from apps.conversations.turns.state import Turn
from apps.conversations.turns.step_results import Retrieved
from apps.documents.retrieval import search as documents
from apps.documents.retrieval.candidates import SearchScope
from apps.documents.retrieval.search import SearchResult
from apps.documents.retrieval.withheld_documents import find_withheld_matches
from apps.engines import registry
from apps.lib.concurrency.threads import PoolTask, in_db, start_in_pool
from apps.users.models import User

if TYPE_CHECKING:
    from apps.engines.types import Vectors
    from apps.grounding.quote_selection import Quote

MAX_FILE_WAIT_S = 5.0  # seconds that a question waits for files that its user has just added, at most
MAX_ATTACHED_WAIT_S = 300.0  # the same for files attached to its conversation, which it is likely about
_POLL_S = 0.5  # seconds between two looks at them

_waiting: dict[UUID, tuple[int, asyncio.Event]] = {}  # by answer: id of the user, and the event that ends the wait


def embed_question(question: str) -> PoolTask[Vectors]:
    """Start to embed the question; gate and search share the result."""
    return start_in_pool(registry.get_embedder().embed_query, question)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWait:
    """Wait of a turn for the files attached to its conversation."""

    scope: SearchScope | None  # of the first search, read anew after the wait; None without documents
    is_skipped: bool = False  # the user asked to be answered before the files were read

    def update_scope(self, turn_input: TurnInput) -> TurnInput:
        """Return the input with the scope of its first search as it is after the wait."""
        return turn_input if turn_input.scope is self.scope else replace(turn_input, scope=self.scope)


async def retrieve_passages(turn: Turn, files: FileWait) -> Retrieved | None:
    """Return what the search found; None without documents. Raise Withheld if the gate withholds the question.

    The gate judges the question beside the first search, whose result is shown only after the verdict.
    """
    if turn.input.without_documents:
        await check_question(turn)
        return None
    allowed = asyncio.Event()
    rewriting = query_rewriting.start_rewriting(turn, allowed)
    first = asyncio.create_task(_search(turn, rewriting, files.scope))
    tasks: list[asyncio.Task[Any]] = [first, *filter(None, [rewriting])]
    try:
        await asyncio.sleep(0)  # lets the index be asked before the rules of the gate take the event loop
        await check_question(turn)
        allowed.set()
        return await search_and_wait(turn, first, waits=not files.is_skipped)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        _ = [
            task.cancelled() or task.exception() for task in tasks
        ]  # marks exceptions as retrieved; Withheld is raised instead


async def check_question(turn: Turn) -> None:
    """Let the gate judge the question. Raise Withheld."""
    start = time.perf_counter()
    try:
        await turn.findings.check_input(turn.input.text, turn.vector)
    finally:
        turn.progress.record_times(check=_get_elapsed_ms(start))


async def search_and_wait(turn: Turn, first: Awaitable[Retrieved], *, waits: bool = True) -> Retrieved:
    """Return what the search found. If nothing, and `waits`, wait for files that the user has just added.

    The wait is shown as a step. It ends after MAX_FILE_WAIT_S, or when the user asks to be answered now. Files of other
    users, and files added earlier, keep no question waiting.
    """
    found = await first
    if not found.has_passages and found.result.just_added and waits:
        found = await _wait_for_new_files(turn, found)
    await _show_search(turn, found)
    return found


def skip_file_wait(user: User, answer: UUID) -> None:
    """End the wait of the user's turn for files, if it runs in this process; elsewhere it ends by itself soon."""
    owner, hurried = _waiting.get(answer, (None, None))
    if owner == user.pk and hurried is not None:
        hurried.set()


@contextmanager
def _listen_for_skip(turn: Turn) -> Iterator[asyncio.Event]:
    """Yield the event that `skip_file_wait` sets."""
    event = asyncio.Event()
    _waiting[turn.input.answer_id] = turn.input.user.pk, event
    try:
        yield event
    finally:
        del _waiting[turn.input.answer_id]


async def wait_for_attached_files(turn: Turn) -> FileWait:
    """Wait until the files attached to the conversation are read, shown as a step with the progress of the reading.

    The wait ends after MAX_ATTACHED_WAIT_S, or when the user asks to be answered now.
    """
    files, start, shown = turn.input.files, time.perf_counter(), ""
    if files is None:
        return FileWait(scope=turn.input.scope)
    with _listen_for_skip(turn) as hurried:
        while (left := MAX_ATTACHED_WAIT_S - (time.perf_counter() - start)) > 0 and not hurried.is_set():
            if not (words := await in_db(chat_files.describe_reading, files)):
                break
            if words != shown:
                await turn.emit_step("wait", words)
            shown = words
            with suppress(TimeoutError):
                await asyncio.wait_for(hurried.wait(), min(_POLL_S, left))
    if not shown:
        return FileWait(scope=turn.input.scope)
    scope = await in_db(preparation.resolve_first_scope, turn.input)
    await turn.emit_step("wait", gettext("Waited for files to be read"), _get_elapsed_ms(start))
    return FileWait(scope=scope, is_skipped=hurried.is_set())


async def _wait_for_new_files(turn: Turn, found: Retrieved) -> Retrieved:
    """Search again as files are read; return what the last search found, after MAX_FILE_WAIT_S at most."""
    start, shown_count = time.perf_counter(), 0
    with _listen_for_skip(turn) as hurried:
        while not found.has_passages and (found.result.just_added or shown_count) and not hurried.is_set():
            if (left := MAX_FILE_WAIT_S - (time.perf_counter() - start)) <= 0:
                break
            if (
                just_added := found.result.just_added
            ):  # else the last file was finished meanwhile, perhaps too late for that search
                if just_added != shown_count:
                    await turn.emit_step("wait", _describe_unread(just_added))
                with suppress(TimeoutError):
                    await asyncio.wait_for(hurried.wait(), min(_POLL_S, left))
            shown_count = just_added
            found = await _search(turn, found.rewriting)
    await turn.emit_step("wait", gettext("Waited for files to be read"), _get_elapsed_ms(start))
    return found


async def emit_no_results(turn: Turn, retrieved: Retrieved, nearest: Sequence[Quote] = ()) -> None:
    """Emit the notice that nothing was found: what was searched, what can be done, and the nearest passages, folded.

    With `nearest`, quotes of the turn's passages that may answer, the notice says that none says it directly, and the
    quotes are shown. It also names matching documents of the user's own collections that are withheld.
    """
    found = retrieved.result
    if nearest:
        numbered = list(turn.passages)
    else:
        passages = found.nearest or found.passages[: documents.NEAREST]
        numbered = source_numbering.number_passages(passages, turn.input.numbers, {})
    turn.presented = replace(turn.presented, quotes=tuple(nearest))
    turn.sources.replace([replace(item, new_spans=()) for item in numbered])
    await emit_no_results_notice(turn, retrieved)
    if turn.passages:
        await turn.sources.publish(nearest=not nearest)
    if nearest:
        await turn.emit(answer_sources.build_quotes_event(turn.input, turn.passages, nearest, nearest=True))


async def emit_no_results_notice(turn: Turn, retrieved: Retrieved) -> None:
    """Emit the notice of `emit_no_results`; the passages that the model was given stay the answer's sources."""
    prepared, found = turn.input, retrieved.result
    withheld = await in_db(find_withheld_matches, prepared.user, found.query, prepared.collections)
    if found.passages:  # counted only where none was found
        found = await documents.count_documents(prepared.user, found, retrieved.collections, prepared.filters)
    no_results = {
        "withheld": withheld,
        "searched": list(found.searched),
        "left_out": list(found.unsearched),
        "documents": found.documents,
        "waiting": found.waiting,
        "can_widen": bool(prepared.collections) and not prepared.files_first,
        "filters": prepared.filters.record(),
        "nearest": bool(turn.presented.quotes),
        "awaited_language": found.awaited_language,
    }
    turn.presented = replace(turn.presented, no_results=no_results)
    await turn.emit(NothingFound(source_list.render_no_results(no_results)))


async def search_other_question(turn: Turn, question: str, scope: SearchScope) -> SearchResult:
    """Return the passages for another question than the turn's, within half of the token budget."""
    budget = (await turn.get_reading_limits()).passage_tokens // 2
    return await documents.search(turn.input.user, question, scope=scope, token_budget=budget, count=turn.chat.count)


async def search_beyond_files(turn: Turn, before: Retrieved) -> Retrieved | None:
    """Return what the chosen collections hold; None if the search before was not of the chat's files alone."""
    prepared = turn.input
    if not prepared.files_first or before.collections == prepared.collections:
        return None
    found = await _search_in(turn, before.rewriting, prepared.collections)
    await _show_search(turn, found)
    return found


async def _show_search(turn: Turn, retrieved: Retrieved) -> None:
    """Record the times of the search, and show it as a step."""
    found = retrieved.result
    took = sum(found.ms.values())
    turn.progress.record_times(**found.ms | {"search": took})
    await turn.emit_step("search", _describe_search(found, turn.input.filters.words), took)
    if lost := turn.input.lost_collections:
        await turn.emit_step("collections", collection_choice.describe_lost_collections(lost), 0.0)
    if kept := inside_collections.describe_kept(turn.input):
        await turn.emit_step("inside", kept, 0.0)


async def _search(turn: Turn, rewriting: asyncio.Task[str] | None, scope: SearchScope | None = None) -> Retrieved:
    prepared = turn.input
    found = await _search_in(turn, rewriting, prepared.first_collections, scope)
    if prepared.files_first and not found.has_passages:
        found = await _search_in(turn, rewriting, prepared.collections)
    return found


async def _search_in(
    turn: Turn,
    rewriting: asyncio.Task[str] | None,
    collections: tuple[UUID, ...],
    scope: SearchScope | None = None,
) -> Retrieved:
    prepared = turn.input
    if rewriting is not None and rewriting.cancelled():
        rewriting = None  # it ended with the first search
    budget = asyncio.create_task(_get_token_budget(turn))  # a server that is away does not delay the search
    try:
        found = await documents.search(
            prepared.user,
            prepared.text,
            collections=collections,
            scope=scope,
            filters=prepared.filters,
            history=drop_small_talk(past.question for past in prepared.history if not past.only_called_tool),
            token_budget=budget,
            count=turn.chat.count,
            vector=turn.vector,
            rewritten=rewriting,
        )
    finally:
        budget.cancel()
    return Retrieved(result=found, collections=collections, rewriting=rewriting)


async def _get_token_budget(turn: Turn) -> int:
    return (await turn.get_reading_limits()).passage_tokens


def _describe_search(found: SearchResult, only: str) -> str:
    count, collection_count = len(found.passages), len(found.searched)
    several = ngettext("%(n)s collection", "%(n)s collections", collection_count) % {"n": collection_count}
    where = found.searched[0] if collection_count == 1 else several
    values = {"where": f"{where} ({only})" if only else where, "n": count}
    words = ngettext("Searched %(where)s, read %(n)s passage", "Searched %(where)s, read %(n)s passages", count)
    text = (words if count else gettext("Searched %(where)s, found no passages")) % values
    if found.corrections:
        text += ". " + gettext("Searched for %(words)s") % {
            "words": ", ".join(f"“{word}”" for word in found.corrections.values())
        }
    if found.unsearched:
        names = ", ".join(found.unsearched)
        text += ". " + gettext("Not searched, because another embedding model read them: %(names)s") % {"names": names}
    return text


def _describe_unread(files: int) -> str:
    return ngettext("%(n)s file is still being read", "%(n)s files are still being read", files) % {"n": files}


def _get_elapsed_ms(start: float) -> float:
    return (time.perf_counter() - start) * 1000
