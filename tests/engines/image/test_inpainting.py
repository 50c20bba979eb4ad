"""Tests of inpainting by every engine that can: pixels outside the mask stay exactly the same."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from apps.engines.image.diffusers import DiffusersPainter
from apps.engines.image.fake import FakePainter
from apps.engines.image.inpainting import composite_region, read_mask
from apps.engines.image.pictogram.engine import BUILT_IN, LARGE, PictogramPainter
from apps.engines.image.protocol import DrawRequest, DrawStep, ImageEngine
from apps.engines.image.validation import encode_png, validate_request
from apps.engines.types import EngineRefused

BOX = (0.25, 0.25, 0.75, 0.75)  # of the sides


@pytest.fixture(scope="module")
def real(diffusers_folder: str) -> DiffusersPainter:
    return DiffusersPainter(diffusers_folder)


@pytest.fixture(scope="module")
def pictogram() -> PictogramPainter:
    return PictogramPainter(BUILT_IN)


@pytest.fixture(params=["fake", pytest.param("diffusers", marks=pytest.mark.slow), "pictogram"])
def painter(request: pytest.FixtureRequest) -> ImageEngine:
    names = {"diffusers": "real", "pictogram": "pictogram"}
    return FakePainter() if request.param == "fake" else request.getfixturevalue(names[request.param])


def picture(width: int, height: int) -> Image.Image:
    """Picture that no engine draws."""
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3)
    return Image.fromarray((ramp * 7 % 256).astype(np.uint8))


def mask(width: int, height: int, mode: str = "RGB") -> bytes:
    drawn = Image.new(mode, (width, height))
    ImageDraw.Draw(drawn).rectangle([side * size for side, size in zip(BOX, (width, height) * 2, strict=True)], "white")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()


def ask(painter: ImageEngine, **changes: Any) -> DrawRequest:
    model = painter.model()
    wide, high = model.width, model.height
    asked = DrawRequest(
        "red apple", 7, wide, high, 4, model.guidance, strength=1.0, start=encode_png(picture(wide, high))
    )
    return replace(asked, mask=mask(wide, high), **changes)


def test_marked_part_alone_is_drawn_anew(painter: ImageEngine) -> None:
    request, steps = ask(painter), list[DrawStep]()
    assert painter.model().accepts_mask
    drawn = painter.draw(request, steps.append)
    now, before = np.asarray(drawn.picture), np.asarray(Image.open(io.BytesIO(request.start)))
    part = np.asarray(read_mask(request.mask, request.start, request.width, request.height)) > 0
    assert np.array_equal(now[~part], before[~part])
    assert (now[part] != before[part]).mean() > 0.8
    assert [step.step for step in steps] == [1, 2, 3, 4]
    assert painter.draw(request, lambda _: None).picture == drawn.picture, "byte for byte"
    assert painter.draw(replace(request, seed=8), lambda _: None).picture != drawn.picture


def test_the_listener_ends_it_between_two_steps(painter: ImageEngine) -> None:
    def cancel(step: DrawStep) -> None:
        raise KeyError(step.step)

    with pytest.raises(KeyError, match="1"):
        painter.draw(ask(painter), cancel)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no mask", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "cannot be read"),
        (mask(24, 24), "the same size as the picture"),
        (encode_png(Image.new("RGB", (LARGE, LARGE))), "."),
        (b"\0" * 9_000_000, "too large"),
    ],
)
def test_a_mask_that_cannot_be_used_is_refused_in_words(painter: ImageEngine, content: bytes, words: str) -> None:
    with pytest.raises(EngineRefused, match=words):
        painter.draw(replace(ask(painter), mask=content), lambda _: None)


def test_a_mask_is_read_however_it_was_saved() -> None:
    start = encode_png(picture(40, 20))
    parts = [read_mask(mask(40, 20, mode), start, 40, 20).tobytes() for mode in ("1", "L", "RGB", "RGBA")]
    assert len(set(parts)) == 1 and set(parts[0]) == {0, 255}
    clear = Image.new("RGBA", (40, 20), (255, 255, 255, 0))  # white that cannot be seen marks nothing
    file = io.BytesIO()
    clear.save(file, "PNG")
    with pytest.raises(EngineRefused, match="Mark the part to change first"):
        read_mask(file.getvalue(), start, 40, 20)


def test_mask_and_start_are_cropped_alike() -> None:
    start = Image.new("RGB", (80, 40), "white")
    start.paste("red", (20, 0, 60, 40))
    part = Image.new("RGB", (80, 40))
    part.paste("white", (20, 0, 30, 40))
    found = np.asarray(read_mask(encode_png(part), encode_png(start), 40, 40))
    assert (found[:, :10] == 255).all() and not found[:, 10:].any()


def test_the_seam_lies_within_the_part() -> None:
    start, drawn, part = Image.new("RGB", (600, 60)), Image.new("RGB", (600, 60), "white"), Image.new("L", (600, 60))
    part.paste(255, (300, 0, 600, 60))
    row = np.asarray(composite_region(drawn, start, part))[30, :, 0]
    assert not row[:300].any() and row[310:].min() == 255 and 0 < row[300] < 255


def test_a_part_of_nothing_and_a_model_without_parts_are_refused() -> None:
    model = FakePainter().model()
    asked = ask(FakePainter())
    with pytest.raises(EngineRefused, match="only of a finished picture"):
        validate_request(replace(asked, start=b""), model)
    with pytest.raises(EngineRefused, match="cannot change a part"):
        validate_request(asked, replace(model, accepts_mask=False))
    validate_request(asked, replace(model, accepts_start=False))


def test_the_network_sees_what_stays_at_every_step() -> None:
    import torch

    from apps.engines.image.pictogram.engine import FILE, FOLDER, load_painter
    from apps.engines.image.pictogram.sampler import KeptRegion, sample_pictures

    net = load_painter(FOLDER / FILE).net
    part = torch.zeros(1, 64, 64)
    part[:, 16:48, 16:48] = 1
    kept, seen = KeptRegion(torch.full((3, 64, 64), 0.5), part), list[Any]()
    meaning = net.memory.keys[3, 0][None]
    drawn = sample_pictures(net, meaning, [1], 6, 1.0, lambda _, meant: seen.append(meant[0]), kept)
    stays = (part == 0).expand(3, -1, -1)
    assert len(seen) == 6 and all((meant[stays] == 0.5).all() for meant in seen)
    assert (drawn[0][stays] == 0.5).all()
    free = sample_pictures(net, meaning, [1], 6, 1.0)
    assert not torch.allclose(drawn[0][~stays], free[0][~stays], atol=0.05), "it fits what stays"
