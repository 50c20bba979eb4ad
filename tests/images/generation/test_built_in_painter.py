"""Packaged painter with its own weights and the real embedder, run by the worker's code."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from django.conf import LazySettings
from PIL import Image

from apps.engines import registry
from apps.engines.image.pictogram import engine
from apps.images.generation import model_info
from apps.images.models import Picture
from apps.images.provenance import content_credentials
from apps.images.requests import submission
from apps.images.requests.submission import PictureRequest
from apps.users.models import User
from assistant.config import engine_backends
from tests.factories import make_client
from tests.images.draw_helper import draw
from tests.support.env_reading import read_env

pytestmark = pytest.mark.django_db


@pytest.fixture
def built_in(settings: LazySettings, notified: list[str]) -> None:
    image = {"BACKEND": "apps.engines.image.pictogram.engine.PictogramPainter", "OPTIONS": {"model": "built-in"}}
    settings.ENGINES = settings.ENGINES | {"image": image}
    registry.reset()
    model_info.refresh_model()


def drawn(user: User, prompt: str) -> Picture:
    (row,) = submission.request_pictures(user, PictureRequest(prompt, seed=5))
    return draw(row)


def test_built_in_painter_draws_what_was_asked_for(built_in: None, alice: User) -> None:
    row = drawn(alice, "red apple")

    assert (row.status, row.model, row.width, row.step) == ("ready", "Openbook Pictograms", engine.LARGE, 20)
    assert row.alignment and row.alignment > 0.9 and "captions" in row.aligned_by
    with row.file.open("rb") as file:
        content = file.read()
    said = content_credentials.read_credentials(content, "image/png")
    assert said and said.by_model
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    middle, corner = pixels[200:360, 160:350].mean((0, 1)), pixels[:40, :40].mean((0, 1))
    assert middle[0] > middle[1] + 60 and middle[0] > middle[2] + 60, "the apple is red"
    assert corner.min() > 225, "on white"


def test_built_in_painter_names_the_closest_words_it_knows(built_in: None, alice: User) -> None:
    row = drawn(alice, "quarterly revenue of the Lisbon subsidiary, restated")

    assert row.status == "failed" and "The closest are" in row.reason


@pytest.mark.django_db(transaction=True)
def test_words_that_it_cannot_draw_lead_to_names_that_it_can(built_in: None, alice: User) -> None:
    client = make_client(alice)
    page = client.get("/pictures/").content.decode()
    assert "simple pictograms, such as a bicycle" in page and 'name="negative"' not in page
    said = client.post("/pictures/expand/", {"prompt": "something to eat after a long walk in Italy"}).content.decode()
    names = re.findall(r"data-expanded-name>([^<]*)<", said)
    assert len(names) == 6
    assert drawn(alice, names[0]).status == "ready", "what is offered can be drawn"


@pytest.mark.parametrize(
    ("env", "backend", "model"),
    [
        ({}, "pictogram.engine.PictogramPainter", "built-in"),
        ({"IMAGE_MODEL": "stabilityai/sd-turbo"}, "diffusers.DiffusersPainter", "stabilityai/sd-turbo"),
        ({"IMAGE_MODEL": "none"}, "diffusers.DiffusersPainter", ""),
        ({"IMAGE_MODEL": "flux", "IMAGE_URL": "http://localhost:9/v1"}, "openai.OpenAIPainter", "flux"),
    ],
)
def test_settings_choose_who_draws(env: dict[str, str], backend: str, model: str) -> None:
    chosen = engine_backends._image(read_env(env))

    assert chosen["BACKEND"] == f"apps.engines.image.{backend}" and chosen["OPTIONS"]["model"] == model
