"""Limits on the native memory of long-running processes: web and worker.

By default each thread of glibc's allocator gets an arena, whose free blocks no other thread uses. oneDNN caches kernels
for a thousand shapes, and torch once more per thread, some megabytes for each batch length. Without limits a worker
grew by a gigabyte, and the web process by 350 MB in its first thousand answers.
"""

from __future__ import annotations

import gc
import os

from apps.lib import os_compat

ARENAS = 2
KERNELS = 64  # compiling one takes a millisecond or two; batches rarely repeat a length
KERNELS_OF_A_THREAD = 16  # torch's own cache; a batch needs five


def limit_native_caches() -> None:
    """Limit arenas and kernels. Must run before the first thread starts and before torch is loaded."""
    os.putenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))  # oneDNN reads it with its first kernel
    os.putenv("LRU_CACHE_CAPACITY", str(KERNELS_OF_A_THREAD))  # torch reads it on import
    os_compat.limit_malloc_arenas(ARENAS)


def freeze_loaded() -> None:
    """Exclude all present objects from garbage collection, since they live as long as the process."""
    gc.collect()
    gc.freeze()
