"""Carry out the verbs of `./run` and `openbook`: `python -m assistant.boot VERB`, with any Python from 3.11 to 3.13.

Standard library only: most verbs begin before the environment exists. `./run help` lists the verbs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from assistant.boot import models, packages, preflight, serve, site_setup, upgrade
from assistant.boot.console import print_line
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import IS_CLONE, PYTHON, ROOT, Layout, read_secret_files

INTERRUPTED = 130  # exit code after Ctrl-C, as shells count it
MANAGED = {"backup": "backup", "restore": "restore", "admin": "rescue_administrator", "doctor": "doctor", "manage": ""}


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one verb and return its exit code. Errors are printed as one sentence."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        os.environ.update(read_secret_files(os.environ))
        if given and given[0] in MANAGED:
            return run_command(Layout.read(), given[0], given[1:])
        options = _parser().parse_args(given or ["help"])
        verbs: dict[str, Callable[[Layout, argparse.Namespace], int]] = {
            "setup": run_setup, "serve": run_serve, "demo": run_demo, "process": run_process, "upgrade": run_upgrade,
        }  # fmt: skip
        if options.verb == "help":
            _parser().print_help()
            return 0
        return verbs[options.verb](Layout.read(), options)
    except BootError as error:
        sys.stderr.write(f"\n{error}\n")
        return error.code
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; run it again to go on.\n")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run" if IS_CLONE else "openbook",
        epilog="Also: backup [FILE], restore FILE, admin EMAIL, doctor, and manage COMMAND for any command of Django.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("serve", help="set up what is missing, then run everything on http://localhost:8000")
    setup = verbs.add_parser("setup", help="set up only: packages, models, database")
    setup.add_argument("--dev", action="store_true", help="also what checks and tests need")
    setup.add_argument("--packages", action="store_true", help="the packages only; nothing is written to DATA_DIR")
    verbs.add_parser("demo", help="serve with a throw-away data directory, an administrator and sample documents")
    process = verbs.add_parser("process", help="become one process, for containers and systemd; after setup")
    process.add_argument("name", choices=["web", "worker", "llm"])
    verbs.add_parser("upgrade", help="back up, fetch the newest version, migrate; go back by itself if that fails")
    verbs.add_parser("help", help="print this help")
    return parser


def run_setup(layout: Layout, options: argparse.Namespace) -> int:
    """Install packages, models and database as far as they are missing."""
    extras = sorted({*packages.required_extras(layout), *(["dev"] if options.dev else [])})
    prepare(layout, extras, serves=False, stores=not options.packages)
    if not options.packages:
        print_line("Ready: ./run serve starts everything." if IS_CLONE else "Ready: openbook serve starts everything.")
    return 0


def run_serve(layout: Layout, options: argparse.Namespace) -> int:
    """Set up what is missing, then become the process that runs all others."""
    prepare(layout, packages.required_extras(layout), serves=True)
    return _start(layout)


def run_demo(layout: Layout, options: argparse.Namespace) -> int:
    """Serve from a data directory that is removed at the end."""
    prepare(layout, packages.required_extras(layout), serves=True, sites=False)
    layout = create_throw_away(layout)
    site_setup.prepare_site(layout)
    site_setup.run_manage(layout, "setup_demo", shown=True)
    return _start(layout)


def run_process(layout: Layout, options: argparse.Namespace) -> int:
    """Become the named process. It needs a setup before, and is not restarted here."""
    if not packages.is_installed(packages.required_extras(layout)):
        raise BootError(ExitCode.PACKAGES, "The packages of this version are not installed; run ./run setup first.")
    os.execv(PYTHON, [str(PYTHON), "-m", "assistant.boot.serve", options.name])  # noqa: S606


def run_upgrade(layout: Layout, options: argparse.Namespace) -> int:
    """Upgrade this clone. Raises BootError when the upgrade failed and was taken back."""
    return upgrade.upgrade_clone(layout)


def run_command(layout: Layout, verb: str, arguments: Sequence[str]) -> int:
    """Run a command of Django with its own output and exit code."""
    prepare(layout, packages.required_extras(layout), serves=False, sites=False, models_too=False)
    command = [name for name in (MANAGED[verb],) if name]
    folder = os.environ.get("CALLED_FROM") or Path.cwd()  # files named on the command line are relative to it
    done = subprocess.run(
        [str(PYTHON), "-m", "django", *command, *arguments],
        cwd=folder,
        env=site_setup.django_environment(layout),
        check=False,
    )
    return done.returncode


def prepare(
    layout: Layout, extras: list[str], *, serves: bool, stores: bool = True, sites: bool = True, models_too: bool = True
) -> None:
    """Check the machine, then install what is missing: packages, models (`models_too`), database (`sites`)."""
    missing = not packages.is_installed(extras)
    preflight.check_machine(layout, installs=missing, serves=serves, stores=stores)
    changed = packages.install_packages(layout, extras) if missing else []
    if missing:
        models.check_embedder()
    if not stores:
        return
    if models_too and not os.environ.get("PICTURE_CHECK"):
        models.prepare_nudity(layout)
    if models_too and layout.own_llm:
        models.prepare_chat(layout)
    if sites:
        site_setup.prepare_site(layout, changed)


def create_throw_away(layout: Layout) -> Layout:
    """Create a data directory with the models in it; `assistant.boot.serve` removes it at the end."""
    data = Path(tempfile.mkdtemp(prefix=serve.THROWN_AWAY))
    if models.is_chat_prepared(layout):
        shutil.copytree(layout.model, data / "models" / "chat", copy_function=_link_or_copy)
    os.environ["DATA_DIR"] = str(data)
    return Layout.read()


def _start(layout: Layout) -> int:
    sys.stdout.flush()
    os.chdir(ROOT)
    os.environ["DATA_DIR"] = str(layout.data)
    os.execv(PYTHON, [str(PYTHON), "-m", "assistant.boot.serve"])  # noqa: S606


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)
