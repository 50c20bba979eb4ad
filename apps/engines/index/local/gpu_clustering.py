"""K-means on a GPU, which is most of the work of building inverted lists, if FAISS finds a GPU.

Searches stay on the CPU, so that the GPU is left to the model. `faiss-gpu` is installed instead of `faiss-cpu`.
"""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger(__name__)


def build_gpu_index(library: Any, dimension: int) -> Any:
    """Return an inner-product index on all GPUs for k-means; None if there is none or it cannot be used."""
    if not hasattr(library, "StandardGpuResources"):
        return None
    try:
        if not library.get_num_gpus():
            return None
        return library.index_cpu_to_all_gpus(library.IndexFlatIP(dimension))
    except RuntimeError as error:  # out of memory, or an incompatible driver
        log.warning("The GPU is not used for the index: %s", str(error).partition("\n")[0])
        return None


def train_lists(library: Any, index: Any, lists: Any, sample: Any) -> None:
    """Train the index in place: its centroids on the GPU if that works, otherwise on the CPU.

    `lists` is the part of `index` that holds the inverted lists. `sample` has shape (n, dimension), float32.
    """
    graphics = build_gpu_index(library, sample.shape[1])
    if graphics is not None:
        lists.clustering_index = graphics
        try:
            index.train(sample)
        except RuntimeError as error:
            log.warning("The GPU broke off, the processor takes over: %s", str(error).partition("\n")[0])
        else:
            return
        finally:
            lists.clustering_index = None
        index.reset()
        lists.quantizer.reset()
    index.train(sample)
