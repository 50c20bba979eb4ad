"""Threads of a worker share the memory that each of them gives back."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
from django.conf import settings

CODE = """
import ctypes, sys, threading
from apps.lib import memory
if sys.argv[1] == "spare":
    memory.spare()
everybody = threading.Barrier(8)
def work():
    held = [ctypes.create_string_buffer(9000) for _ in range(50)]
    everybody.wait()  # all of them are alive, so none takes the arena of one that ended
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
library = ctypes.CDLL(None)
library.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(library.fdopen(1, b"w"))
library.malloc_info(0, out)
library.fflush(out)
"""


def arenas(how: str) -> int:
    command = [sys.executable, "-c", CODE, how]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not glibc")
def test_threads_share_two_arenas() -> None:
    assert arenas("spare") <= 2 < arenas("as it is")
