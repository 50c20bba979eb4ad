"""Read a whole document, as far as there is room, with the asker's rights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from apps.conversations.tools.base import Context, Plain, Result, ToolError
from apps.documents.whole import Whole, named, whole
from apps.lib.threads import in_db

_TOKENS = 3000  # at once: a model that wants more reads on from the page that it is told
_PAGE = re.compile(r",?\s+(?:from\s+)?page\s+(\d{1,5})$", re.IGNORECASE)


class ReadDocument(Plain):
    name = "read_document"
    title = "Read a document"
    description = (
        "Gives a document of the person who asks in reading order, as numbered sources, by its title or file name. A "
        "long one comes in parts: give the page to read on from."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 1, "maxLength": 300},
            "page": {"type": "integer", "minimum": 1, "maximum": 100_000},
        },
        "required": ["title"],
        "additionalProperties": False,
    }
    command = "read"
    argument = "title"

    async def call(self, arguments: Mapping[str, Any], context: Context) -> Result:
        title, page = arguments["title"].strip(), arguments.get("page")
        if page is None and (said := _PAGE.search(title)) is not None:
            title, page = title[: said.start()], int(said[1])
        found = await in_db(_read, title, page or 1, context)
        if not found.passages:
            raise ToolError(_empty(found, page or 1))
        pages = sorted({item.page_number for item in found.passages})
        where = f"page {pages[0]}" if len(pages) == 1 else f"pages {pages[0]} to {pages[-1]}"
        more = f" {found.left} more passages follow, from page {found.page} on." if found.left else ""
        return Result(f"{found.title}, {where}.{more}", found.passages)


def _read(title: str, page: int, context: Context) -> Whole:
    documents = named(context.user, title, context.collections, context.filters) if title else []
    if not documents:
        raise ToolError(f"There is no document “{title[:80]}” among those that are searched here. Give its title.")
    if len(documents) > 1:
        names = ", ".join(f"“{document.name}”" for document in documents)
        raise ToolError(f"Several documents could be meant: {names}. Give the file name.")
    return whole(documents[0], min(_TOKENS, context.tokens), context.count, page)


def _empty(found: Whole, page: int) -> str:
    if found.left:
        return f"There is not enough room left to read “{found.title}”."
    return f"“{found.title}” has no text from page {page} on."
