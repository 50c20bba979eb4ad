"""Choose the quotes of a turn, once. Entry points: `choose_quotes`, `has_no_likely_quote`.

A turn that has to begin with quotes and finds none ends as "nothing found" before the model is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.conversations.assistants import answer_style
from apps.conversations.models import AnswerStyle
from apps.engines import registry
from apps.grounding import quote_selection
from apps.lib.concurrency.threads import in_db, in_pool

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn
    from apps.documents.retrieval.search import SearchResult


async def choose_quotes(turn: Turn, found: SearchResult) -> list[quote_selection.Quote]:
    """Return the quotes for a turn whose passages are numbered; those that were chosen before, if any."""
    if turn.quotes:
        return turn.quotes
    passages = {item.number: item.passage for item in turn.passages}
    return await in_pool(quote_selection.select_quotes, found.query, found.vector, passages, found.idf)


async def has_no_likely_quote(turn: Turn, found: SearchResult | None) -> bool:
    """Return whether quotes come first and none is likely right; store the quotes in the turn.

    A model that needs quotes would then answer from passages about something else. Return False if it may answer from
    other things than passages: pictures, or an earlier tool result.
    """
    if found is None or not found.passages or turn.attached or turn.tool_calls or turn.follows_tool_call:
        return False
    profile = await in_db(answer_style.get_model_profile, turn.model)
    if (
        answer_style.resolve_style(turn.prepared.assistant, profile, registry.get_chat_model(turn.prepared.model))
        != AnswerStyle.QUOTES
    ):
        return False
    turn.quotes = await choose_quotes(turn, found)
    return not turn.quotes
