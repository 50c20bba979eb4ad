"""A GPU where FAISS finds one: it finds the centres of inverted lists, which is most of the work of building them.

Searches stay on the processor, so that the GPU is the model's. `faiss-gpu` is installed in the place of `faiss-cpu`.
"""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger(__name__)


def build_gpu_index(library: Any, dimension: int) -> Any:
    """An index of inner products for k-means on all GPUs; None where there is none, or it cannot be used."""
    if not hasattr(library, "StandardGpuResources"):
        return None
    try:
        if not library.get_num_gpus():
            return None
        return library.index_cpu_to_all_gpus(library.IndexFlatIP(dimension))
    except RuntimeError as error:  # no memory left, a driver that does not fit
        log.warning("The GPU is not used for the index: %s", str(error).partition("\n")[0])
        return None


def train_lists(library: Any, index: Any, lists: Any, sample: Any) -> None:
    """Trains an index of inverted lists, its centres on the GPU where one works; otherwise on the processor."""
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
