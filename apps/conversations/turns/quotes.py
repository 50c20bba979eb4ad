"""Choose the quotes of a turn, once. Entry points: `choose_quotes`, `has_no_likely_quote`.

A turn that has to begin with quotes and finds none ends as "nothing found" before the model is asked. Only whether
there is a likely quote is found out before; the quotes are chosen while the model reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.conversations.assistants import answer_style
from apps.conversations.models import AnswerStyle
from apps.engines import registry
from apps.grounding import quote_selection
from apps.lib.concurrency.threads import in_pool

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn
    from apps.documents.retrieval.search import SearchResult


async def choose_quotes(turn: Turn, found: SearchResult) -> list[quote_selection.Quote]:
    """Return the quotes for a turn whose passages are numbered; those that were chosen before, if any."""
    if turn.quotes:
        return turn.quotes
    if turn.quote_selection is not None:
        return await in_pool(turn.quote_selection.select)
    return await in_pool(quote_selection.select_quotes, *_list_selection_input(turn, found))


async def has_no_likely_quote(turn: Turn, found: SearchResult | None) -> bool:
    """Return whether quotes come first and none is likely right; store the begun selection in the turn.

    A model that needs quotes would then answer from passages about something else. Return False if it may answer from
    an earlier tool result.
    """
    if found is None or not found.passages or turn.calls.records or turn.follows_tool_call:
        return False
    profile = await answer_style.fetch_model_profile(turn.model)
    if (
        answer_style.resolve_style(turn.input.assistant, profile, registry.get_chat_model(turn.input.model))
        != AnswerStyle.QUOTES
    ):
        return False
    turn.quote_selection, likely = await in_pool(_begin_selection, *_list_selection_input(turn, found))
    return not likely


def _begin_selection(*given: Any) -> tuple[quote_selection.QuoteSelection, bool]:
    selection = quote_selection.QuoteSelection(*given)
    return selection, selection.is_answered


def _list_selection_input(turn: Turn, found: SearchResult) -> tuple[Any, ...]:
    return found.query, found.vector, {item.number: item.passage for item in turn.passages}, found.idf
