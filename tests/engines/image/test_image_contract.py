"""Contract tests of picture engines; diffusers draws with a tiny pipeline of its own classes."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from apps.engines.image.diffusers import DiffusersPainter
from apps.engines.image.fake import FakePainter
from apps.engines.image.protocol import DrawRequest, DrawStep, ImageEngine
from apps.engines.image.validation import encode_png
from apps.engines.types import EngineRefused, EngineUnavailable
from tests.engines.image.conftest import cancel_first_step
from tests.images import tiny_pipeline

ASK = DrawRequest("a red cat", seed=7, width=96, height=64, steps=3, guidance=5.0)


@pytest.fixture(scope="module")
def real(diffusers_folder: str) -> DiffusersPainter:
    return DiffusersPainter(diffusers_folder)


@pytest.fixture(params=["fake", pytest.param("diffusers", marks=pytest.mark.slow)])
def painter(request: pytest.FixtureRequest) -> ImageEngine:
    return FakePainter() if request.param == "fake" else request.getfixturevalue("real")


def draw(painter: ImageEngine, request: DrawRequest = ASK) -> tuple[Image.Image, list[DrawStep]]:
    steps: list[DrawStep] = []
    return painter.draw(request, steps.append).picture, steps


def start() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (90, 90), "navy").save(file, "JPEG")
    return file.getvalue()


def test_a_picture_has_the_size_asked_for_and_no_metadata(painter: ImageEngine) -> None:
    picture = Image.open(io.BytesIO(encode_png(draw(painter)[0])))
    assert (picture.size, picture.format, picture.mode, picture.info) == ((96, 64), "PNG", "RGB", {})


def test_drawing_steps_are_told_with_a_preview(painter: ImageEngine) -> None:
    _, steps = draw(painter)
    assert [(step.step, step.steps) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    sizes = {Image.open(io.BytesIO(step.preview())).size for step in steps if step.preview}
    assert sizes <= {(96, 64), (12, 8)} and len(sizes) == 1, "as it is, or as its latents are; browsers enlarge it"


@pytest.mark.filterwarnings("ignore:__array__")
def test_the_same_request_gives_the_same_bytes_and_each_part_of_it_counts(painter: ImageEngine) -> None:
    first = painter.draw(ASK, lambda _: None).picture
    assert painter.draw(ASK, lambda _: None).picture == first
    other = next(name for name in painter.model().schedulers if name in {"Uneven", "EulerAncestralDiscrete"})
    for changed in (replace(ASK, seed=8), replace(ASK, prompt="a blue dog"), replace(ASK, negative="cats"),
                    replace(ASK, guidance=2.0), replace(ASK, scheduler=other)):  # fmt: skip
        assert painter.draw(changed, lambda _: None).picture != first, changed


def test_a_picture_grows_from_another_the_nearer_the_lower_the_strength(painter: ImageEngine) -> None:
    def distance(strength: float) -> float:
        picture, _ = draw(painter, replace(ASK, start=start(), strength=strength, steps=10))
        pixels = list(picture.resize((8, 8)).get_flattened_data())
        return sum(abs(red) + abs(green) + abs(blue - 128) for red, green, blue in pixels)

    assert distance(0.1) < distance(1.0)


def test_exception_of_the_step_listener_ends_the_drawing(painter: ImageEngine) -> None:
    assert cancel_first_step(painter, ASK) == [1]
    assert draw(painter)[1], "and the next one is drawn"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": " "}, "Describe the picture first"), ({"prompt": "x" * 10_000}, "shorten it"),
        ({"width": 60}, "between"), ({"width": 68}, "multiple of 8"), ({"height": 100_000}, "between"),
        ({"steps": 0}, "steps"), ({"steps": 10**6}, "steps"), ({"guidance": -1}, "guidance"),
        ({"scheduler": "Nobody's"}, "no scheduler"), ({"strength": 0}, "strength"),
        ({"start": b"no picture"}, "cannot be read"), ({"start": b"\x89PNG\r\n\x1a\n" + b"\0" * 40}, "cannot be read"),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_in_words(painter: ImageEngine, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineRefused, match=words):
        painter.draw(replace(ASK, **changes), lambda _: None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_schedulers_that_are_offered_all_draw(real: DiffusersPainter) -> None:
    names = real.model().schedulers
    assert {"DDIM", "EulerDiscrete", "DPMSolverMultistep"} <= set(names)
    for name in names:
        assert len(draw(real, replace(ASK, scheduler=name))[1]) >= ASK.steps, name


@pytest.mark.slow
def test_smaller_picture_is_tried_once_where_memory_does_not_suffice(
    real: DiffusersPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, decode = 64 * 64, real._pipeline.vae.decode

    def within(latents: Any, **options: Any) -> Any:
        if latents.shape[-1] * latents.shape[-2] * 64 > limit:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return decode(latents, **options)

    monkeypatch.setattr(real._pipeline.vae, "decode", within)
    drawn = real.draw(replace(ASK, width=80, height=80), lambda _: None)
    assert (drawn.picture.size, drawn.is_reduced) == ((56, 56), True)
    limit = 8
    with pytest.raises(EngineRefused, match="Choose a smaller size"):
        real.draw(replace(ASK, width=80, height=80), lambda _: None)


@pytest.mark.slow
def test_weights_that_are_no_safetensors_are_not_loaded(diffusers_folder: str, tmp_path: Path) -> None:
    import shutil

    import torch

    copy = tmp_path / "pickled"
    shutil.copytree(diffusers_folder, copy)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    torch.save({}, weights.with_suffix(".bin"))
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        DiffusersPainter(str(copy)).model()
    with pytest.raises(EngineUnavailable, match="No picture model"):
        DiffusersPainter().model()


@pytest.mark.slow
def test_fingerprint_differs_for_other_weights(real: DiffusersPainter, tmp_path: Path) -> None:
    other = DiffusersPainter(tiny_pipeline.save(tmp_path, seed=1)).model()
    assert other.fingerprint != real.model().fingerprint


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning")  # several are what is wanted
def test_adapters_change_the_picture_each_of_them(
    diffusers_folder: str, real: DiffusersPainter, tmp_path: Path
) -> None:
    one, two = (tiny_pipeline.save_adapter(tmp_path / str(seed), diffusers_folder, seed) for seed in (1, 2))
    painters = [
        real,
        *(DiffusersPainter(diffusers_folder, loras) for loras in (str(one), str(two), f"{one.parent}, {two}")),
    ]
    assert len({draw(painter)[0].tobytes() for painter in painters}) == len(painters)
    assert len({painter.model().fingerprint for painter in painters}) == len(painters)


@pytest.mark.slow
def test_an_adapter_that_cannot_be_used_is_said_to_be_so(diffusers_folder: str, tmp_path: Path) -> None:
    import torch

    pickled = tmp_path / "adapter.bin"
    torch.save({}, pickled)
    nonsense = tmp_path / "nonsense.safetensors"
    nonsense.write_bytes(b"no tensors")
    for adapter in (pickled, nonsense, tmp_path / "away.safetensors"):
        with pytest.raises(EngineUnavailable, match="cannot be loaded"):
            DiffusersPainter(diffusers_folder, str(adapter)).model()
