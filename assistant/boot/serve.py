"""Runner of the Procfile's processes with one log, inside the environment: `python -m assistant.boot.serve`.

With the name of a process (`python -m assistant.boot.serve web`) it becomes the supervisor of that one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from assistant.boot import process_locks
from assistant.boot.console import print_line
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import ROOT, VENV, Layout, find_resource
from assistant.boot.packaged_models import CHAT_NAME

STOP_S = 30.0  # seconds; Celery's soft shutdown takes up to 20, and the shipped units wait 40
DEMO_PREFIX = "openbook-demo-"  # prefix of a demonstration's data directory
_QUIET = (
    # Django reads a FileResponse completely, in a thread, before it is sent, and warns of that.
    "ignore:StreamingHttpResponse must consume synchronous iterators",
    # Containers run as root on purpose; queue messages are JSON, never pickles.
    "ignore:You're running the worker with superuser privileges",
)


def run_processes(layout: Layout) -> int:
    """Run all processes until a signal or the end of a supervisor; return 0 for a signal. Raise BootError."""
    from honcho import manager as honcho

    from assistant.boot.supervisor import GRACE_S, get_grace_s

    process_locks.lock_data(layout)  # until this process ends
    # The supervisors end their commands first, that of the model after that of the pages; honcho kills what is left.
    honcho.KILL_WAIT = get_grace_s("web") + GRACE_S + 3
    manager = honcho.Manager()
    env = complete_environment(layout)
    for name, command in _read_procfile().items():
        if name == "llm" and not layout.own_llm:
            print_line(f"The model server is {env['LLM_URL']}; no model server is started here")
            continue
        manager.add_process(name, command, env=env, cwd=str(ROOT))
    manager.add_process("openbook", "exec python -m assistant.boot.readiness", env=env, cwd=str(ROOT))
    print_line(f"Starting; the page will be at {layout.address}. Press Ctrl-C to stop.")
    manager.loop()
    requested = {128 + signal.SIGINT, 128 + signal.SIGTERM}
    return 0 if manager.returncode in requested else manager.returncode or 0


def supervise_process(layout: Layout, name: str) -> int:
    """Run one line of the Procfile and restart it whenever it ends; return 0 after a signal. Raise BootError.

    No record of it is kept: several machines, or several workers of one, may share the data directory.
    """
    from assistant.boot.supervisor import Supervisor, get_grace_s

    if name == "llm" and not layout.own_llm:
        raise BootError(
            ExitCode.CONFIGURATION, "LLM_URL names a model server, so none is started; unset it to start one."
        )
    command = _read_procfile()[name].partition(" -- ")[2]
    os.environ.update(complete_environment(layout))
    del os.environ["SUPERVISE_WHILE"]
    process_locks.lock_data(layout, shared=True)
    os.chdir(ROOT)
    return Supervisor(name, ["/bin/sh", "-c", f"exec {command}"], grace_s=max(STOP_S, get_grace_s(name))).run()


def complete_environment(layout: Layout) -> dict[str, str]:
    """Return the caller's variables with those that the processes need. Create `llm_key` if it is missing."""
    env = dict(os.environ)
    env |= {
        "DATA_DIR": str(layout.data),
        "HOST": layout.host,
        "PORT": str(layout.port),
        "SITE_URL": layout.address,
        "SUPERVISE_WHILE": str(os.getpid()),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": env.get("PYTHONWARNINGS", ",".join(_QUIET)),
        "TOKENIZERS_PARALLELISM": "false",
    }
    if not env.get("EMBED_MODEL"):
        env["HF_HUB_OFFLINE"] = "1"  # all models are local: no hub is asked
    if layout.own_llm:
        env |= _describe_model_server(layout, env)
    return env


def _describe_model_server(layout: Layout, env: dict[str, str]) -> dict[str, str]:
    key = env.get("LLM_API_KEY") or _read_or_make_key(layout.data / "llm_key")
    packaged = "--model" not in env.get("LLM_ENGINE_ARGS", "")
    return {
        "LLM_URL": f"http://127.0.0.1:{layout.llm_port}/v1",
        "LLM_READS": env.get("LLM_READS", "badly" if packaged else ""),
        "LLM_HOST": layout.llm_host,
        "LLM_PORT": str(layout.llm_port),
        "LLM_NAME": CHAT_NAME,
        "LLM_API_KEY": key,
        "VLLM_API_KEY": key,
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "LLM_ENGINE_ARGS": env.get("LLM_ENGINE_ARGS", ""),
        "LLM_OFFLINE": "1" if packaged else "0",  # another model may come from a hub
        "VLLM_CPU_KVCACHE_SPACE": env.get("VLLM_CPU_KVCACHE_SPACE", "1"),  # GiB: 46,000 tokens of the packaged model
        "VLLM_LOGGING_LEVEL": env.get("VLLM_LOGGING_LEVEL", "ERROR"),
    }


def _read_or_make_key(path: Path) -> str:
    """Return a key that only processes of this user can read: no other program may use the model server."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # mode 0600
            file.write(secrets.token_urlsafe(32))
        with suppress(FileExistsError):  # another process created the key meanwhile
            os.link(file.name, path)
        Path(file.name).unlink()
    return path.read_text().strip()


def _read_procfile() -> dict[str, str]:
    from honcho.environ import parse_procfile

    return dict(parse_procfile(find_resource("Procfile").read_text()).processes)


def remove_demo_data(data: Path) -> None:
    """Remove the data directory of a demonstration; leave any other."""
    if data.name.startswith(DEMO_PREFIX) and data.parent == Path(tempfile.gettempdir()).resolve():
        shutil.rmtree(data, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Run the named process, or all."""
    layout = Layout.read()
    try:
        if arguments:
            return supervise_process(layout, arguments[0])
        try:
            return run_processes(layout)
        finally:
            remove_demo_data(layout.data)
    except BootError as error:
        sys.stderr.write(f"{error}\n")
        return error.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
