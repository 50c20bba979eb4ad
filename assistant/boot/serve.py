"""Starts the processes of the Procfile with one log, inside the environment: `python -m assistant.boot.serve`."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from assistant.boot import machine
from assistant.boot.keep import GRACE_S
from assistant.boot.models import CHAT_NAME
from assistant.boot.places import ROOT, VENV, Places
from assistant.boot.say import say

THROWN_AWAY = "openbook-demo-"  # how the name of a demonstration's data directory begins


def serve(places: Places) -> int:
    """Returns when everything has ended; 0 where that was asked for."""
    from honcho import manager as honcho
    from honcho.environ import parse_procfile

    honcho.KILL_WAIT = GRACE_S + 3  # the keepers end their commands; only then would they be ended by force
    manager = honcho.Manager()
    env = environment(places)
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items():
        if name == "llm" and not places.own_llm:
            say(f"The model server is {env['LLM_URL']}; none is started here")
            continue
        manager.add_process(name, command, env=env, cwd=str(ROOT))
    manager.add_process("openbook", "exec python -m assistant.boot.tell", env=env, cwd=str(ROOT))
    say(f"Starting; the page will be at {places.address}. Ctrl-C ends everything.")
    manager.loop()
    asked = {128 + signal.SIGINT, 128 + signal.SIGTERM}
    return 0 if manager.returncode in asked else manager.returncode or 0


def environment(places: Places) -> dict[str, str]:
    """What the processes see: the caller's variables, completed."""
    env = dict(os.environ)
    env |= {
        "DATA_DIR": str(places.data),
        "HOST": places.host,
        "PORT": str(places.port),
        "SITE_URL": places.address,
        "KEEP_WHILE": str(os.getpid()),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        # Django reads a FileResponse whole, in a thread, before it sends it, and warns of that.
        "PYTHONWARNINGS": env.get("PYTHONWARNINGS", "ignore:StreamingHttpResponse must consume synchronous iterators"),
        "TOKENIZERS_PARALLELISM": "false",
    }
    if not env.get("EMBED_MODEL"):
        env["HF_HUB_OFFLINE"] = "1"  # everything that is needed lies here; nobody is asked
    if places.own_llm:
        env |= _model_server(places, env)
    return env


def _model_server(places: Places, env: dict[str, str]) -> dict[str, str]:
    key = env.get("LLM_API_KEY") or _key(places.data / "llm_key")
    return {
        "LLM_URL": f"http://127.0.0.1:{places.llm_port}/v1",
        "LLM_PORT": str(places.llm_port),
        "LLM_NAME": CHAT_NAME,
        "LLM_API_KEY": key,
        "VLLM_API_KEY": key,
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "LLM_ENGINE_ARGS": env.get("LLM_ENGINE_ARGS", ""),
        "VLLM_CPU_KVCACHE_SPACE": env.get("VLLM_CPU_KVCACHE_SPACE", "1"),  # GiB: 46,000 tokens of the packaged model
        "VLLM_LOGGING_LEVEL": env.get("VLLM_LOGGING_LEVEL", "ERROR"),
    }


def _key(path: Path) -> str:
    """A key that only processes of this user can read: other programs of the machine cannot use the model server."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    except FileExistsError:
        pass
    return path.read_text().strip()


def throw_away(data: Path) -> None:
    """The data directory of a demonstration is gone; any other stays."""
    if data.name.startswith(THROWN_AWAY) and data.parent == Path(tempfile.gettempdir()).resolve():
        shutil.rmtree(data, ignore_errors=True)


def check(places: Places) -> None:
    """Whether the processes can start here and now."""
    machine.reachable(places.host, places.site_url)
    machine.port(places.host, places.port, "PORT")
    machine.disk(places.data, machine.RUNNING_BYTES, "to run")
    if places.own_llm:
        machine.cpu()
        machine.memory(machine.LLM_MEMORY_BYTES)
        machine.port("127.0.0.1", places.llm_port, "LLM_PORT (or LLM_URL, if it is a model server of yours)")


def main() -> int:
    places = Places.read()
    try:
        return serve(places)
    finally:
        throw_away(places.data)


if __name__ == "__main__":
    sys.exit(main())
