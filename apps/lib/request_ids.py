"""Id of the request or socket that the current code runs for; the log names it. A task that it starts keeps the id.

Entry points: `begin_request`, `get_request_id`.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

_ACCEPTED = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def begin_request(sent: str) -> str:
    """Set the id for the current context and return it: `sent` by a proxy if it has at most 64 letters, digits, dots,
    colons and dashes, else a new one of 32 hexadecimal digits."""
    name = sent if _ACCEPTED.fullmatch(sent) else secrets.token_hex(16)
    _current.set(name)
    return name


def get_request_id() -> str:
    """Return the id of the request or socket; "" outside of one."""
    return _current.get()
