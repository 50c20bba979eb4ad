"""Model server for a benchmark: the configured one if it answers, or the packaged model on a temporary vLLM."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from apps.lib.ports import find_free_port

NAME = "SmolLM2-135M-Instruct"
PATIENCE_S = 300  # vLLM starts in 40 s on a quiet machine


@contextmanager
def model_server() -> Iterator[dict[str, str]]:
    """Yield the environment variables by which a process uses the model. Raise CommandError if none can be started."""
    chat = settings.CHATS["main"]["OPTIONS"]
    model = Path(settings.MODELS_DIR) / "chat"
    if _answers(f"{chat['url']}/models"):
        yield {"LLM_URL": chat["url"], "LLM_TOKENIZER": chat["tokenizer"]}
        return
    if not (model / "config.json").is_file():
        raise CommandError(f"No model answers at {chat['url']}, and there is none in {model}: run ./run setup first.")
    port = str(find_free_port())
    command = [sys.executable, "-W", "ignore", "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    command += ["--served-model-name", NAME, "--host", "127.0.0.1", "--port", port, "--enforce-eager"]
    command += ["--block-size", "32"]  # as in the Procfile
    env = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/health", process)
            yield {"LLM_URL": f"http://127.0.0.1:{port}/v1", "LLM_TOKENIZER": str(model)}
        finally:
            process.terminate()
            process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > until:
            raise CommandError("The model server did not start. Try ./run serve and read the lines of llm.")
        time.sleep(0.5)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3):  # noqa: S310 - from the settings, or our own
            return True
    except OSError:
        return False
