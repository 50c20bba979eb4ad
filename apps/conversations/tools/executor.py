"""Execute one tool call: read, judge and validate its arguments, ask the user if needed, run it with a deadline.

The result is cut, judged, shown on a card and stored with the turn. Any failure ends on the card and is told to the
model; the turn goes on. Entry point: `execute_call`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import orjson
from django.utils.translation import gettext

from apps.conversations.core.tool_calls import ToolCallRecord, ToolCallStatus
from apps.conversations.models.tool import ToolPermission
from apps.conversations.tools import approvals, argument_schema
from apps.conversations.tools.availability import AvailableTool, AvailableTools, CountTokens
from apps.conversations.tools.base import BaseTool, ToolCallRefused, ToolContext, ToolError, ToolResult
from apps.conversations.tools.call_cards import MAX_SHOWN_CHARACTERS, format_argument
from apps.engines.types import EngineError, ToolCall
from apps.lib.concurrency.threads import in_pool
from apps.safety.gate import gate

if TYPE_CHECKING:
    from apps.conversations.moderation.findings import Findings
    from apps.conversations.tools.running_calls import RunningCalls
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """Limits of a tool call, in tokens of the model."""

    result_tokens: int  # of the result in the prompt
    passage_tokens: int  # of passages that the model reads at once


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """Ended tool call."""

    record: ToolCallRecord
    text: str  # for the model: the result, or why there is none


async def execute_call(
    running: RunningCalls,
    requested: ToolCall,
    available_tools: AvailableTools,
    limits: CallLimits,
    *,
    by_user: bool = False,
) -> CallOutcome:
    """Execute the call, show and store its card, and return the result text for the model.

    Failures are returned as text too. `by_user` means that the user made the call, which counts as approval of
    harmless tools. Raise Withheld if the gate refuses the arguments.
    """
    began, item = time.perf_counter(), available_tools.get(requested.name)
    title = item.tool.title if item else requested.name[:64]
    record = ToolCallRecord(
        str(len(running.records) + 1),
        requested.name[:64],
        title,
        {},
        template=item.tool.template if item else "",
        by_user=by_user,
    )
    try:
        record, text = await _execute(running, requested, item, record, limits)
    except ToolError as error:
        known = running.records.get(record.id, record)
        status = ToolCallStatus.REFUSED if isinstance(error, ToolCallRefused) else ToolCallStatus.FAILED
        record = replace(known, status=status, message=str(error)[:400])
        text = _TOLD[status].format(error.plain)
    record = replace(record, ms=round((time.perf_counter() - began) * 1000, 1))
    await running.update(record)
    await running.store()
    return CallOutcome(record=record, text=text)


async def _execute(
    running: RunningCalls,
    requested: ToolCall,
    item: AvailableTool | None,
    record: ToolCallRecord,
    limits: CallLimits,
) -> tuple[ToolCallRecord, str]:
    arguments = await _read_arguments(running, requested, record)
    record = replace(record, arguments=arguments)
    if item is None:
        raise ToolError("There is no tool with this name, or it is turned off.")
    item.tool.check(arguments)
    if item.permission == ToolPermission.ASK and not (record.by_user and item.tool.is_harmless):
        await running.update(replace(record, status=ToolCallStatus.ASKING))
        await _wait_for_approval(running, record)
    await running.update(record)
    result = await _run_tool(running, item.tool, arguments, record, limits)
    text = await _moderate_result(running, result, item.tool)
    lines, numbers = await _add_sources(running, result.passages, limits.result_tokens)
    shown = replace(
        record,
        status=ToolCallStatus.DONE,
        text=(gate.normalise(result.card_text) or text)[:MAX_SHOWN_CHARACTERS],
        data=result.data,
        sources=numbers,
    )
    count = running.chat.count
    room = limits.result_tokens - sum(count(lines))
    return shown, "\n".join(filter(None, [_fit_to_tokens(text, room, count), *lines]))


async def _read_arguments(running: RunningCalls, requested: ToolCall, record: ToolCallRecord) -> dict[str, Any]:
    """Return the arguments, after they have passed the gate like any text of the model.

    Raise Withheld and ToolError.
    """
    written = gate.normalise(requested.arguments)
    _check_outgoing(running.findings, f"{requested.name} {written}")
    arguments = argument_schema.parse_arguments(written, by_user=record.by_user)
    # Again after parsing: argument names, and characters that were escaped.
    _check_outgoing(running.findings, orjson.dumps(arguments).decode())
    verdict = await gate.check_sentence(
        f"{record.title}: {', '.join(map(format_argument, arguments.values()))}", level=running.findings.level
    )
    if not verdict.allowed:
        raise gate.Withheld(verdict)
    running.findings.record(verdict)
    return arguments


def _check_outgoing(findings: Findings, text: str) -> None:
    """Check text that may be sent to another machine. Raise Withheld."""
    verdict = gate.check_outgoing(text, level=findings.level)
    if not verdict.allowed:
        raise gate.Withheld(verdict)
    findings.record(verdict)


async def _wait_for_approval(running: RunningCalls, record: ToolCallRecord) -> None:
    began = time.perf_counter()
    decision = await approvals.wait_for_decision(running.input.answer_id, record.id)
    running.add_asking_time((time.perf_counter() - began) * 1000)
    if not decision:
        raise (
            ToolCallRefused(_SILENT, minutes=f"{approvals.DECISION_TIMEOUT_S / 60:.0f}")
            if decision is None
            else ToolCallRefused(_DENIED)
        )


async def _run_tool(
    running: RunningCalls, tool: BaseTool, arguments: Mapping[str, Any], record: ToolCallRecord, limits: CallLimits
) -> ToolResult:
    """Run the tool and return its result. It runs in a task of its own, so that a tool that hangs ends nothing else.

    Raise ToolError, also for engine errors, unexpected exceptions and timeouts.
    """
    turn_input, findings = running.input, running.findings

    async def progress(words: str) -> None:
        await running.update(replace(record, message=words[:200]))

    asked = tuple(past.question for past in turn_input.history if not past.only_called_tool)
    context = ToolContext(
        turn_input.user, turn_input.collections, asked, turn_input.conversation_id, turn_input.answer_id, record.id,
        limits.result_tokens, running.chat.count, progress, limits.passage_tokens, turn_input.filters, findings.level,
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


async def _moderate_result(running: RunningCalls, result: ToolResult, tool: BaseTool) -> str:
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
        verdicts = [await in_pool(partial(gate.check_passage, text, level=running.findings.level))]
        if verdicts[0].allowed:
            verdicts.append(await gate.check_sentence(text, level=running.findings.level))
        for verdict in verdicts:
            running.findings.record(verdict)
        if not verdicts[-1].allowed:
            raise ToolError("Its result is withheld: it breaks the rules of this site, or could do harm.")
    return text


async def _add_sources(
    running: RunningCalls, passages: Sequence[Passage], tokens: int
) -> tuple[list[str], tuple[int, ...]]:
    """Add the passages that fit into `tokens` as sources of the answer.

    Return their prompt lines and their source numbers.
    """
    ends = accumulate(running.chat.count([f"{_LINE} {item.title} {item.text}" for item in passages]))
    if not (fitting := [item for item, end in zip(passages, ends, strict=True) if end <= tokens]):
        return [], ()
    added = await running.sources.add(fitting)
    again = " ".join(f"[{number}]" for number in added.known_numbers)
    seen = [f"{again}: as given above"] if again else []
    return [*(line.text for line in added.lines), *seen], added.numbers


def _fit_to_tokens(text: str, room: int, count: CountTokens) -> str:
    """Return the beginning of the text that fits into `room` tokens."""
    while text and (tokens := count([text])[0]) > room:
        text = text[: max(0, min(len(text) - 1, int(len(text) * room / tokens)))]
    return text
