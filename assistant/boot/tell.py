"""Tells on the log when the page answers and the model is warm, then is quiet: `python -m assistant.boot.tell`."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from typing import Any

from assistant.boot.places import Places
from assistant.boot.say import say

_PATIENCE_S = 600  # then it says what is missing; it goes on trying


def main() -> None:
    places = Places.read()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    started = time.monotonic()
    _until(lambda: _page(places), "The page does not answer yet; the lines of 'web' say why.")
    say(f"Openbook is at {places.address} ({time.monotonic() - started:.0f} s after the start)")
    took = _until(_one_token, "The model does not answer yet; the lines of 'llm' say why.")
    say(f"The model is warm: one token took {took * 1000:.0f} ms ({time.monotonic() - started:.0f} s after the start)")
    while True:
        signal.pause()


def _until(attempt: Any, patience: str) -> float:
    """Tries twice a second until it works; returns how long the attempt took that did."""
    told, started = False, time.monotonic()
    while True:
        begun = time.monotonic()
        try:
            attempt()
        except (OSError, ValueError, KeyError, IndexError):  # not there yet, or not yet itself
            if not told and begun - started > _PATIENCE_S:
                told = True
                say(patience)
            time.sleep(0.5)
        else:
            return time.monotonic() - begun


def _page(places: Places) -> None:
    host = "127.0.0.1" if places.host in {"0.0.0.0", "localhost"} else places.host  # noqa: S104
    at = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(f"http://{at}:{places.port}/health/ready/", headers={"Host": places.name})
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        answer.read()


def _one_token() -> None:
    model = os.environ.get("LLM_MODEL") or _ask("models")["data"][0]["id"]
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    if not _ask("chat/completions", body)["choices"]:
        raise ValueError("an answer without a choice")


def _ask(path: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {os.environ.get('LLM_API_KEY', '')}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{os.environ['LLM_URL'].rstrip('/')}/{path}", data, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    main()
