"""Steps of one answer, from the question to the last verified sentence. Entry point: `generate_answer`.

`runner.py` starts the turn before and closes it after, however it ends.
"""

from __future__ import annotations

import asyncio

from apps.conversations.attachments import prompt_content
from apps.conversations.core.document_request import COMPARE
from apps.conversations.image_chat import turn as image_chat_turn
from apps.conversations.tools import availability, loop, slash_commands
from apps.conversations.tools.availability import AvailableTools
from apps.conversations.turns import generation, quotes, retrieval
from apps.conversations.turns.generation import PromptExtras
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
    if (ask := image_chat_turn.find_picture_request(turn.input)) is not None:
        return await image_chat_turn.request_pictures(turn.input, turn.progress, turn.findings, ask)
    small_talk = reply.recognise_turn_small_talk(turn)
    if small_talk is not None and await reply.reply_to_small_talk(turn, small_talk):
        return
    files = await retrieval.wait_for_attached_files(turn)
    wanted = whole_document.recognise_turn_request(turn)
    if wanted is not None and await whole_document.reply_to_request(turn, wanted, files):
        return
    tools: AvailableTools = {}
    notes: tuple[str, ...] = ()
    if turn.sink.allows_tools and (command := slash_commands.parse_command(turn.input.text)) is not None:
        await retrieval.check_question(turn)
        outcome = await slash_commands.run_command(turn.calls, command, passage_tokens=await _get_passage_tokens(turn))
        if not outcome.answers_question:
            return
        found, notes = None, outcome.notes
    else:
        found = await find_sides(turn, wanted, files) if wanted is not None and wanted.kind == COMPARE else None
        if found is None:
            found, tools = await _retrieve(turn, files)
    attached = await prompt_content.load_for_model(turn.input, turn.progress, turn.findings)
    if found is not None and not found.passages and not (tools or attached or turn.follows_tool_call):
        return await retrieval.emit_no_results(turn, found)

    extras = PromptExtras(tools=tools, attached=attached, notes=notes)
    request, found = await _build_first_request(turn, found, extras)
    if request is None:
        return
    async with generation.emitting_sources(turn, found) as shown:
        while request is not None:
            request = await _write_round(turn, request, tools, shown)
    if found is not None and turn.has_no_evidence:
        turn.progress.drop_step("write")  # nothing that the model wrote was kept
        await retrieval.emit_no_results(turn, found)


async def _write_round(
    turn: Turn, request: ChatRequest, tools: AvailableTools, shown: asyncio.Task[None]
) -> ChatRequest | None:
    """Stream one round of the answer and make the calls that it ends with; return the next request, if any."""
    start = len(turn.text)
    await generation.stream_answer(turn, request, shown)
    requested, turn.requested_calls = turn.requested_calls, ()
    ended = loop.FinishedRound(request=request, calls=requested, text=turn.text, start=start)
    return await loop.build_next_request(
        turn.calls, tools, ended, passage_tokens=await _get_passage_tokens(turn) if requested else 0
    )


async def _get_passage_tokens(turn: Turn) -> int:
    return (await turn.get_reading_limits()).passage_tokens


async def _build_first_request(
    turn: Turn, found: SearchResult | None, extras: PromptExtras
) -> tuple[ChatRequest | None, SearchResult | None]:
    """Return the request and the search result that it is made of. Without a likely quote, search beyond the files of
    the chat; no request if there is still none and no tool that may answer: "nothing found" is emitted then.
    """
    request = await generation.build_request(turn, found, extras)
    while found is not None and not extras.attached and await quotes.has_no_likely_quote(turn, found):
        wider = await retrieval.search_beyond_files(turn)
        if not extras.tools and (wider is None or not wider.passages):
            await retrieval.emit_no_results(turn, wider or found)
            return None, found
        if wider is None:
            break
        found, request = wider, await generation.build_request(turn, wider, extras)
    return request, found


async def _retrieve(turn: Turn, files: retrieval.FileWait) -> tuple[SearchResult | None, AvailableTools]:
    """Return what the search found, and the tools that the model may call, loaded meanwhile.

    The search result is None without documents.
    """
    loading = asyncio.create_task(availability.load_available_tools(turn.input, turn.sink))
    try:
        found = await retrieval.retrieve_passages(turn, files)
        return found, await loading
    finally:
        loading.cancel()
        await asyncio.wait([loading])
        _ = (
            loading.cancelled() or loading.exception()
        )  # marks the exception as retrieved; the search may have raised first
