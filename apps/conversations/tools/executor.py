"""Execute one tool call: read, judge and validate its arguments, ask the user if needed, run it with a deadline.

The result is cut, judged, shown on a card and stored with the turn. Any failure ends on the card and is told to the
model; the turn goes on. Entry points: `execute_call`, `cancel_open_calls`, `update_card`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import orjson
from django.utils.translation import gettext

from apps.conversations.core import events
from apps.conversations.core.tool_calls import ToolCallRecord, ToolCallStatus
from apps.conversations.evidence import answer_sources, source_numbering
from apps.conversations.evidence.source_numbering import format_passage_line
from apps.conversations.models.tool import ToolPermission
from apps.conversations.moderation import findings
from apps.conversations.tools import approvals, argument_schema
from apps.conversations.tools.availability import AvailableTool, AvailableTools, CountTokens
from apps.conversations.tools.base import BaseTool, ToolCallRefused, ToolContext, ToolError, ToolResult
from apps.conversations.tools.call_cards import MAX_SHOWN_CHARACTERS, format_argument, mark_cancelled, render_card
from apps.engines.types import EngineError, ToolCall
from apps.lib.concurrency.threads import in_pool
from apps.safety.gate import gate

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn
    from apps.grounding.passage import Passage

log = logging.getLogger(__name__)

_BROKEN = "Something went wrong in this tool. Details are in the server log."
_SENSELESS = "The tool returned an invalid result."
_DENIED = "You did not allow it, so it was not done."
_SILENT = "It was not approved within %(minutes)s minutes, so it was not done."
_GIVEN_UP = "It took longer than %(seconds)s seconds and was cancelled."
_LINE = '[99] , page 999: ""'  # longest frame of a passage line, to estimate its tokens
_TOLD = {
    ToolCallStatus.FAILED: "The call failed: {}",
    ToolCallStatus.REFUSED: "The call was not made: {}",
}


async def execute_call(
    turn: Turn, requested: ToolCall, available_tools: AvailableTools, tokens: int, *, by_user: bool = False
) -> str:
    """Execute the call, show and store its card, and return the result text for the model, within `tokens`.

    Failures are returned as text too. `by_user` means that the user made the call, which counts as approval of
    harmless tools. Raise Withheld if the gate refuses the arguments.
    """
    began, item = time.perf_counter(), available_tools.get(requested.name)
    title = item.tool.title if item else requested.name[:64]
    record = ToolCallRecord(
        str(len(turn.tool_calls) + 1),
        requested.name[:64],
        title,
        {},
        template=item.tool.template if item else "",
        by_user=by_user,
    )
    try:
        record, text = await _execute(turn, requested, item, record, tokens, by_user)
    except ToolError as error:
        known = turn.tool_calls.get(record.id, record)
        status = ToolCallStatus.REFUSED if isinstance(error, ToolCallRefused) else ToolCallStatus.FAILED
        record = replace(known, status=status, message=str(error)[:400])
        text = _TOLD[status].format(error.plain)
    await update_card(turn, replace(record, ms=round((time.perf_counter() - began) * 1000, 1)))
    await turn.store_calls()
    return text


async def cancel_open_calls(turn: Turn) -> None:
    """Mark the cards of calls that still run or ask as cancelled, because the answer has ended."""
    for record in list(turn.tool_calls.values()):
        if record.status.is_open:
            await update_card(turn, mark_cancelled(record))


async def update_card(turn: Turn, record: ToolCallRecord) -> None:
    """Record the call in its present state and emit its card."""
    turn.tool_calls[record.id] = record
    await turn.emit(events.Tool(record.id, render_card(turn.prepared.answer_id, record)))


async def _execute(
    turn: Turn, requested: ToolCall, item: AvailableTool | None, record: ToolCallRecord, tokens: int, by_user: bool
) -> tuple[ToolCallRecord, str]:
    arguments = await _read_arguments(turn, requested, record, by_user)
    record = replace(record, arguments=arguments)
    if item is None:
        raise ToolError("There is no tool with this name, or it is turned off.")
    item.tool.check(arguments)
    if item.permission == ToolPermission.ASK and not (by_user and item.tool.is_harmless):
        await update_card(turn, replace(record, status=ToolCallStatus.ASKING))
        await _wait_for_approval(turn, record)
    await update_card(turn, record)
    result = await _run_tool(turn, item.tool, arguments, record, tokens)
    text = await _moderate_result(turn, result, item.tool)
    lines, numbers = await _add_sources(turn, result.passages, tokens)
    shown = replace(
        record,
        status=ToolCallStatus.DONE,
        text=(gate.normalise(result.card_text) or text)[:MAX_SHOWN_CHARACTERS],
        data=result.data,
        sources=numbers,
    )
    room = tokens - sum(turn.chat.count(lines))
    return shown, "\n".join(filter(None, [_fit_to_tokens(text, room, turn.chat.count), *lines]))


async def _read_arguments(turn: Turn, requested: ToolCall, record: ToolCallRecord, by_user: bool) -> dict[str, Any]:
    """Return the arguments, after they have passed the gate like any text of the model.

    Raise Withheld and ToolError.
    """
    written = gate.normalise(requested.arguments)
    _check_outgoing(turn, f"{requested.name} {written}")
    arguments = argument_schema.parse_arguments(written, by_user=by_user)
    # Again after parsing: argument names, and characters that were escaped.
    _check_outgoing(turn, orjson.dumps(arguments).decode())
    verdict = await gate.check_sentence(
        f"{record.title}: {', '.join(map(format_argument, arguments.values()))}", level=turn.strictness
    )
    if not verdict.allowed:
        raise gate.Withheld(verdict)
    findings.record_finding(turn, verdict)
    return arguments


def _check_outgoing(turn: Turn, text: str) -> None:
    """Check text that may be sent to another machine. Raise Withheld."""
    verdict = gate.check_outgoing(text, level=turn.strictness)
    if not verdict.allowed:
        raise gate.Withheld(verdict)
    findings.record_finding(turn, verdict)


async def _wait_for_approval(turn: Turn, record: ToolCallRecord) -> None:
    began = time.perf_counter()
    decision = await approvals.wait_for_decision(turn.prepared.answer_id, record.id)
    turn.timings["asking"] = turn.timings.get("asking", 0.0) + (time.perf_counter() - began) * 1000
    if not decision:
        raise (
            ToolCallRefused(_SILENT, minutes=f"{approvals.DECISION_TIMEOUT_S / 60:.0f}")
            if decision is None
            else ToolCallRefused(_DENIED)
        )


async def _run_tool(
    turn: Turn, tool: BaseTool, arguments: Mapping[str, Any], record: ToolCallRecord, tokens: int
) -> ToolResult:
    """Run the tool and return its result. It runs in a task of its own, so that a tool that hangs ends nothing else.

    Raise ToolError, also for engine errors, unexpected exceptions and timeouts.
    """
    prepared = turn.prepared

    async def progress(words: str) -> None:
        await update_card(turn, replace(record, message=words[:200]))

    asked = tuple(past.question for past in prepared.history if not past.only_called_tool)
    context = ToolContext(
        prepared.user, prepared.collections, asked, prepared.conversation_id, prepared.answer_id, record.id, tokens,
        turn.chat.count, progress, (await turn.get_reading_limits()).passage_tokens, prepared.filters, turn.strictness,
    )  # fmt: skip
    task = asyncio.ensure_future(tool.call(arguments, context))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.wait([task], timeout=tool.timeout_s)
    finally:
        if not (ended := task.done()):
            task.cancel()
    if not ended:
        raise ToolError(_GIVEN_UP, seconds=f"{tool.timeout_s:.0f}")
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if isinstance(error, ToolError):
        raise error
    if isinstance(error, EngineError):
        raise ToolError(str(error))
    if error is not None:
        log.error("The tool %s failed", tool.name, exc_info=error)
        raise ToolError(_BROKEN)
    if not isinstance(result := task.result(), ToolResult) or not isinstance(result.text, str):
        raise ToolError(_SENSELESS)
    return result


async def _moderate_result(turn: Turn, result: ToolResult, tool: BaseTool) -> str:
    """Return the result text, normalised and cut, after it has passed the gate. Raise ToolError if withheld.

    Passages are not judged again: they were at ingestion.
    """
    text = gate.normalise(result.text[: 2 * tool.max_characters]).strip()
    if len(text) > tool.max_characters:
        most = gettext("shortened: the result has more than %(most)s characters") % {"most": f"{tool.max_characters:,}"}
        text = f"{text[: tool.max_characters]} … ({most})"
    if text:
        await gate.ensure_fresh_policy()
        # As a passage first, which also finds instructions to the model.
        verdicts = [await in_pool(partial(gate.check_passage, text, level=turn.strictness))]
        if verdicts[0].allowed:
            verdicts.append(await gate.check_sentence(text, level=turn.strictness))
        for verdict in verdicts:
            findings.record_finding(turn, verdict)
        if not verdicts[-1].allowed:
            raise ToolError("Its result is withheld: it breaks the rules of this site, or could do harm.")
    return text


async def _add_sources(turn: Turn, passages: Sequence[Passage], tokens: int) -> tuple[list[str], tuple[int, ...]]:
    """Add the passages that fit into `tokens` as sources of the answer.

    Return their prompt lines and their source numbers.
    """
    ends = accumulate(turn.chat.count([f"{_LINE} {item.title} {item.text}" for item in passages]))
    if not (fitting := [item for item, end in zip(passages, ends, strict=True) if end <= tokens]):
        return [], ()
    turn.passages, found, fresh = source_numbering.add_passages(turn.passages, fitting, turn.prepared.numbers)
    turn.sources_stored = False  # if the turn ends meanwhile, `finish_turn` stores them
    lines = [(format_passage_line(item), item.number, item.passage.page_number, item.new_spans) for item in fresh]
    turn.tool_passages += lines
    await turn.store_sources()
    turn.verifier.reset_citer()
    await turn.emit(answer_sources.build_retrieved_event(turn))
    again = sorted({item.number for item in found} - {item.number for item in fresh})
    seen = [f"{' '.join(f'[{number}]' for number in again)}: as given above"] if again else []
    return [line for line, *_ in lines] + seen, tuple(item.number for item in found)


def _fit_to_tokens(text: str, room: int, count: CountTokens) -> str:
    """Return the beginning of the text that fits into `room` tokens."""
    while text and (tokens := count([text])[0]) > room:
        text = text[: max(0, min(len(text) - 1, int(len(text) * room / tokens)))]
    return text
