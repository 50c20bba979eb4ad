"""Differences between systems: each function on this Linux, and the product without what only Linux has."""

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

from apps.lib import host

ROOT = Path(settings.BASE_DIR)
FOREIGN = "from tests import foreign; foreign.install()\n"


def run(code: str, *arguments: str, foreign: bool = False) -> Any:
    """What the code prints as JSON, in a process of its own."""
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


def test_only_cores_that_the_process_may_use_are_counted() -> None:
    code = """
from apps.lib import host
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
print(host.count_usable_cores())
"""
    assert run(code) == 1
    assert host.count_usable_cores() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    "lines", ["processor\t: 0\nflags\t\t: fpu avx2\nbugs\t\t: spectre_v1\n", "processor\t: 0\nFeatures\t: fpu avx2\n"]
)
def test_flags_of_the_first_core_are_read(lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(lines * 2)
    monkeypatch.setattr(host, "_PROCESSOR", file)
    assert host.get_processor_flags() == {"fpu", "avx2"}


@pytest.mark.parametrize(("flags", "expected"), [("", False), (" avx512_bf16", False), (" amx_bf16", True)])
def test_only_processors_with_tiles_compute_in_bfloat16_by_themselves(
    flags: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(f"flags\t\t: fpu avx2{flags}\n" * 2)
    monkeypatch.setattr(host, "_PROCESSOR", file)
    assert host.multiplies_bfloat16() is expected


def test_available_memory_is_what_the_kernel_says() -> None:
    line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    assert abs(host.get_available_memory() / 1024 - int(line.split()[1])) < 512 * 1024


def test_open_descriptors_are_listed() -> None:
    one, other = os.pipe()
    assert {0, one, other} <= set(host.list_open_descriptors())
    os.close(one)
    os.close(other)
    assert not {one, other} <= set(host.list_open_descriptors())


def test_a_file_is_opened_anew_at_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("from the beginning")
    with path.open() as file:
        file.read()
        assert Path(host.get_reopenable_path(file.fileno())).read_text() == "from the beginning"


def test_a_process_runs_until_it_has_ended(child: subprocess.Popen[bytes]) -> None:
    descriptor = host.open_pidfd(child.pid)
    assert descriptor is not None
    assert host.is_running(child.pid)
    assert select.select([descriptor], [], [], 0)[0] == []
    child.kill()
    assert select.select([descriptor], [], [], 60)[0] == [descriptor]
    assert not host.is_running(child.pid)  # a zombie
    child.wait()
    assert not host.is_running(child.pid)
    assert host.open_pidfd(child.pid) is None
    os.close(descriptor)


def test_the_boot_and_the_namespace_are_the_same_for_every_process() -> None:
    code = "from apps.lib import host\nprint(json.dumps([host.get_boot_id(), host.get_pid_namespace()]))"
    assert run(code) == [host.get_boot_id(), host.get_pid_namespace()]
    assert host.get_boot_id() and host.get_pid_namespace()


def test_orphans_get_the_process_that_adopts_them_as_parent() -> None:
    code = """
from apps.lib import host
import psutil
host.adopt_orphans()
orphan = int(subprocess.check_output(["sh", "-c", "sleep 120 >/dev/null 2>&1 & echo $!"]))
parent = psutil.Process(orphan).ppid()
os.kill(orphan, signal.SIGKILL)
print(json.dumps(parent == os.getpid()))
"""
    assert run(code)


def test_a_process_dies_with_its_parent() -> None:
    child = (
        "from apps.lib import host; import time; host.die_with_parent(); print('bound', flush=True); time.sleep(120)"
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
    while host.is_running(int(parent.stdout)):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_no_privileges_are_gained_afterwards() -> None:
    code = """
from apps.lib import host
host.forbid_new_privileges()
print(next(line for line in open("/proc/self/status") if line.startswith("NoNewPrivs")).split()[1])
"""
    assert run(code) == 1


def test_without_the_network_not_even_this_machine_is_reached() -> None:
    code = """
from apps.lib import host
import socket
refused = host.leave_network()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
    print(json.dumps([refused, link.connect_ex(("127.0.0.1", 9))]))
"""
    refused, connected = run(code)
    assert connected == (0 if refused else errno.ENETUNREACH)


def test_a_refusal_to_leave_the_network_is_returned() -> None:
    code = """
from apps.lib import host
import threading
threading.Thread(target=time.sleep, args=(1,)).start()
print(host.leave_network())
"""
    assert run(code) in {errno.EINVAL, errno.EPERM, errno.ENOSPC}  # EINVAL: a process of several threads may not


def test_elsewhere_each_function_does_without_linux() -> None:
    code = """
import errno
from apps.lib import host
host.limit_malloc_arenas(2); host.die_with_parent(); host.adopt_orphans(); host.forbid_new_privileges()
print(json.dumps({
    "cores": host.count_usable_cores() == os.cpu_count(), "flags": len(host.get_processor_flags()),
    "memory": host.get_available_memory() > 0, "descriptors": {0, 1, 2} <= set(host.list_open_descriptors()),
    "path": host.get_reopenable_path(os.open("pyproject.toml", os.O_RDONLY)).endswith("/pyproject.toml"),
    "runs": host.is_running(os.getpid()), "descriptor": host.open_pidfd(os.getpid()),
    "boot": int(host.get_boot_id()) > 0, "namespace": host.get_pid_namespace(),
    "network": host.leave_network() == errno.ENOSYS, "memory_folder": host.MEMORY_FOLDER.exists(),
}))
"""
    assert run(code, foreign=True) == {
        "cores": True, "flags": 0, "memory": True, "descriptors": True, "path": True, "runs": True, "descriptor": None,
        "boot": True, "namespace": 0, "network": True, "memory_folder": False,
    }  # fmt: skip


def test_elsewhere_every_module_can_be_imported() -> None:
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


def test_elsewhere_a_file_is_read_with_resource_limits_only(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html><body><p>Thirty days of paid leave.</p></body></html>")
    code = """
os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
import django
django.setup()
from pathlib import Path
from apps.documents import forking, sandbox
options = {"kind": "html", "pages": 10, "characters": 10**6, "name": "n" * 100_000}
answers = sandbox.run("parse", Path(sys.argv[1]), options, seconds=60, memory_bytes=1024**3)
found = sandbox.probe_confinement()
text = [answer["text"] for answer in answers if "page" in answer]
forking.close()
print(json.dumps([text, found.network_errno, found.memory_limited]))
"""
    assert run(code, str(path), foreign=True) == [["Thirty days of paid leave."], errno.ENOSYS, False]


def test_elsewhere_the_embedder_counts_its_cores() -> None:
    code = """
from apps.lib import host
from apps.engines.embed.sentence import SentenceEmbed
embed = SentenceEmbed()
vectors = embed.embed_passages(["The ferry leaves at nine."])
print(json.dumps([embed._threads == os.cpu_count(), host.multiplies_bfloat16(), vectors.shape[0]]))
"""
    assert run(code, foreign=True) == [True, False, 1]


def test_elsewhere_a_segment_is_written_without_a_folder_in_memory(tmp_path: Path) -> None:
    code = """
from apps.engines.index.local import files
files.sweep_memory(0)
with files.in_memory(1) as folder:
    print(json.dumps(folder))
"""
    assert run(code, foreign=True) is None
