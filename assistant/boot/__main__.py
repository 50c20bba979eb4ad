"""`python -m assistant.boot setup|serve|demo`, with any Python 3.11 to 3.13; `./run` finds one."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from assistant.boot import machine, models, packages, serve, site
from assistant.boot.places import PYTHON, ROOT, Places
from assistant.boot.say import say
from assistant.boot.stop import Code, Stop


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run")
    parser.add_argument("verb", choices=["setup", "serve", "demo"])
    parser.add_argument("--dev", action="store_true", help="also what checks and tests need")
    options = parser.parse_args(arguments)
    try:
        machine.python()
        places = Places.read()
        if options.verb == "setup":
            setup(places, ["dev"] if options.dev else extras())
            site.prepare(places)
            say("Ready: ./run serve starts everything.")
            return 0
        serve.check(places)
        setup(places, extras())
        if options.verb == "demo":
            places = throw_away(places)
        site.prepare(places)
        if options.verb == "demo":
            populate()
        return start(places)
    except Stop as stop:
        sys.stderr.write(f"\n{stop}\n")
        return stop.code
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; run it again to go on.\n")
        return 130


def setup(places: Places, wanted: list[str]) -> None:
    """Packages and models are there; what is there already is not touched."""
    machine.writable(places.data)
    if not packages.installed(wanted):
        packages.install(places, wanted)
        models.prepare_embedder()
    if not os.environ.get("PICTURE_CHECK"):
        models.prepare_nudity(places)
    if places.own_llm:
        machine.cpu()
        models.prepare_chat(places)


def extras() -> list[str]:
    """The optional packages that the environment's choices need."""
    index = os.environ.get("INDEX_BACKEND", "")
    found = {
        "postgres": any(os.environ.get(name, "").startswith("postgres") for name in ("DATABASE_URL", "PGVECTOR_URL")),
        "redis": bool(os.environ.get("REDIS_URL")),
        "milvus": bool(os.environ.get("MILVUS_URL")) or "milvus" in index,
    }
    return [name for name, needed in found.items() if needed]


def start(places: Places) -> int:
    sys.stdout.flush()
    os.chdir(ROOT)
    os.environ["DATA_DIR"] = str(places.data)
    os.execv(PYTHON, [str(PYTHON), "-m", "assistant.boot.serve"])  # noqa: S606


def throw_away(places: Places) -> Places:
    """A fresh data directory with the model in it; `assistant.boot.serve` removes it at the end."""
    data = Path(tempfile.mkdtemp(prefix=serve.THROWN_AWAY))
    if models.prepared(places):
        shutil.copytree(places.model, data / "models" / "chat", copy_function=_link_or_copy)
    os.environ["DATA_DIR"] = str(data)
    return Places.read()


def populate() -> None:
    """An administrator and the sample collection."""
    if subprocess.run([str(PYTHON), "manage.py", "setup_demo"], cwd=ROOT, check=False).returncode:
        raise Stop(Code.CONFIGURATION, "The demonstration could not be set up; the lines above say why.")


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
