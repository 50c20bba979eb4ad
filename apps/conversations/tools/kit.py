"""The tools that there are: one line each."""

from __future__ import annotations

from apps.conversations.tools.base import Tool
from apps.conversations.tools.calculator import Calculator
from apps.conversations.tools.dates import Dates
from apps.conversations.tools.drawing import DrawPicture
from apps.conversations.tools.reading import ReadDocument
from apps.conversations.tools.searching import SearchDocuments

BUILT_IN: tuple[Tool, ...] = (
    SearchDocuments(),
    ReadDocument(),
    Calculator(),
    Dates(),
    DrawPicture(),
)
