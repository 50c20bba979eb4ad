"""Search tool: lets the model search documents again with other words, with the user's permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext, ngettext

from apps.conversations.tools.base import BaseTool, ToolContext, ToolError, ToolResult, localise_result
from apps.documents.retrieval.filters import SearchFilters
from apps.documents.retrieval.search import SearchResult, search


class SearchDocuments(BaseTool):
    """Tool that searches documents; the user calls it by /search."""

    name = "search_documents"
    title = "Search documents"
    user_description = "Searches the documents again in other words if the sources do not answer the question."
    description = (
        "Searches the documents of the user and returns the passages about the query, as numbered sources. Use it "
        "when the sources at hand do not answer the question, with other words than the question's."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"query": {"type": "string", "minLength": 1, "maxLength": 1000}},
        "required": ["query"],
        "additionalProperties": False,
    }
    command = "search"
    argument = "query"

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """Return the passages found, or words that nothing was found. Raise ToolError for an empty query."""
        if not (query := arguments["query"].strip()):
            raise ToolError("Enter what to search for.")
        found = await search(
            context.user,
            query,
            collections=context.collections,
            token_budget=min(context.passage_tokens, context.max_tokens),
            count=context.count_tokens,
            filters=context.filters,
        )
        if not found.passages:
            return localise_result(lambda: _describe_nothing_found(found, context.filters))
        return localise_result(lambda: _describe_found(len(found.passages)), found.passages)


def _describe_nothing_found(found: SearchResult, filters: SearchFilters) -> str:
    where = ", ".join(found.searched) or gettext("no collection")
    words = gettext("Nothing was found about this. Searched: %(where)s.") % {"where": where}
    return f"{words} {gettext('Only: %(filters)s.') % {'filters': filters.words}}" if filters else words


def _describe_found(count: int) -> str:
    return ngettext("%(n)s passage found.", "%(n)s passages found.", count) % {"n": count}
