"""What the operator allows of MCP servers, read from the environment."""

from __future__ import annotations

import json

from assistant.env import Env


class Misconfigured(Exception):
    """A setting of the environment that cannot be understood; the text says which, and how it is written."""


def parse_mcp_settings(env: Env) -> tuple[frozenset[tuple[str, int]], dict[str, list[str]], dict[str, str]]:
    """Places (IP, port), commands by name, and tokens by the server's name. Raises Misconfigured."""
    try:
        places = frozenset(_place(item.strip()) for item in env.MCP_HOSTS.split(",") if item.strip())
    except ValueError:
        raise Misconfigured("MCP_HOSTS has to be IP:port, comma separated, such as 127.0.0.1:9000.") from None
    commands = _named(env.MCP_COMMANDS, "MCP_COMMANDS")
    if not all(isinstance(item, list) and item and all(isinstance(part, str) for part in item)
               for item in commands.values()):  # fmt: skip
        raise Misconfigured('MCP_COMMANDS has to be JSON such as {"files": ["/usr/bin/files-mcp", "/srv/files"]}.')
    tokens = _named(env.MCP_TOKENS, "MCP_TOKENS")
    return places, commands, {name: str(token) for name, token in tokens.items()}


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _named(text: str, name: str) -> dict[str, list[str]]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Misconfigured(f"{name} has to be a JSON object.")
    return value
