"""A setting that lists things as JSON: each an object with a name, and of each value only the kinds that are known."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from assistant.config.mcp_servers import Misconfigured

_NAME = re.compile(r"[\w][\w .+-]{0,58}[\w+]|\w")
Kinds = Mapping[str, type | tuple[type, ...]]


def parse_items(text: str, kinds: Kinds, says: str) -> list[dict[str, Any]]:
    """The objects, in their order. Raises Misconfigured, which begins with what the setting `says` it has to be."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        raise Misconfigured(f"{says}.") from None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Misconfigured(f"{says}.")
    for item in found:
        for name, value in item.items():
            if name not in kinds or not isinstance(value, kinds[name]) or (kinds[name] is int and value is True):
                raise Misconfigured(f"{says}; “{name}” is not known there, or has another kind of value.")
        if not _NAME.fullmatch(item.get("name", "")):
            raise Misconfigured(f"{says}; a name has letters, digits, spaces and .+- and up to 60 characters.")
    return found
