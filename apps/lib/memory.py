"""Keep the memory of a process that works through one thing after another from growing: web and worker.

By default each thread of glibc's allocator gets an arena, whose free blocks no other thread uses, and oneDNN keeps its
kernels for a thousand shapes (torch once more for each thread), some megabytes for each length of a batch: a worker
grew by a gigabyte, and the web process by 350 MB in its first thousand answers.
"""

from __future__ import annotations

import gc
import os

from apps.lib import host

ARENAS = 2
KERNELS = 64  # making one takes a millisecond or two; a batch hardly ever has the length of an earlier one
KERNELS_OF_A_THREAD = 16  # which torch keeps; a batch takes five
# How many objects may have come to stay before the youngest are looked through, and how often the older ones with them.
# Answers that are being written keep objects by the thousand and leave few cycles, and so do documents that are read:
# at Python's 700 a twentieth of what two hundred streams cost went into looking for them.
_COLLECTED = (20_000, 10, 10)
_resting = False


def spare() -> None:
    """Limit arenas and kernels. Must run before the first thread starts and before torch is loaded."""
    os.putenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))  # oneDNN asks C when it makes its first kernel
    os.putenv("LRU_CACHE_CAPACITY", str(KERNELS_OF_A_THREAD))  # torch asks when it is loaded
    host.limit_malloc_arenas(ARENAS)


def rest() -> None:
    """The collector looks for nothing while a process loads what it is made of: that stays as long as the process does,
    and to look through it again and again takes 0.3 of 0.8 s in which the apps load. Until `wake`."""
    global _resting
    _resting = _resting or gc.isenabled()
    gc.disable()


def wake() -> None:
    """Loaded: what is there is not looked through later either, and the collector works as it did before `rest`."""
    global _resting
    if _resting:
        _resting = False
        gc.freeze()
        gc.enable()


def settle() -> None:
    """Called when what the process needs is loaded. That stays as long as the process does: the collector need not walk
    through it again and again, while everybody waits."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED)
