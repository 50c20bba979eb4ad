"""Whether bfloat16 makes the passes of an encoder faster on this processor.

Without instructions for it it does not; with AMX's tiles it does. With AVX-512's alone it depends: on a server
processor whose AMX is switched off such a product took 1.8 times as long as in float32, so there one is made in both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from apps.engines.embed import bert
from apps.lib import host

_TILES, _VECTORS = "amx_bf16", "avx512_bf16"
_ROWS, _INNER, _OUTER = 128, 384, 1536  # of the widest product of a small encoder: about a millisecond
_ROUNDS = 7
_quiet = threading.Lock()  # two that measure at once would measure each other


@cache
def pays() -> bool:
    """Asked of the processor once in a process."""
    flags = host.get_processor_flags()
    with _quiet:
        return _TILES in flags or (_VECTORS in flags and faster(*_products()))


def faster(half: Callable[[], object], full: Callable[[], object]) -> bool:
    """Whether the first takes less time: the best of some rounds, in turns, since others use the machine too."""
    took = [(_seconds(half), _seconds(full)) for _ in range(_ROUNDS)]
    return min(one for one, _ in took) < min(other for _, other in took)


def _products() -> list[Callable[[], object]]:
    """The same product in bfloat16 and in float32, as a pass makes it: with packed weights, on one core."""
    import torch

    torch.set_num_threads(1)  # of this thread; each pass says for itself how many it wants

    def product(dtype: Any) -> Callable[[], object]:
        rows = torch.ones(_ROWS, _INNER, dtype=dtype)
        weight, bias = bert.packer(torch)((torch.ones(_OUTER, _INNER, dtype=dtype), torch.ones(_OUTER, dtype=dtype)))
        if not bert.packs(torch):
            return lambda: torch.nn.functional.linear(rows, weight, bias)
        return lambda: torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")

    return [product(torch.bfloat16), product(torch.float32)]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
