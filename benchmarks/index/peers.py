"""Libraries with which the index is compared, installed in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PEERS = {  # name -> requirement of pip; "": none
    "hnswlib": "hnswlib==0.8.0",
    "chroma": "chromadb==1.5.9",
    "lancedb": "lancedb==0.40.0",
    "fts5": "",
}
SLOW = {"lancedb": 100, "fts5": 100}  # number of questions for slow libraries
_EFFORTS = (32, 48, 64, 96, 128, 192, 256, 384, 512)  # ef of hnswlib; the least that reaches the wanted recall is used


@dataclass(frozen=True, slots=True)
class PeerResult:
    """Result of a library: times, and positions found for each question."""

    ms: list[float]  # milliseconds of each question
    found: list[list[int]]
    build_s: float
    first_s: float


def prepare_peer(cache: Path, name: str) -> tuple[Path, str]:
    """Install the library if needed. Return its interpreter, and the reason why it cannot run; "" if it can."""
    needed = PEERS[name]
    if not needed:
        return Path(sys.executable), ""
    python = cache / "peers" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(cache / "peers")], check=True)
    done = cache / "peers" / f"{name}.installed"
    if done.exists():
        return python, ""
    if said := _pip(python, "numpy>=2,<3", needed):
        return python, f"{needed} could not be installed: {said}"
    done.touch()
    return python, ""


def ask_peer(python: Path, name: str, folder: Path, limit: int, effort: int = 0) -> PeerResult:
    """Ask one library every question, in a process of its own on one core. Raise CalledProcessError."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    if name in SLOW:
        env["AT_MOST"] = str(SLOW[name])
    if effort:
        env["EF"] = str(effort)
    script = Path(__file__).with_name("peer.py")
    done = subprocess.run(
        [str(python), str(script), name, str(folder), str(limit)],
        capture_output=True, text=True, env=env, check=True,
    )  # fmt: skip
    return PeerResult(**json.loads(done.stdout.splitlines()[-1]))


def list_efforts(name: str) -> tuple[int, ...]:
    """Return the values of ef to try; (0,) for libraries without it."""
    return _EFFORTS if name == "hnswlib" else (0,)


def _pip(python: Path, *what: str) -> str:
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip failed"])[-1]
