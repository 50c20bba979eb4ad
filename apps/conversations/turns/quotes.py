"""Choose the quotes of a turn, once. Entry points: `choose_quotes`, `begin_selection`, `model_rests`.

A turn that has to begin with quotes and finds none ends as "nothing found" before the model is asked. Only whether
there is a likely quote is found out before; the quotes are chosen while the model reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from apps.conversations.assistants import answer_style
from apps.conversations.models import AnswerStyle
from apps.engines import registry
from apps.engines.types import EngineError
from apps.grounding import quote_selection
from apps.grounding.quote_selection import Quote, QuoteSelection
from apps.lib.concurrency.threads import in_pool

if TYPE_CHECKING:
    from apps.conversations.core.numbered_sources import NumberedPassage
    from apps.conversations.turns.state import Turn
    from apps.conversations.turns.step_results import Retrieved
    from apps.grounding.passage import Passage


async def choose_quotes(
    retrieved: Retrieved, passages: Sequence[NumberedPassage], begun: QuoteSelection | None = None
) -> tuple[Quote, ...]:
    """Return the quotes of an answer from these passages; those that were chosen before, if any.

    `begun` is the selection of `begin_selection`.
    """
    if retrieved.quotes:
        return retrieved.quotes
    return tuple(await in_pool(_select, retrieved, passages, begun))


async def begin_selection(turn: Turn, retrieved: Retrieved | None, *, rests: bool) -> QuoteSelection | None:
    """Return the begun choice of quotes, if the answer has to begin with quotes; its `is_answered` is known.

    A model that needs quotes would without a likely one answer from passages about something else. Return None if it
    need not begin with quotes, has them already, or may answer from an earlier tool result. `rests` as in
    `model_rests`.
    """
    if retrieved is None or not retrieved.has_passages or retrieved.quotes:
        return None
    if turn.calls.records or turn.follows_tool_call:
        return None
    if not rests:
        profile = await answer_style.fetch_model_profile(turn.model)
        model = registry.get_chat_model(turn.input.model)
        if answer_style.resolve_style(turn.input.assistant, profile, model) != AnswerStyle.QUOTES:
            return None
    return await in_pool(_begin, retrieved, turn.passages)


async def model_rests(turn: Turn) -> bool:
    """Return whether quotes are the whole answer of a search, without a model: see `answer_style.rests`.

    Not if the user asked for the model's words, continues them, or may want an answer from a tool call. False if the
    model was never measured and its server is away.
    """
    given, found = turn.input, turn.retrieved
    if found is None or not found.has_passages or turn.calls.records or turn.follows_tool_call:
        return False
    if given.model_writes or given.text_so_far or (model := registry.get_chat_model(given.model)) is None:
        return False
    try:
        name = "" if model.passes_reading_check is False else (await turn.chat.info()).name
    except EngineError:
        return False
    return answer_style.rests(given.assistant, await answer_style.fetch_model_profile(name), model)


def _begin(retrieved: Retrieved, passages: Sequence[NumberedPassage]) -> QuoteSelection:
    selection = QuoteSelection(*_list_selection_input(retrieved, passages))
    _ = selection.is_answered  # takes time, and is kept
    return selection


def _select(retrieved: Retrieved, passages: Sequence[NumberedPassage], begun: QuoteSelection | None) -> list[Quote]:
    if begun is not None:
        return begun.select()
    return quote_selection.select_quotes(*_list_selection_input(retrieved, passages))


def _list_selection_input(
    retrieved: Retrieved, passages: Sequence[NumberedPassage]
) -> tuple[str, dict[int, Passage], Mapping[str, float]]:
    found = retrieved.result
    return found.query, {item.number: item.passage for item in passages}, found.idf
