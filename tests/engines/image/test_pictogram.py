"""Tests of the pictogram painter: the real network, trained for a moment on a few plain signs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from apps.engines.embed.fake import FakeEmbedder
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from apps.engines.image.pictogram import engine
from apps.engines.image.pictogram.engine import PictogramPainter
from apps.engines.image.pictogram.network_config import MEANING, SIDE, NetworkConfig
from apps.engines.image.protocol import DrawRequest, DrawStep
from apps.engines.image.validation import encode_png
from apps.engines.types import EngineRefused, EngineUnavailable
from training.pictogram import dataset as pictogram_dataset
from training.pictogram import train as pictogram_training
from training.pictogram.dataset import Pictogram

NAMES = ("red disc", "green bar", "blue square", "black frame")
SMALL = NetworkConfig(width=64, depth=2, heads=1, patch=16, words=1, sketch=4, pictures=len(NAMES), captions=1)
ASK = DrawRequest("red disc", seed=3, width=512, height=512, steps=6, guidance=1.5)


class Words:
    """Embedder in which each name has a direction of its own, and every other text another one."""

    def embed_query(self, text: str) -> Any:
        vector = np.zeros(MEANING, np.float32)
        vector[NAMES.index(text) if text in NAMES else 100] = 1
        return vector


def signs() -> list[Pictogram]:
    down, right = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    inside = (down**2 + right**2 < 400, abs(down) < 10, (abs(down) < 16) & (abs(right) < 16), abs(down) > 24)
    colours = ((220, 0, 0), (0, 160, 0), (0, 0, 220), (0, 0, 0))
    found = []
    for name, where, colour in zip(NAMES, inside, colours, strict=True):
        pixels = np.where(where[None], np.array(colour)[:, None, None], 255).astype(np.uint8)
        found.append(Pictogram(name, (), pixels))
    return found


def train(folder: Path, steps: int, seconds: float = 300) -> dict[str, Any]:
    from training.pictogram import trainer

    trainer.set_thread_count(1)
    vectors = np.stack([Words().embed_query(name) for name in NAMES])[:, None]
    lessons = trainer.TrainingPictures(np.stack([sign.pixels for sign in signs()]), vectors)
    plan = trainer.TrainingPlan(steps=steps, batch_size=8, learning_rate=2e-3, warmup_steps=10, average_decay=0.9)
    weights = trainer.train(lessons, SMALL, plan, folder, lambda words: None, seconds)
    trainer.save_painter(folder / engine.FILE, weights, SMALL, NAMES)
    return weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pictogram")
    train(place, 150)
    return place


def drawing(folder: Path, **options: Any) -> PictogramPainter:
    return PictogramPainter(str(folder), embed=Words(), **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_pictogram_painter_draws_what_it_was_trained_on(folder: Path) -> None:
    vectors = np.stack([Words().embed_query(name) for name in NAMES])
    assert pictogram_training.measure_accuracy(folder, signs(), vectors) == 1.0


@pytest.mark.slow
def test_a_picture_is_large_clean_and_the_same_each_time(folder: Path) -> None:
    steps: list[DrawStep] = []
    drawn = drawing(folder).draw(ASK, steps.append)
    picture = Image.open(io.BytesIO(encode_png(drawn.picture)))
    assert (picture.size, picture.mode, picture.info) == ((512, 512), "RGB", {})
    assert [(step.step, step.steps) for step in steps] == [(n, 6) for n in range(1, 7)]
    assert (last := steps[-1].preview) and Image.open(io.BytesIO(last())).size == (SIDE, SIDE)
    assert drawing(folder).draw(ASK, lambda _: None).picture == drawn.picture
    red, green, blue = picture.getpixel((256, 256))  # type: ignore[misc]
    assert red > green + 60 and red > blue + 60, "the disc is red in its middle"


@pytest.mark.slow
def test_pictogram_painter_refuses_the_unknown_and_offers_the_closest_names(folder: Path) -> None:
    with pytest.raises(EngineRefused, match="closest are “red disc”"):
        drawing(folder).draw(DrawRequest("a quarterly report", 3, 512, 512, 6, 1.5), lambda _: None)


@pytest.mark.slow
def test_pictogram_names_are_told_without_loading_the_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "load_painter", None)
    assert drawing(folder).nearest_names("green bar", 2)[0] == "green bar"
    with pytest.raises(EngineUnavailable, match="were changed"):
        drawing(folder, sha256="0" * 64).nearest_names("green bar", 2)


@pytest.mark.slow
def test_pictogram_painter_uses_the_embedder_of_the_product_if_trained_with_it(folder: Path) -> None:
    made = PictogramPainter(str(folder))
    own = SentenceTransformerEmbedder()
    made.use_embedder(lambda: own)
    assert made._embedder() is own
    other = PictogramPainter(str(folder))
    other.use_embedder(FakeEmbedder)
    assert isinstance(other._embedder(), SentenceTransformerEmbedder)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"width": 256}, {"steps": 999}, {"scheduler": "DDIM"}, {"start": b"x"}])
def test_pictogram_painter_refuses_unsupported_requests(folder: Path, changes: dict[str, Any]) -> None:
    from dataclasses import replace

    with pytest.raises(EngineRefused):
        drawing(folder).draw(replace(ASK, **changes), lambda _: None)


@pytest.mark.slow
def test_a_drawing_that_nobody_wants_any_more_ends(folder: Path) -> None:
    told: list[int] = []

    def stop(step: DrawStep) -> None:
        told.append(step.step)
        raise KeyError

    with pytest.raises(KeyError):
        drawing(folder).draw(ASK, stop)
    assert told == [1]


@pytest.mark.slow
def test_weights_other_than_the_pinned_ones_are_not_loaded(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="were changed"):
        drawing(folder, sha256="0" * 64).model()
    with pytest.raises(EngineUnavailable, match="train pictogram"):
        drawing(tmp_path).model()
    (tmp_path / engine.FILE).write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(EngineUnavailable, match="cannot be read"):
        drawing(tmp_path).model()


@pytest.mark.slow
def test_a_training_that_was_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    from safetensors import safe_open

    def step() -> str:
        with safe_open(tmp_path / "checkpoint.safetensors", "pt") as file:
            return str(file.metadata()["step"])

    train(tmp_path, 12, seconds=0)
    assert step() == "0"
    train(tmp_path, 6)
    before = train(tmp_path, 6)
    assert step() == "6"
    after = train(tmp_path, 12)
    assert step() == "12"
    assert any(not (before[name] == value).all() for name, value in after.items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.safetensors", engine.FILE]


def test_the_open_pictograms_are_read_without_shades_and_letters(shared: Path) -> None:
    found = pictogram_dataset.read_pictograms(shared / "data", 40)
    assert len(found) == 40 and all(one.pixels.shape == (3, SIDE, SIDE) for one in found)
    assert not any("skin tone" in one.name or one.name.startswith(("flag:", "keycap")) for one in found)
    assert found[0].captions[0] == found[0].name and len(set(found[0].captions)) > 2


def test_words_recall_the_sketch_of_the_nearest_caption_and_seeds_choose_among_equals() -> None:
    import torch

    from apps.engines.image.pictogram.retrieval_memory import RetrievalMemory

    shape = NetworkConfig(sketch=4, pictures=3, captions=2)
    memory = RetrievalMemory(shape)
    keys = np.zeros((3, 2, MEANING), np.float32)
    keys[0, 0, 0] = keys[0, 1, 1] = keys[1, :, 2] = keys[2, :, 3] = 1
    pictures = np.stack([np.full((3, SIDE, SIDE), value, np.uint8) for value in (0, 128, 255)])
    with torch.no_grad():
        memory.store(keys, pictures)

    asked = torch.eye(MEANING)[[0, 1, 2, 3]]
    values = memory.recall(asked, [1, 2, 3, 4]).mean((1, 2, 3)).tolist()
    assert values == pytest.approx([-1, -1, 0, 1], abs=0.02)
    between = torch.nn.functional.normalize(asked[1] + asked[3], dim=0).repeat(40, 1)
    found = memory.recall(between, list(range(40))).mean((1, 2, 3))
    assert (found < -0.9).any() and (found > 0.9).any(), "one seed draws the one, another the other"
    assert torch.equal(found, memory.recall(between, list(range(40))).mean((1, 2, 3)))


def test_a_paraphrase_says_three_keywords_and_is_no_caption() -> None:
    sign = Pictogram("red disc", ("round", "stop", "traffic", "light", "red disc"), signs()[0].pixels)
    said = pictogram_training.make_paraphrase(sign, np.random.default_rng(1))
    assert sum(word in said for word in sign.other_keywords) == 3 and said not in sign.captions
    assert len(sign.captions) == pictogram_dataset.CAPTIONS and "red disc" not in sign.other_keywords
