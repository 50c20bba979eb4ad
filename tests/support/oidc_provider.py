"""OpenID Connect provider of the tests, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from apps.lib.ports import find_free_port

PATIENCE_S = 60


@contextmanager
def run_provider() -> Iterator[str]:
    """Run the provider and yield its issuer. It accepts every client, and every user without a password."""
    port = find_free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "oidc_provider_mock", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            _wait(address)
            yield address
        finally:
            process.terminate()


def set_claims(issuer: str, subject: str, **claims: Any) -> None:
    """Set what the provider says about a user."""
    httpx2.put(f"{issuer}/users/{subject}", json=claims).raise_for_status()


def _wait(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            httpx2.get(f"{address}/.well-known/openid-configuration").raise_for_status()
            return
        except httpx2.TransportError:
            assert time.monotonic() < deadline, "the provider did not start"
            time.sleep(0.2)
