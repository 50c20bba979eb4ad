"""Whether passes are computed in bfloat16 is decided by what is faster on this processor."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from apps.engines.embed import half
from apps.engines.embed.sentence import SentenceEmbed
from apps.lib import host

CORES = "flags\t\t: fpu sse2 avx2 avx512f avx512_vnni{}\n"
TEXTS = ["The ferry to the island leaves every morning at nine, and the ticket office opens an hour before. " * 10] * 8


@pytest.mark.parametrize(
    ("flags", "half_is_faster", "expected"),
    [
        ("", True, False),
        (" avx512_bf16", True, True),
        (" avx512_bf16", False, False),
        (" avx512_bf16 amx_bf16 amx_tile", False, True),
    ],
)
def test_tiles_are_believed_and_vectors_alone_are_measured(
    flags: str, half_is_faster: bool, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cores = tmp_path / "cpuinfo"
    cores.write_text(CORES.format(flags) * 2)
    monkeypatch.setattr(host, "_PROCESSOR", cores)
    monkeypatch.setattr(half, "_products", lambda: ["half", "full"])
    monkeypatch.setattr(half, "faster", lambda *products: half_is_faster and products == ("half", "full"))
    assert half.pays.__wrapped__() is expected


def test_a_machine_that_says_nothing_of_its_cores_keeps_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_PROCESSOR", tmp_path / "none")
    assert half.pays.__wrapped__() is False


def test_one_slow_moment_decides_nothing() -> None:
    def work(first: float, later: float) -> Callable[[], object]:
        waits = iter([first] + [later] * 99)
        return lambda: time.sleep(next(waits))

    assert half.faster(work(0.1, 0.002), work(0.02, 0.02))
    assert not half.faster(work(0.02, 0.02), work(0.1, 0.002))


def test_what_is_chosen_here_is_not_the_slower_one() -> None:
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor packs no weights of bfloat16")
    engines = {kind: SentenceEmbed(half=kind, threads=1) for kind in (True, False)}
    took: dict[bool, list[float]] = {True: [], False: []}
    for engine in engines.values():
        engine.embed_passages(TEXTS)
    for _ in range(5):
        for kind, engine in engines.items():
            took[kind].append(half._seconds(partial(engine.embed_passages, TEXTS)))
    chosen = half.pays()
    assert min(took[chosen]) < 1.2 * min(took[not chosen])
