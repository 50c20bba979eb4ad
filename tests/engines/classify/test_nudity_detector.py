"""Tests of the packaged picture classifier: real weights on drawn pictures."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from apps.engines.classify import nudity_detector
from apps.engines.classify.image_classifier import ImageClassifier
from apps.engines.classify.nudity_detector import NudityDetector
from apps.engines.types import EngineBroken, EngineRefused
from assistant.boot import packaged_models
from assistant.boot.layout import Layout
from tests.engines.classify.tiny_image_classifiers import picture

FILE = Layout.read({}).nudity  # of the clone, not of the data directory that tests have


@pytest.fixture(scope="module")
def engine() -> ImageClassifier:
    if not FILE.is_file():
        pytest.skip("The picture classifier is not there; PICTURE_CHECK=nudenet ./run setup fetches it.")
    return NudityDetector(str(FILE))


def body(side: int = 320) -> bytes:
    """Bare torso made of a few ellipses."""
    from PIL import Image, ImageDraw, ImageFilter

    image = Image.new("RGB", (320, 320), (200, 205, 215))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((85, 60, 235, 330), 50, fill=(224, 172, 140))
    draw.rectangle((135, 0, 185, 80), fill=(224, 172, 140))
    for x in (122, 198):
        for ring in range(36, 0, -1):
            light = (36 - ring) // 2
            draw.ellipse((x - ring, 148 - ring, x + ring, 148 + ring), fill=(205 + light, 150 + light, 118 + light))
        draw.ellipse((x - 9, 145, x + 9, 163), fill=(165, 95, 85))
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(2)).resize((side, side)).save(out, "PNG")
    return out.getvalue()


def test_a_bare_body_is_seen_and_other_things_are_not(engine: ImageClassifier) -> None:
    assert engine.scores(body())["sexual"] > 0.8
    assert engine.scores(body(700))["sexual"] > 0.8, "in any size"
    assert all(engine.scores(picture(colour))["sexual"] < 0.2 for colour in ("red", "white", "black", "peru"))


def test_a_flat_or_tall_picture_is_seen_whole(engine: ImageClassifier) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(body())) as small:
        wide = Image.new("RGB", (480, 320), (120, 140, 160))
        wide.paste(small, (160, 0))
    out = io.BytesIO()
    wide.save(out, "JPEG")
    assert engine.scores(out.getvalue())["sexual"] > 0.5


def test_the_same_picture_gives_the_same_number(engine: ImageClassifier) -> None:
    assert NudityDetector(str(FILE)).scores(body()) == engine.scores(body())
    assert engine.codes == {"sexual"} and not engine.pictograms


@pytest.mark.parametrize("content", [b"", b"no picture", b"GIF89a" + bytes(40)])
def test_file_that_is_no_picture_is_refused(engine: ImageClassifier, content: bytes) -> None:
    with pytest.raises(EngineRefused):
        engine.scores(content)


def test_detector_file_other_than_the_pinned_one_or_missing_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "detector.onnx"
    with pytest.raises(EngineBroken, match="not there"):
        NudityDetector(str(other)).scores(picture("red"))
    other.write_bytes(b"other weights")
    with pytest.raises(EngineBroken, match="setup fetches"):
        NudityDetector(str(other)).scores(picture("red"))


def test_set_up_and_engine_pin_the_same_file(engine: ImageClassifier) -> None:
    assert nudity_detector.SHA256 == packaged_models.NUDITY_SHA256 == hashlib.sha256(FILE.read_bytes()).hexdigest()
