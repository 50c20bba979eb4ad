"""Free TCP ports for servers that are started a moment later."""

from __future__ import annotations

import secrets
import socket

# Systems assign outgoing connections ports above these, so none takes the port meanwhile. A client that polls for the
# server could otherwise get the same port for its own end and connect to itself.
_FROM, _COUNT = 12_000, 18_000


def find_free_port() -> int:
    """Return a port on which no process listens at this moment."""
    while True:
        port = _FROM + secrets.randbelow(_COUNT)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
