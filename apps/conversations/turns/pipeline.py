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
from apps.engines.types import ChatRequest
from apps.grounding.quote_selection import QuoteSelection
from apps.lib.concurrency.threads import in_pool


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
        notes = outcome.notes
    else:
        sides = await find_sides(turn, wanted, files) if wanted is not None and wanted.kind == COMPARE else None
        if sides is None:
            tools = await _retrieve(turn, files)
        else:
            turn.retrieved = sides
    attached = await prompt_content.load_for_model(turn.input, turn.progress, turn.findings)
    found = turn.retrieved
    if found is not None and not found.has_passages and not (tools or attached or turn.follows_tool_call):
        return await retrieval.emit_no_results(turn, found)
    await _write_answer(turn, PromptExtras(tools=tools, attached=attached, notes=notes))


async def _write_answer(turn: Turn, extras: PromptExtras) -> None:
    """Have the model answer from `turn.retrieved`, in one round or several, unless no quote is likely, or the quotes
    are the answer and the model rests."""
    rests = not (extras.tools or extras.attached or extras.notes) and await quotes.model_rests(turn)
    ready, selection = await _build_first_request(turn, extras, rests=rests)
    if ready and rests and turn.retrieved is not None:
        return await generation.emit_quotes_alone(turn, turn.retrieved, selection)
    if not ready or turn.prompted is None:
        return
    request: ChatRequest | None = turn.prompted.request
    async with generation.emitting_sources(turn, turn.prompted, turn.retrieved, selection) as shown:
        while request is not None:
            request = await _write_round(turn, request, extras.tools, shown)
        await turn.verifier.judge_rest()
    if turn.retrieved is not None and turn.has_no_evidence:
        turn.progress.drop_step("write")  # nothing that the model wrote was kept
        await retrieval.emit_no_results(turn, turn.retrieved)


async def _write_round(
    turn: Turn, request: ChatRequest, tools: AvailableTools, shown: asyncio.Task[None]
) -> ChatRequest | None:
    """Stream one round of the answer and make the calls that it ends with; return the next request, if any."""
    start = len(turn.text)
    await generation.stream_answer(turn, request, shown)
    requested = turn.output.take_calls()
    ended = loop.FinishedRound(request=request, calls=requested, text=turn.text, start=start)
    return await loop.build_next_request(
        turn.calls, tools, ended, passage_tokens=await _get_passage_tokens(turn) if requested else 0
    )


async def _get_passage_tokens(turn: Turn) -> int:
    return (await turn.get_reading_limits()).passage_tokens


async def _build_first_request(turn: Turn, extras: PromptExtras, *, rests: bool) -> tuple[bool, QuoteSelection | None]:
    """Build the request unless the model rests, and begin to choose the quotes if the answer has to begin with them.

    Without a likely quote, search beyond the files of the chat. If there is still none, and no tool that may answer,
    emit "nothing found" and return False.
    """
    while True:
        if rests:
            generation.number_found_passages(turn, turn.retrieved)
        else:
            turn.prompted = await generation.build_request(turn, turn.retrieved, extras)
        selection = None if extras.attached else await quotes.begin_selection(turn, turn.retrieved, rests=rests)
        if turn.retrieved is None or selection is None or selection.is_answered:
            return True, selection
        wider = await retrieval.search_beyond_files(turn, turn.retrieved)
        turn.retrieved = wider or turn.retrieved
        if not extras.tools and (wider is None or not wider.has_passages):
            nearest = await in_pool(selection.select_nearest) if wider is None else []
            turn.prompted = None  # the request is not sent
            await retrieval.emit_no_results(turn, turn.retrieved, nearest)
            return False, None
        if wider is None:
            return True, selection


async def _retrieve(turn: Turn, files: retrieval.FileWait) -> AvailableTools:
    """Search, and return the tools that the model may call, loaded meanwhile. Nothing is found without documents."""
    loading = asyncio.create_task(availability.load_available_tools(turn.input, turn.sink))
    try:
        turn.retrieved = await retrieval.retrieve_passages(turn, files)
        return await loading
    finally:
        loading.cancel()
        await asyncio.wait([loading])
        _ = (
            loading.cancelled() or loading.exception()
        )  # marks the exception as retrieved; the search may have raised first
