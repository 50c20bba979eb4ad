"""Steps of one answer, from the question to the last verified sentence. Entry point: `generate_answer`.

`runner.py` starts the turn before and closes it after, however it ends.
"""

from __future__ import annotations

import asyncio

from apps.conversations.attachments import prompt_content
from apps.conversations.core.document_request import COMPARE
from apps.conversations.image_chat import turn as image_chat_turn
from apps.conversations.tools import availability, loop, slash_commands
from apps.conversations.turns import generation, quotes, retrieval
from apps.conversations.turns.small_talk import reply
from apps.conversations.turns.state import Turn
from apps.conversations.turns.whole_document import reply as whole_document
from apps.conversations.turns.whole_document.comparison import find_sides
from apps.documents.retrieval.search import SearchResult
from apps.engines.types import ChatRequest


async def generate_answer(turn: Turn) -> None:
    """Run the turn: gate and search side by side, prompt, gated stream, citations; again after each round of tool
    calls.

    Requests for pictures, small talk, requests about a whole document and slash commands have their own paths. The rows
    of the turn must be stored before. Raise Withheld and EngineError.
    """
    if (ask := image_chat_turn.find_picture_request(turn)) is not None:
        return await image_chat_turn.request_pictures(turn, ask)
    small_talk = reply.recognise_turn_small_talk(turn)
    if small_talk is not None and await reply.reply_to_small_talk(turn, small_talk):
        return
    await retrieval.wait_for_attached_files(turn)
    wanted = whole_document.recognise_turn_request(turn)
    if wanted is not None and await whole_document.reply_to_request(turn, wanted):
        return
    if turn.sink.allows_tools and (command := slash_commands.parse_command(turn.prepared.text)) is not None:
        await retrieval.check_question(turn)
        if not await slash_commands.run_command(turn, command):
            return
        found = None
    else:
        found = await find_sides(turn, wanted) if wanted is not None and wanted.kind == COMPARE else None
        found = await _retrieve(turn) if found is None else found
    await prompt_content.load_for_model(turn)
    has_other_input = turn.available_tools or turn.attached or turn.follows_tool_call
    if found is not None and not found.passages and not has_other_input:
        return await retrieval.emit_no_results(turn, found)

    request, found = await _build_first_request(turn, found)
    if request is None:
        return
    async with generation.emitting_sources(turn, found) as shown:
        while request is not None:
            began = len(turn.text)
            await generation.stream_answer(turn, request, shown)
            request = await loop.build_next_request(turn, request, began)
    if found is not None and turn.has_no_evidence:
        turn.steps.pop("write", None)  # nothing that the model wrote was kept
        await retrieval.emit_no_results(turn, found)


async def _build_first_request(
    turn: Turn, found: SearchResult | None
) -> tuple[ChatRequest | None, SearchResult | None]:
    """Return the request and the search result that it is made of. Without a likely quote, search beyond the files of
    the chat; no request if there is still none and no tool that may answer: "nothing found" is emitted then.
    """
    request = await generation.build_request(turn, found)
    while found is not None and await quotes.has_no_likely_quote(turn, found):
        wider = await retrieval.search_beyond_files(turn)
        if not turn.available_tools and (wider is None or not wider.passages):
            await retrieval.emit_no_results(turn, wider or found)
            return None, found
        if wider is None:
            break
        found, request = wider, await generation.build_request(turn, wider)
    return request, found


async def _retrieve(turn: Turn) -> SearchResult | None:
    """Return what the search found; None without documents. Callable tools are loaded meanwhile into
    `turn.available_tools`.
    """
    loading = asyncio.create_task(availability.load_available_tools(turn.prepared, turn.sink))
    try:
        found = await retrieval.retrieve_passages(turn)
        turn.available_tools = await loading
        return found
    finally:
        loading.cancel()
        await asyncio.wait([loading])
        _ = (
            loading.cancelled() or loading.exception()
        )  # marks the exception as retrieved; the search may have raised first
