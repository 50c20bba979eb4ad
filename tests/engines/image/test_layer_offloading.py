"""Tests of a picture model whose layers are loaded one at a time, by the hooks of diffusers, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.engines.image import device_placement, diffusers_pipelines
from apps.engines.image.diffusers import DiffusersPainter
from apps.engines.image.protocol import DrawRequest, DrawStep
from tests.images import tiny_pipeline

ASK = DrawRequest("a red cat", 7, 128, 128, 2, 5.0)


def by_layers(pipeline: Any, torch: Any, largest: int) -> Any:
    from accelerate import cpu_offload

    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            cpu_offload(part, torch.device("cpu"), offload_buffers=len(part._parameters) > 0)
    return pipeline


@pytest.mark.slow
def test_model_loaded_by_layers_draws_as_one_loaded_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_pipeline.save(tmp_path)
    whole = DiffusersPainter(folder)
    described, picture = whole.model(), whole.draw(ASK, lambda _: None).picture
    monkeypatch.setattr(device_placement, "place_pipeline", by_layers)
    painter = DiffusersPainter(folder)
    assert painter.model() == described
    assert next(painter._pipeline.vae.parameters()).is_meta, "its weights wait elsewhere"
    seen: list[bytes] = []

    def show(step: DrawStep) -> None:
        seen.append(step.preview() if step.preview else b"")

    assert painter.draw(ASK, show).picture == picture
    assert len(seen) == 2 and all(seen)
    with pytest.raises(NotImplementedError):
        diffusers_pipelines.compute_fingerprint(painter._pipeline, [])  # so it is taken before
