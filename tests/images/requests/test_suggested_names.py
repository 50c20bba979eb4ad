"""Model of fixed names: an unknown name is reported before drawing, with the nearest known ones."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from apps.engines.image.fake import FakePainter
from apps.engines.image.pictogram import engine as pictogram
from apps.engines.image.protocol import has_name
from apps.images.generation import model_info
from apps.images.models import Picture
from apps.images.requests.forms import PictureForm
from apps.users.models import User
from tests.factories import make_client

pytestmark = pytest.mark.django_db
ASKED = {"prompt": "A lighthouse in the evening", "count": 1, "shape": "square"}


@pytest.fixture
def studio(alice: User, painter: FakePainter) -> Client:
    painter.names = ("red apple", "fountain", "sailboat")
    model_info.record_model(painter.model())
    client = make_client(alice)
    return client


def test_words_that_it_does_not_know_are_said_before_anything_is_drawn(studio: Client) -> None:
    page = html.unescape(studio.post("/pictures/", ASKED).content.decode())
    assert "This model does not know a pictogram for that." in page and not Picture.objects.exists()
    assert 'name="named" value="fountain"' in page and "A lighthouse in the evening" in page


def test_an_offered_name_is_drawn_and_so_are_the_words_where_that_is_wished(studio: Client) -> None:
    assert studio.post("/pictures/", ASKED | {"named": "sailboat"}).status_code == 302
    assert studio.post("/pictures/", ASKED | {"anyway": "yes"}).status_code == 302
    assert set(Picture.objects.values_list("prompt", flat=True)) == {"sailboat", ASKED["prompt"]}


def test_words_that_hold_a_name_are_drawn_at_once(studio: Client) -> None:
    assert studio.post("/pictures/", ASKED | {"prompt": "Two red apples on a table"}).status_code == 302


def test_a_name_is_found_as_whole_words_alone() -> None:
    assert has_name("My SAILBOAT!", ["sailboat"]) and has_name("three foxes and owls", ["owl"])
    assert not has_name("an apple", ["app", "pineapple"]) and not has_name("", ["owl"])


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("ein roter Apfel", "red apple"), ("Roter Apfel auf dem Tisch", "red apple"), ("Fuchs", "fox"),
        ("una manzana roja", "red apple"), ("un zorro", "fox"), ("red apple", "red apple"),
        ("Leuchtturm", "Leuchtturm"),
    ],
)  # fmt: skip
def test_german_and_spanish_names_are_drawn_as_what_they_name(words: str, name: str) -> None:
    own = pictogram.PictogramPainter(pictogram.BUILT_IN)
    assert pictogram.translate_prompt(words) == name
    assert own.has_known_name(words) is (words != "Leuchtturm")


def test_the_painter_that_comes_with_the_product_knows_what_the_studio_suggests(painter: FakePainter) -> None:
    painter.names = ("red apple",)
    suggested = PictureForm(painter.model()).fields["prompt"].widget.attrs["placeholder"]
    own = pictogram.PictogramPainter(pictogram.BUILT_IN)
    assert own.has_known_name(str(suggested)) and not own.has_known_name("A lighthouse in the evening, watercolour")
