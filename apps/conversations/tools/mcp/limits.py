"""Limits of responses of MCP servers."""

from __future__ import annotations

MAX_BYTES = 2 * 1024**2  # of one HTTP response, and of the text of a result
TIMEOUT_S = 30.0  # seconds of a session: a call, or a listing of tools
