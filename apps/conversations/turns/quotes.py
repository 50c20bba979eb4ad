"""The quotes of a turn: chosen once, before the model is asked where a turn without any ends in "nothing found"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.conversations.assistants import answer_style
from apps.conversations.grounding import quote_selection
from apps.conversations.models import AnswerStyle
from apps.engines import registry
from apps.lib.concurrency.threads import in_db, in_pool

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn
    from apps.documents.retrieval.search import SearchResult


async def choose_quotes(turn: Turn, found: SearchResult) -> list[quote_selection.Quote]:
    """Return the quotes for a turn whose passages are numbered; those that were chosen before, if any."""
    if turn.quotes:
        return turn.quotes
    passages = {item.number: item.passage for item in turn.placed}
    return await in_pool(quote_selection.select_quotes, found.query, found.vector, passages, found.idf)


async def has_no_likely_quote(turn: Turn, found: SearchResult | None) -> bool:
    """Return whether quotes come first and none is likely right. A model that needs them would answer from passages
    that speak of something else. False where it can speak of something else than passages: tools, pictures, an earlier
    result. The quotes are kept in the turn."""
    if found is None or not found.passages or turn.kit or turn.attached or turn.made or turn.called_before:
        return False
    profile = await in_db(answer_style.get_model_profile, turn.model)
    if (
        answer_style.resolve_style(turn.opening.assistant, profile, registry.get_chat_model(turn.opening.model))
        != AnswerStyle.QUOTES
    ):
        return False
    turn.quotes = await choose_quotes(turn, found)
    return not turn.quotes
