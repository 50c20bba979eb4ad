"""Reporter that prints when the page and the model answer, then waits silently: `python -m
assistant.boot.readiness`."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from typing import Any

from assistant.boot.console import print_line
from assistant.boot.layout import Layout

_PATIENCE_S = 600  # seconds until a message names the missing part; attempts continue


def main() -> None:
    """Watch page and model until SIGTERM."""
    layout = Layout.read()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    started = time.monotonic()
    _repeat_until_done(lambda: _ask_page(layout), "The page is not responding yet; see the lines of 'web'.")
    print_line(f"Openbook is at {layout.address} ({time.monotonic() - started:.0f} s after the start)")
    took = _repeat_until_done(_ask_for_token, "The model is not responding yet; see the lines of 'llm'.")
    print_line(
        f"The model is ready: one token took {took * 1000:.0f} ms ({time.monotonic() - started:.0f} s after the start)"
    )
    while True:
        signal.pause()


def _repeat_until_done(attempt: Any, patience: str) -> float:
    """Try twice a second until `attempt` succeeds; return the seconds that the successful attempt took."""
    is_told, started = False, time.monotonic()
    while True:
        begun = time.monotonic()
        try:
            attempt()
        except (OSError, ValueError, KeyError, IndexError):  # not reachable yet, or still starting
            if not is_told and begun - started > _PATIENCE_S:
                is_told = True
                print_line(patience)
            time.sleep(0.5)
        else:
            return time.monotonic() - begun


def _ask_page(layout: Layout) -> None:
    host = "127.0.0.1" if layout.host in {"0.0.0.0", "localhost"} else layout.host  # noqa: S104
    at = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(f"http://{at}:{layout.port}/health/ready/", headers={"Host": layout.name})
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        answer.read()


def _ask_for_token() -> None:
    model = os.environ.get("LLM_MODEL") or _ask_model("models")["data"][0]["id"]
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    if not _ask_model("chat/completions", body)["choices"]:
        raise ValueError("an answer without a choice")


def _ask_model(path: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {os.environ.get('LLM_API_KEY', '')}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{os.environ['LLM_URL'].rstrip('/')}/{path}", data, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    main()
