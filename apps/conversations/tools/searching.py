"""Search in documents: the product's own search, for a model that wants to look further, with the asker's rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.conversations.tools.base import Context, Plain, Result, ToolError
from apps.documents.search import search

_TOKENS = 700  # of passages: as much as a question gets


class SearchDocuments(Plain):
    name = "search_documents"
    title = "Search in documents"
    description = (
        "Searches the documents of the person who asks and gives the passages that speak to the query, as numbered "
        "sources. Use it where the sources at hand do not answer the question, with other words than the question's."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"query": {"type": "string", "minLength": 1, "maxLength": 1000}},
        "required": ["query"],
        "additionalProperties": False,
    }
    command = "search"
    argument = "query"

    async def call(self, arguments: Mapping[str, Any], context: Context) -> Result:
        if not (query := arguments["query"].strip()):
            raise ToolError("Say what to search for.")
        found = await search(
            context.user, query, collections=context.collections, token_budget=min(_TOKENS, context.tokens),
            count=context.count, filters=context.filters,
        )  # fmt: skip
        if not found.passages:
            where = ", ".join(found.searched) or "no collection"
            only = f" Only: {context.filters.words}." if context.filters else ""
            return Result(f"Nothing speaks to this. Searched: {where}.{only}")
        count = len(found.passages)
        return Result(f"{count} passage{'' if count == 1 else 's'} found.", found.passages)
