"""List of the built-in tools."""

from __future__ import annotations

from apps.conversations.tools.base import BaseTool
from apps.conversations.tools.builtin.calculator import Calculator
from apps.conversations.tools.builtin.dates import Dates
from apps.conversations.tools.builtin.draw_picture import DrawPicture
from apps.conversations.tools.builtin.read_document import ReadDocument
from apps.conversations.tools.builtin.search_documents import SearchDocuments

BUILTIN_TOOLS: tuple[BaseTool, ...] = (
    SearchDocuments(),
    ReadDocument(),
    Calculator(),
    Dates(),
    DrawPicture(),
)
