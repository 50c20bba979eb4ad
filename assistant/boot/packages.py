"""The virtual environment and what is in it: the requirements of `pyproject.toml`, held by `constraints.txt`."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections import deque
from pathlib import Path

from assistant.boot import machine
from assistant.boot.places import PYTHON, ROOT, VENV, Places
from assistant.boot.say import say, step
from assistant.boot.stop import Code, Stop

STAMP = VENV / "openbook.stamp"
_BARE = 3  # pip and setuptools come with the environment
_SELF = re.compile(r"openbook\[([\w,]+)\]")
_NETWORK = (
    "Temporary failure in name resolution", "Name or service not known", "Network is unreachable", "NewConnectionError",
    "ConnectTimeout", "Connection refused", "No route to host", "ReadTimeout", "NameResolutionError",
)  # fmt: skip
_FULL = ("No space left on device", "Disk quota exceeded")
_LARGE = re.compile(r"Downloading .*\((\d{2,}(\.\d+)? MB|.* GB)\)")  # what takes long is named, the rest is in the log


def requirements(extras: list[str]) -> list[str]:
    """What pip is asked for; an extra that names other extras of ours is spelled out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted, seen, queue = list(project["dependencies"]), set(), deque(extras)
    while queue:
        extra = queue.popleft()
        if extra in seen:
            continue
        seen.add(extra)
        for item in project["optional-dependencies"][extra]:
            own = _SELF.fullmatch(item)
            if own:
                queue.extend(own[1].split(","))
            else:
                wanted.append(item)
    return wanted


def stamp(extras: list[str]) -> str:
    """Changes when another installation is due."""
    digest = hashlib.sha256()
    for part in (*sorted(requirements(extras)), (ROOT / "constraints.txt").read_text(), sys.version):
        digest.update(part.encode())
    return digest.hexdigest()


def installed(extras: list[str]) -> bool:
    """Whether the environment holds at least what `extras` ask for."""
    if not STAMP.exists() or not PYTHON.exists():
        return False
    return stamp(extras) in STAMP.read_text().split()


def install(places: Places, extras: list[str]) -> None:
    """Makes the environment hold everything; an interrupted installation is simply repeated."""
    machine.disk(ROOT, machine.PACKAGES_BYTES if not STAMP.exists() else machine.GIB, "for the packages")
    places.data.mkdir(parents=True, exist_ok=True)
    if not _usable():
        with step("Making the virtual environment"):
            shutil.rmtree(VENV, ignore_errors=True)
            _make()
    with step("Installing packages, about 0.7 GB to download the first time", _progress):
        _pip(places, requirements(extras))
        _drop_what_cannot_load()
    known = set(STAMP.read_text().split()) if STAMP.exists() else set()
    if stamp([]) not in known:
        known.clear()  # the files have changed: what was installed for the old ones says nothing
    STAMP.write_text("\n".join(sorted(known | {stamp([]), stamp(extras)})))


def _progress() -> str:
    number = len(list((VENV / "lib").glob("python3*/site-packages/*.dist-info")))
    return f"{number} packages are in place" if number > _BARE else "downloading"


def _usable() -> bool:
    """Whether the environment has a working pip; one that was cut off while it was made has none."""
    if not PYTHON.exists():
        return False
    return subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def _make() -> None:
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Stop(
            Code.PYTHON,
            "This Python cannot make virtual environments; on Debian and Ubuntu, install the package python3-venv.",
        )


def _pip(places: Places, wanted: list[str]) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--constraint", str(ROOT / "constraints.txt")]
    if places.torch_index:
        command += ["--extra-index-url", places.torch_index]
    run(command + wanted, places.data / "setup.log")


def run(command: list[str], log: Path) -> None:
    """Runs pip, tells what it fetches, keeps all of its words in `log`, and turns failure into a sentence."""
    tail: deque[str] = deque(maxlen=400)
    with log.open("a") as kept:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in process.stdout or ():
            kept.write(line)
            tail.append(line)
            if _LARGE.search(line) or line.startswith("Installing collected"):
                say(f"  {line.strip()[:90]}")
        code = process.wait()
    if code:
        raise explain("".join(tail), log)


def explain(output: str, log: Path) -> Stop:
    """What pip's last words mean for the person at the terminal."""
    if any(word in output for word in _FULL):
        return Stop(Code.DISK, "The disk became full while packages were installed; free some and run again.")
    if any(word in output for word in _NETWORK):
        return Stop(
            Code.NETWORK, "The package index cannot be reached; check the network or pip's proxy, and run again."
        )
    if re.search(r"No matching distribution found for torch==|requires? torch==\S+\+cpu|torch==\S+\+cpu.*not", output):
        return Stop(
            Code.TORCH,
            "pip found no CPU build of PyTorch; set TORCH_INDEX to the address of PyTorch's index of CPU builds, which "
            "its installation page names under 'CPU', and run again.",
        )
    return Stop(Code.PACKAGES, f"pip could not install the packages; its words are in {log}.")


def _drop_what_cannot_load() -> None:
    """The model server asks for sound and video packages that it never needs here; a build of them that does not fit
    the installed PyTorch fails on import and would take the model server with it."""
    for name in ("torchaudio", "torchcodec"):
        if not list((VENV / "lib").glob(f"python3*/site-packages/{name}")):
            continue
        if subprocess.run([str(PYTHON), "-c", f"import {name}"], capture_output=True, check=False).returncode:
            subprocess.run([str(PYTHON), "-m", "pip", "uninstall", "-y", "-q", name], capture_output=True, check=True)
            say(f"  {name} does not fit this PyTorch and is not needed: removed")
