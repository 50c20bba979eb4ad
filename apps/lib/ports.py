"""A port for a server that is started a moment later."""

from __future__ import annotations

import secrets
import socket

# Systems give outgoing connections a port above these: none takes this one meanwhile, and nobody who looks whether the
# server is there yet reaches themselves, as happens where both ends of a line get the same port.
_FROM, _COUNT = 12_000, 18_000


def find_free_port() -> int:
    """On which nobody listens at this moment."""
    while True:
        port = _FROM + secrets.randbelow(_COUNT)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
