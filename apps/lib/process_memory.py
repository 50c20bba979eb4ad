"""Keep the memory of a process that works through one thing after another from growing: web and worker.

By default each thread of glibc's allocator gets an arena, whose free blocks no other thread uses, and oneDNN keeps its
kernels for a thousand shapes (torch once more for each thread), some megabytes for each length of a batch: a worker
grew by a gigabyte, and the web process by 350 MB in its first thousand answers.
"""

from __future__ import annotations

import gc
import os

from apps.lib import os_compat

ARENAS = 2
KERNELS = 64  # making one takes a millisecond or two; a batch hardly ever has the length of an earlier one
KERNELS_OF_A_THREAD = 16  # which torch keeps; a batch takes five


def limit_native_caches() -> None:
    """Limit arenas and kernels. Must run before the first thread starts and before torch is loaded."""
    os.putenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))  # oneDNN asks C when it makes its first kernel
    os.putenv("LRU_CACHE_CAPACITY", str(KERNELS_OF_A_THREAD))  # torch asks when it is loaded
    os_compat.limit_malloc_arenas(ARENAS)


def freeze_loaded() -> None:
    """Let the garbage collector skip what is loaded now: it stays as long as the process does."""
    gc.collect()
    gc.freeze()
