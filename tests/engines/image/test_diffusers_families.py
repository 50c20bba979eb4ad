"""Tests of families of picture models, from Stable Diffusion 1.5 to FLUX: tiny ones of diffusers' own classes, loaded
by the same code as real ones."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from apps.engines.image.diffusers import DiffusersPainter
from apps.engines.image.protocol import DrawRequest, DrawStep
from apps.engines.image.validation import encode_png
from apps.engines.types import EngineRefused, EngineUnavailable
from apps.images.requests.forms import picture_size
from tests.engines.image.conftest import cancel_first_step
from tests.images import tiny_families, tiny_pipeline

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
ASK = DrawRequest("a red cat", seed=7, width=64, height=96, steps=2, guidance=4.0)


@dataclass(frozen=True, slots=True)
class Family:
    save: Callable[[Path], str]
    multiple: int  # pixels
    negatives: bool = True
    starts: bool = True  # and draws parts anew
    adapts: bool = True
    quick: bool = False


FAMILIES = {
    "sd15": Family(tiny_pipeline.save, 8), "turbo": Family(tiny_families.turbo, 8, negatives=False, quick=True),
    "sdxl": Family(tiny_families.stable_diffusion_xl, 8), "sd3": Family(tiny_families.stable_diffusion_3, 16),
    "sd35": Family(tiny_families.stable_diffusion_3_5, 16), "flux": Family(tiny_families.flux, 16, negatives=False),
    "pixart": Family(tiny_families.pixart, 16, starts=False, adapts=False),
}  # fmt: skip
Loaded = tuple[Family, str, DiffusersPainter]


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    family = FAMILIES[request.param]
    folder = family.save(tmp_path_factory.mktemp("family"))
    yield family, folder, DiffusersPainter(folder)


def drawn(painter: DiffusersPainter, request: DrawRequest = ASK) -> Image.Image:
    return painter.draw(request, lambda _: None).picture


def begun(**changes: Any) -> DrawRequest:
    return replace(ASK, start=encode_png(Image.new("RGB", (64, 96), "navy")), **changes)


def test_picture_model_family_declares_what_it_takes(loaded: Loaded) -> None:
    family, folder, painter = loaded
    model = painter.model()
    weights = [path for path in Path(folder).rglob("*") if path.suffix in (".safetensors", ".bin", ".pt")]
    assert {path.suffix for path in weights} == {".safetensors"}
    assert (model.multiple, model.accepts_negative) == (family.multiple, family.negatives)
    assert (model.accepts_start, model.accepts_mask) == (family.starts, family.starts)
    assert (model.steps, model.guidance) == ((4, 0.0) if family.quick else (25, 7.0))
    assert all(side % family.multiple == 0 for shape in ((3, 2), (16, 9)) for side in picture_size(model, *shape))
    with pytest.raises(EngineRefused, match=f"multiple of {family.multiple}"):
        drawn(painter, replace(ASK, width=68))


def test_steps_are_shown_and_a_recipe_repeats_its_picture(loaded: Loaded) -> None:
    _, folder, painter = loaded
    seen: list[tuple[int, int, tuple[int, int]]] = []

    def look(step: DrawStep) -> None:
        assert step.preview is not None
        seen.append((step.step, step.steps, Image.open(io.BytesIO(step.preview())).size))

    first = painter.draw(ASK, look).picture
    assert first.size == (64, 96)
    assert seen == [(1, 2, (8, 12)), (2, 2, (8, 12))], "as large as its latents are, unfolded"
    batch = [drawn(painter, replace(ASK, seed=7 + at)).tobytes() for at in range(3)]
    assert batch[0] == first.tobytes() and len(set(batch)) == 3
    assert drawn(DiffusersPainter(folder)) == first, "byte for byte, also by the engine of another process"


def test_drawing_is_cancelled_between_two_steps(loaded: Loaded) -> None:
    assert cancel_first_step(loaded[2], replace(ASK, steps=5)) == [1]
    assert drawn(loaded[2]) == drawn(loaded[2]), "and what comes next is drawn as ever"


def test_picture_can_be_drawn_in_one_step_without_guidance(loaded: Loaded) -> None:
    steps: list[tuple[int, int]] = []
    quick = replace(ASK, steps=1, guidance=0.0)
    assert loaded[2].draw(quick, lambda step: steps.append((step.step, step.steps))).picture.size == (64, 96)
    assert steps == [(1, 1)]


@pytest.mark.parametrize(("steps", "strength"), [(5, 0.6), (1, 0.6), (3, 1e-9)])
def test_family_starts_from_a_picture_or_says_that_it_cannot(loaded: Loaded, steps: int, strength: float) -> None:
    family, _, painter = loaded
    told: list[tuple[int, int]] = []
    request = begun(steps=steps, strength=strength)
    if not family.starts:
        with pytest.raises(EngineRefused, match="cannot start from a picture"):
            drawn(painter, request)
        return
    picture = painter.draw(request, lambda step: told.append((step.step, step.steps))).picture
    assert picture.size == (64, 96) and drawn(painter, request) == picture
    assert told and told[-1] == (told[-1][1],) * 2, "the last step is the last"


def test_family_draws_a_part_anew_or_says_that_it_cannot(loaded: Loaded) -> None:
    family, _, painter = loaded
    mask = Image.new("L", (64, 96))
    mask.paste(255, (0, 0, 32, 96))
    request = begun(mask=encode_png(mask), steps=4, strength=0.9)
    if not family.starts:
        with pytest.raises(EngineRefused, match="cannot change a part"):
            drawn(painter, request)
        return
    picture = np.asarray(drawn(painter, request))
    assert (picture[:, 32:] == (0, 0, 128)).all() and (picture[:, :30] != (0, 0, 128)).any()


def test_an_adapter_changes_the_picture_or_is_said_not_to_fit(loaded: Loaded, tmp_path: Path) -> None:
    family, folder, painter = loaded
    if not family.adapts:
        adapter = tiny_pipeline.save_adapter(tmp_path / "a", FAMILIES["sd15"].save(tmp_path))
        with pytest.raises(EngineUnavailable, match="takes no LoRA adapters"):
            DiffusersPainter(folder, str(adapter)).model()
        return
    adapted = DiffusersPainter(folder, str(tiny_pipeline.save_adapter(tmp_path, folder)))
    assert adapted.model().fingerprint != painter.model().fingerprint
    assert drawn(adapted) != drawn(painter) and drawn(adapted) == drawn(adapted)


def test_smaller_picture_is_tried_where_memory_does_not_suffice(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = loaded[2]
    vae = painter._pipeline.vae
    decode, side = vae.decode, min(painter.model().width, 256)

    def within(latents: Any, *also: Any, **options: Any) -> Any:
        if latents.shape[-1] * latents.shape[-2] * 64 > 0.7 * side**2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return decode(latents, *also, **options)

    monkeypatch.setattr(vae, "decode", within)
    made = painter.draw(replace(ASK, width=side, height=side), lambda _: None)
    assert made.is_reduced and made.picture.size == (side * 3 // 4,) * 2
