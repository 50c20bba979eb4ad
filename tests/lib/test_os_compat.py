"""Tests of the system functions on Linux, and of the product without those that only Linux has."""

from __future__ import annotations

import errno
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from apps.lib import os_compat

ROOT = Path(settings.BASE_DIR)
FOREIGN = "from tests.support import non_linux; non_linux.install()\n"


def run(code: str, *arguments: str, foreign: bool = False) -> Any:
    """Return the JSON that the code prints in a process of its own."""
    code = f"import json, os, signal, subprocess, sys, time\n{FOREIGN if foreign else ''}{code}"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "120"]) as child:
        yield child
        child.kill()


def test_core_count_covers_only_cores_that_the_process_may_use() -> None:
    code = """
from apps.lib import os_compat
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
print(os_compat.count_usable_cores())
"""
    assert run(code) == 1
    assert os_compat.count_usable_cores() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    "lines", ["processor\t: 0\nflags\t\t: fpu avx2\nbugs\t\t: spectre_v1\n", "processor\t: 0\nFeatures\t: fpu avx2\n"]
)
def test_flags_of_the_first_core_are_read(lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(lines * 2)
    monkeypatch.setattr(os_compat, "_PROCESSOR", file)
    assert os_compat.get_processor_flags() == {"fpu", "avx2"}


@pytest.mark.parametrize(("flags", "expected"), [("", False), (" avx512_bf16", True), (" amx_bf16", True)])
def test_bfloat16_is_chosen_on_processors_with_instructions_for_it(
    flags: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(f"flags\t\t: fpu avx2{flags}\n" * 2)
    monkeypatch.setattr(os_compat, "_PROCESSOR", file)
    assert os_compat.adds_bfloat16_products() is expected


def test_available_memory_is_what_the_kernel_says() -> None:
    line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    assert abs(os_compat.get_available_memory() / 1024 - int(line.split()[1])) < 512 * 1024


def test_open_descriptors_are_listed() -> None:
    one, other = os.pipe()
    assert {0, one, other} <= set(os_compat.list_open_descriptors())
    os.close(one)
    os.close(other)
    assert not {one, other} <= set(os_compat.list_open_descriptors())


def test_a_file_is_opened_anew_at_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("from the beginning")
    with path.open() as file:
        file.read()
        assert Path(os_compat.get_reopenable_path(file.fileno())).read_text() == "from the beginning"


def test_a_process_runs_until_it_has_ended(child: subprocess.Popen[bytes]) -> None:
    descriptor = os_compat.open_pidfd(child.pid)
    assert descriptor is not None
    assert os_compat.is_running(child.pid)
    assert select.select([descriptor], [], [], 0)[0] == []
    child.kill()
    assert select.select([descriptor], [], [], 60)[0] == [descriptor]
    assert not os_compat.is_running(child.pid)  # a zombie
    child.wait()
    assert not os_compat.is_running(child.pid)
    assert os_compat.open_pidfd(child.pid) is None
    os.close(descriptor)


def test_the_boot_and_the_namespace_are_the_same_for_every_process() -> None:
    code = "from apps.lib import os_compat\nprint(json.dumps([os_compat.get_boot_id(), os_compat.get_pid_namespace()]))"
    assert run(code) == [os_compat.get_boot_id(), os_compat.get_pid_namespace()]
    assert os_compat.get_boot_id() and os_compat.get_pid_namespace()


def test_orphans_get_the_process_that_adopts_them_as_parent() -> None:
    code = """
from apps.lib import os_compat
import psutil
os_compat.adopt_orphans()
orphan = int(subprocess.check_output(["sh", "-c", "sleep 120 >/dev/null 2>&1 & echo $!"]))
parent = psutil.Process(orphan).ppid()
os.kill(orphan, signal.SIGKILL)
print(json.dumps(parent == os.getpid()))
"""
    assert run(code)


def test_a_process_dies_with_its_parent() -> None:
    child = (
        "from apps.lib import os_compat; import time; os_compat.die_with_parent(); print('bound', flush=True); "
        "time.sleep(120)"
    )
    code = f"""
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    parent = subprocess.run(
        [sys.executable, "-c", f"import os, signal, subprocess, sys\n{code}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    end = time.monotonic() + 60
    while os_compat.is_running(int(parent.stdout)):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_privileges_cannot_be_gained_after_they_were_dropped() -> None:
    code = """
from apps.lib import os_compat
os_compat.forbid_new_privileges()
print(next(line for line in open("/proc/self/status") if line.startswith("NoNewPrivs")).split()[1])
"""
    assert run(code) == 1


def test_network_isolation_blocks_even_the_loopback_address() -> None:
    code = """
from apps.lib import os_compat
import socket
refused = os_compat.leave_network()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
    print(json.dumps([refused, link.connect_ex(("127.0.0.1", 9))]))
"""
    refused, connected = run(code)
    assert connected == (0 if refused else errno.ENETUNREACH)


def test_a_refusal_to_leave_the_network_is_returned() -> None:
    code = """
from apps.lib import os_compat
import threading
threading.Thread(target=time.sleep, args=(1,)).start()
print(os_compat.leave_network())
"""
    assert run(code) in {errno.EINVAL, errno.EPERM, errno.ENOSPC}  # EINVAL: a process of several threads may not


def test_os_functions_work_on_other_systems_than_linux() -> None:
    code = """
import errno
from apps.lib import os_compat
os_compat.limit_malloc_arenas(2); os_compat.die_with_parent(); os_compat.adopt_orphans()
os_compat.forbid_new_privileges()
print(json.dumps({
    "cores": os_compat.count_usable_cores() == os.cpu_count(), "flags": len(os_compat.get_processor_flags()),
    "memory": os_compat.get_available_memory() > 0, "descriptors": {0, 1, 2} <= set(os_compat.list_open_descriptors()),
    "path": os_compat.get_reopenable_path(os.open("pyproject.toml", os.O_RDONLY)).endswith("/pyproject.toml"),
    "runs": os_compat.is_running(os.getpid()), "descriptor": os_compat.open_pidfd(os.getpid()),
    "boot": int(os_compat.get_boot_id()) > 0, "namespace": os_compat.get_pid_namespace(),
    "network": os_compat.leave_network() == errno.ENOSYS, "memory_folder": os_compat.MEMORY_FOLDER.exists(),
}))
"""
    assert run(code, foreign=True) == {
        "cores": True, "flags": 0, "memory": True, "descriptors": True, "path": True, "runs": True, "descriptor": None,
        "boot": True, "namespace": 0, "network": True, "memory_folder": False,
    }  # fmt: skip


@pytest.mark.slow
def test_modules_can_all_be_imported_on_other_systems_than_linux() -> None:
    code = """
import importlib, pkgutil
os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
import django
django.setup()
import apps, assistant
names = [found.name for package in (apps, assistant)
         for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
         if ".migrations" not in found.name and ".bench" not in found.name]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
    assert run(code, foreign=True) > 500


def test_files_are_read_with_resource_limits_only_on_other_systems(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html><body><p>Thirty days of paid leave.</p></body></html>")
    code = """
os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
import django
django.setup()
from pathlib import Path
from apps.reading.sandbox import fork_client; from apps.reading.sandbox import runner
options = {"kind": "html", "pages": 10, "characters": 10**6, "name": "n" * 100_000}
answers = runner.run_task("parse", Path(sys.argv[1]), options, seconds=60, memory_bytes=1024**3)
found = runner.probe_confinement()
text = [answer["text"] for answer in answers if "page" in answer]
fork_client.stop_server()
print(json.dumps([text, found.network_errno, found.memory_limited]))
"""
    assert run(code, str(path), foreign=True) == [["Thirty days of paid leave."], errno.ENOSYS, False]


@pytest.mark.slow
def test_embedder_counts_its_cores_on_other_systems() -> None:
    code = """
from apps.lib import os_compat
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
embed = SentenceTransformerEmbedder()
vectors = embed.embed_passages(["The ferry leaves at nine."])
print(json.dumps([embed._threads == os.cpu_count(), os_compat.adds_bfloat16_products(), vectors.shape[0]]))
"""
    assert run(code, foreign=True) == [True, False, 1]


def test_segment_is_written_without_a_memory_folder_on_other_systems(tmp_path: Path) -> None:
    code = """
from apps.engines.index.local import segment_files
segment_files.sweep_memory(0)
with segment_files.open_memory_folder(1) as folder:
    print(json.dumps(folder))
"""
    assert run(code, foreign=True) is None
