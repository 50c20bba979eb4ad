"""Build the model request of a turn and stream the gated, verified answer.

Entry points: `build_request`, `stream_answer` and `emitting_sources`, which shows sources and quotes beside the model;
`emit_quotes_alone` where the model rests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from apps.conversations.assistants import answer_style, assistant_choice
from apps.conversations.assistants.instructions import describe_applied_instructions
from apps.conversations.attachments import prompt_content
from apps.conversations.core import model_choice
from apps.conversations.core.attached_picture import AttachedPictureView
from apps.conversations.core.events import ContextGauge, VerifiedOnly
from apps.conversations.core.sampling import get_penalties
from apps.conversations.evidence import answer_sources, source_numbering
from apps.conversations.models import AnswerStyle, ShownSentences
from apps.conversations.rendering import link_policy
from apps.conversations.tools import availability, slash_commands
from apps.conversations.tools.availability import AvailableTools
from apps.conversations.turns import context_usage, model_queue, prompt, reasoning
from apps.conversations.turns.quotes import choose_quotes
from apps.conversations.turns.repetition import LOOP_FINISH
from apps.conversations.turns.state import Turn
from apps.conversations.turns.step_results import Presented, Prompted, Retrieved
from apps.engines import registry
from apps.engines.types import ChatRequest, EngineRefused, ModelInfo
from apps.grounding.quote_selection import QuoteSelection
from apps.lib.concurrency.threads import in_pool
from apps.safety.gate import gate

_TOO_LONG = "The question is too long for this model. Shorten it, or add the long part to a collection as a file."
_LEAST_ANSWER = 32  # tokens; a window without so much room cannot hold the question


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptExtras:
    """Parts of the prompt besides the question, its history and the passages that a search found."""

    tools: AvailableTools = field(default_factory=dict)  # that the model may call
    attached: tuple[AttachedPictureView, ...] = ()  # pictures of the question with their recognised text
    notes: tuple[str, ...] = ()  # lines about results of tools that the user called, or about parts of a document


async def build_request(turn: Turn, retrieved: Retrieved | None, extras: PromptExtras) -> Prompted:
    """Return the model request; `turn.sources` gets the numbered passages. `retrieved` is None if no documents are
    searched.

    Waits for an unreachable model server. Raise EngineRefused if the context window cannot hold the question, and
    EngineError.
    """
    start = time.perf_counter()
    info = await model_queue.wait_for_model(turn)
    prepared, count, sees = turn.input, turn.chat.count, prompt_content.has_vision(turn.input.model)
    history, pictures = await prompt_content.select_for_prompt(prepared.history, extras.attached, sees=sees)
    selected = prompt.select_history(history, info.context_tokens, count, instructions=prepared.instructions)
    if retrieved is not None:
        found = retrieved.result.passages
        turn.sources.replace(source_numbering.number_passages(found, prepared.numbers, selected.given_spans))
    tools = availability.describe_tools(extras.tools)
    cost = availability.count_description_tokens(tools, count)
    built = prompt.build_prompt(
        slash_commands.get_model_question(prepared.text), history, selected, turn.passages, info.context_tokens, count,
        instructions=prepared.instructions,
        without_sources=not turn.passages and (retrieved is None or bool(extras.attached)),
        text_so_far=prepared.text_so_far,
        max_tokens=reasoning.get_max_tokens(prepared, (await turn.get_reading_limits()).answer_tokens),
        notes=[*extras.notes, *prompt_content.write_prompt_notes(extras.attached, sees=sees)], pictures=pictures,
        tokens_per_picture=prompt_content.TOKENS_PER_PICTURE, tool_tokens=cost,
    )  # fmt: skip
    if built.max_tokens < _LEAST_ANSWER:
        raise EngineRefused(_TOO_LONG)
    await prompt_content.emit_picture_step(extras.attached, turn.progress, sees=sees)
    await _emit_condition_steps(turn, built.start)
    turn.progress.record_times(prompt=(time.perf_counter() - start) * 1000)
    measure = partial(context_usage.measure_usage, built, history, turn.passages, info.context_tokens, cost, count)
    return _make_prompted(turn, info, built, tools, measure)


def _make_prompted(
    turn: Turn,
    info: ModelInfo,
    built: prompt.Prompt,
    tools: tuple[dict[str, Any], ...],
    measure_window: Callable[[], context_usage.ContextUsage],
) -> Prompted:
    chosen = turn.input.sampling
    choices = settings.TOKEN_CHOICES if turn.sink.records_tokens else 0
    sampling = replace(chosen.make_sampling(built.max_tokens), logprobs=choices)
    penalties = get_penalties(info.name, sampling)
    return Prompted(
        request=ChatRequest(built.messages, sampling, str(turn.input.user.pk), tools, extra_body=penalties),
        model=info.name,
        sampling_used=chosen.record_used(sampling, accepts_all=info.accepts_all_sampling),
        measure_window=measure_window,
    )


async def _emit_condition_steps(turn: Turn, dropped: int) -> None:
    """Emit steps for what the user may not expect of the request: dropped turns, a missing assistant or model."""
    prepared = turn.input
    if dropped:
        await turn.emit_step("window", context_usage.describe_dropped(dropped), 0.0)
    if turn.follows_tool_call and not turn.passages:
        await turn.emit_step("called", gettext("Answered from the result of the tool, not from documents"), 0.0)
    if prepared.unshared_assistant:
        await turn.emit_step(
            "assistant", assistant_choice.describe_unshared_assistant(prepared.unshared_assistant), 0.0
        )
    if prepared.missing_model:
        await turn.emit_step("model", model_choice.describe_missing_model(prepared.missing_model), 0.0)
    if applied := describe_applied_instructions(prepared.user, prepared.instructions):
        await turn.emit_step("personal", applied, 0.0)


async def _resolve_style(
    turn: Turn, prompted: Prompted, retrieved: Retrieved | None
) -> tuple[AnswerStyle | None, ShownSentences | None]:
    """Return whether quotes come first, and which sentences of the model are shown."""
    has_passages = retrieved is not None and retrieved.has_passages
    if not has_passages and not prompted.request.tools and not turn.calls.records:
        return None, None  # nothing to quote, and nothing to compare a sentence with
    assistant, model = turn.input.assistant, registry.get_chat_model(turn.input.model)
    # The model is known since `build_request`, even if its server is away by now.
    profile = await answer_style.fetch_model_profile(prompted.model)
    style = answer_style.resolve_style(assistant, profile, model) if has_passages else None
    if turn.input.without_documents:
        return style, None
    return style, answer_style.resolve_shown_sentences(assistant, profile, model)


async def stream_answer(turn: Turn, request: ChatRequest, shown: asyncio.Task[None]) -> None:
    """Stream the answer to the request through the gate, into text events and the sentence verifier.

    `shown` is the task of `emitting_sources`; no text is emitted before it is done. Raise Withheld and EngineError.
    """
    async with aclosing(model_queue.stream_model(turn, request)) as deltas:
        splitter = reasoning.ReasoningSplitter(deltas)
        if await splitter.starts_with_reasoning():
            await reasoning.emit_reasoning(turn, splitter.iter_reasoning(), shown)
        await _stream_gated_text(turn, splitter.iter_text(), shown)
        await reasoning.emit_reasoning(turn, splitter.iter_late_reasoning(), shown)
    await shown


async def _stream_gated_text(turn: Turn, text: AsyncGenerator[str, None], shown: asyncio.Task[None]) -> None:
    before = len(turn.text)  # written in an earlier tool round
    async with aclosing(gate.moderate_stream(text, turn.findings.record, level=turn.strictness)) as pieces:
        async for piece in pieces:
            await shown  # sources and quotes are on the page before the first word
            await _emit_text_event(turn, turn.answer.repetition.feed(piece), before)
            if turn.answer.repetition.over:
                turn.output.cut_off(LOOP_FINISH)
                return
        await _emit_text_event(turn, turn.answer.repetition.flush(), before)


async def _emit_text_event(turn: Turn, text: str, before: int) -> None:
    """Emit text unless the turn is groundless; text of a later tool round begins a new paragraph."""
    if not text or turn.has_no_evidence:
        return
    if before and len(turn.text) == before and not turn.text.endswith("\n"):
        await emit_text(turn, "\n\n")
    await emit_text(turn, text)
    await turn.verifier.verify_new_sentences()


async def emit_text(turn: Turn, piece: str) -> None:
    """Append the approved piece to the answer and emit the renderer's events."""
    if not turn.text:
        turn.progress.record_times(first_text=turn.progress.elapsed_ms)
    turn.answer.add_text(piece)
    for event in turn.answer.renderer.feed(piece):
        await turn.emit(event)


@asynccontextmanager
async def emitting_sources(
    turn: Turn, prompted: Prompted, retrieved: Retrieved | None, selection: QuoteSelection | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Store and emit sources and quotes in a task while the model reads; yield the task, whose errors are raised on
    exit. `selection` is that of `quotes.begin_selection`, for these passages.
    """
    task = asyncio.create_task(_emit_sources(turn, prompted, retrieved, selection))
    try:
        yield task
        await task  # also if the model wrote nothing
    finally:
        task.cancel()
        await asyncio.wait([task])
        _ = task.cancelled() or task.exception()  # marks the exception as retrieved: awaiting the task has raised it


async def _emit_sources(
    turn: Turn, prompted: Prompted, retrieved: Retrieved | None, selection: QuoteSelection | None
) -> None:
    await turn.emit_step("write", model_choice.describe_writing(turn.model_name))
    await turn.notify_pages()
    window = prompted.measure_window()
    turn.presented = Presented(window=window)
    await turn.emit(ContextGauge(context_usage.render_gauge(window)))
    turn.answer.renderer.links = await in_pool(link_policy.collect_allowed_links, _list_link_texts(turn))
    style, sentences = await _resolve_style(turn, prompted, retrieved)
    turn.presented = replace(turn.presented, style=style, shown_sentences=sentences)
    if turn.shows_verified_only:
        await turn.emit(VerifiedOnly(gettext("The model is writing. A sentence appears once it is verified.")))
    if retrieved is None or not retrieved.has_passages:
        return
    shows_quotes = style == AnswerStyle.QUOTES or bool(retrieved.quotes)
    quoting = asyncio.ensure_future(choose_quotes(retrieved, turn.passages, selection)) if shows_quotes else None
    await turn.sources.publish()
    if quoting is not None and (quotes := await quoting):
        turn.presented = replace(turn.presented, quotes=quotes)
        await turn.emit(answer_sources.build_quotes_event(turn.input, turn.passages, quotes))


def number_found_passages(turn: Turn, retrieved: Retrieved | None) -> None:
    """Give `turn.sources` the numbered passages, of which no model is given any."""
    found = retrieved.result.passages if retrieved is not None else ()
    numbered = source_numbering.number_passages(found, turn.input.numbers, {})
    turn.sources.replace([replace(item, new_spans=()) for item in numbered])


async def emit_quotes_alone(turn: Turn, retrieved: Retrieved, selection: QuoteSelection | None) -> None:
    """Store and emit sources and quotes as the whole answer. `selection` as in `emitting_sources`."""
    turn.presented = Presented(style=AnswerStyle.QUOTES)
    await turn.sources.publish()
    found = await choose_quotes(retrieved, turn.passages, selection)
    turn.presented = replace(turn.presented, quotes=found)
    await turn.emit(answer_sources.build_quotes_event(turn.input, turn.passages, found))


def _list_link_texts(turn: Turn) -> list[str]:
    """Return the texts whose addresses the answer may link to: the questions and what the model was given."""
    prepared = turn.input
    asked = [prepared.text, *(past.question for past in prepared.history)]
    given = [item.text for past in prepared.history for item in past.sources]
    return [*asked, *(item.passage.full_text for item in turn.passages), *given]
