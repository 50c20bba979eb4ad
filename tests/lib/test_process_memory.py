"""Tests that the threads of a worker reuse the memory that each of them frees."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
from django.conf import settings

CODE = """
import ctypes, sys, threading
from apps.lib import process_memory
if sys.argv[1] == "spare":
    process_memory.limit_native_caches()
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


LENGTHS = """
import sys
from apps.lib import process_memory
if sys.argv[1] == "spare":
    process_memory.limit_native_caches()
import django
django.setup()
import psutil
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
embed = SentenceTransformerEmbedder()
for words in (20, 180, 20, 180):  # the largest first: what a batch itself needs is not what batches leave behind
    embed.embed_passages(["word " * words] * 8)
before = psutil.Process().memory_info().rss
for words in range(21, 180, 2):
    embed.embed_passages(["word " * words] * 3)
print((psutil.Process().memory_info().rss - before) / 1024**2)
"""


def grown(how: str) -> float:
    """Return the megabytes that batches of eighty lengths leave behind."""
    command = [sys.executable, "-c", LENGTHS, how]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_batches_of_many_lengths_leave_little_behind() -> None:
    # 60 where a kernel is made for each length (275 without the limit); other processors make none, and leave as little
    assert grown("spare") < 130


RELEASED = """
import ctypes, psutil
from apps.lib import os_compat
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
held = [libc.malloc(60_000) for _ in range(3000)]
for block in held:
    ctypes.memset(block, 1, 60_000)
for block in held[::2] + held[1:-1:2]:  # the last one stays, so that the heap cannot shrink from its end
    libc.free(block)
before = psutil.Process().memory_info().rss
print(os_compat.release_free_memory(), (before - psutil.Process().memory_info().rss) / 1024**2)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_memory_that_is_free_is_given_back() -> None:
    command = [sys.executable, "-c", RELEASED]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    said, megabytes = done.stdout.split()
    assert said == "True" and float(megabytes) > 100
