"""Reading tool: gives a whole document, as far as there is room, with the user's permissions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext, gettext_noop, ngettext

from apps.conversations.tools.base import BaseTool, ToolContext, ToolError, ToolResult, localise_result
from apps.documents.retrieval.full_document import FullDocument, find_documents_by_name, read_full_document
from apps.lib.concurrency.threads import in_db

_LEAST_TOKENS = 3000  # tokens per call, at least; the result names the page to continue from
_UNKNOWN = "None of the documents searched here is called “%(title)s”. Give its exact title."
_SEVERAL = "Several documents match: %(names)s. Give the file name."
_NO_ROOM = "There is not enough context left to read “%(title)s”."
_NO_TEXT = gettext_noop("“%(title)s” has no text from page %(page)s on.")
_PAGE = re.compile(r",?\s+(?:from\s+)?page\s+(\d{1,5})$", re.IGNORECASE)


class ReadDocument(BaseTool):
    """Tool that returns a document by title or file name in reading order; the user calls it by /read."""

    name = "read_document"
    title = "Read a document"
    user_description = "Reads a whole document, part by part if it is long, as sources of the answer."
    description = (
        "Returns a document of the user in reading order, as numbered sources, by its title or file name. A long "
        "document comes in parts: give the page to continue from."
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

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """Return the passages from `page` on. Raise ToolError if no document, several, or no text fits."""
        title, page = arguments["title"].strip(), arguments.get("page")
        if page is None and (asked := _PAGE.search(title)) is not None:
            title, page = title[: asked.start()], int(asked[1])
        found = await in_db(_read, title, page or 1, context)
        if not found.passages:
            raise _empty(found, page or 1)
        pages = sorted({item.page_number for item in found.passages})
        return localise_result(lambda: _read_so_far(found, pages[0], pages[-1]), found.passages)


def _read(title: str, page: int, context: ToolContext) -> FullDocument:
    documents = find_documents_by_name(context.user, title, context.collections, context.filters) if title else []
    if not documents:
        raise ToolError(_UNKNOWN, title=title[:80])
    if len(documents) > 1:
        names = ", ".join(f"“{document.name}”" for document in documents)
        raise ToolError(_SEVERAL, names=names)
    budget = min(max(_LEAST_TOKENS, context.passage_tokens), context.max_tokens)
    return read_full_document(documents[0], budget, context.count_tokens, page)


def _empty(found: FullDocument, page: int) -> ToolError:
    if found.remaining:
        return ToolError(_NO_ROOM, title=found.title)
    return ToolError(_NO_TEXT, title=found.title, page=page)


def _read_so_far(found: FullDocument, first: int, last: int) -> str:
    where = gettext("page %(page)s") if first == last else gettext("pages %(page)s to %(last)s")
    so_far = f"{found.title}, {where % {'page': first, 'last': last}}."
    if not found.remaining:
        return so_far
    more = ngettext(
        "%(n)s more passage follows, from page %(page)s on.", "%(n)s more passages follow, from page %(page)s on.",
        found.remaining,
    )  # fmt: skip
    return f"{so_far} {more % {'n': found.remaining, 'page': found.next_page}}"
