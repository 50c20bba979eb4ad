"""Filters of the gallery: model, size, age and state, in the URL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone

from apps.engines.image.fake import FakePainter
from apps.images.library.filters import GalleryFilters, parse_filters
from apps.images.models import Picture
from apps.images.requests import forms
from apps.images.requests.forms import PictureForm
from apps.users.models import User
from tests.factories import make_client

pytestmark = pytest.mark.django_db
_PROMPTS = ("small", "middle", "large", "held one", "failed one")
_RECIPE: dict[str, Any] = {"steps": 4, "guidance": 5.0, "seed": 1}


def made(user: User, prompt: str, side: int = 512, days: int = 0, **more: Any) -> Picture:
    row = Picture.objects.create(
        owner=user, prompt=prompt, width=side, height=side, **{"status": "ready", "model": "flux", **_RECIPE, **more}
    )
    Picture.objects.filter(pk=row.pk).update(created=timezone.now() - timedelta(days=days, minutes=1))
    return row


@pytest.fixture
def rows(alice: User, bob: User) -> None:
    made(alice, "small")
    made(alice, "middle", 768, 3)
    made(alice, "large", 2048, 40, model="sdxl")
    made(alice, "held one", 768, status="held")
    made(alice, "failed one", 768, status="failed")
    made(bob, "of somebody else", model="nobody's")


@pytest.mark.parametrize(
    ("filters", "prompts"),
    [
        (GalleryFilters(model="sdxl"), {"large"}),
        (GalleryFilters(size="small"), {"small"}),
        (GalleryFilters(size="large"), {"large"}),
        (GalleryFilters(size="medium"), {"middle", "held one", "failed one"}),
        (GalleryFilters(model="nobody's"), set()),
        (GalleryFilters(days="1"), {"small", "held one", "failed one"}),
        (GalleryFilters(days="30", size="medium", show="held"), {"held one"}),
        (
            GalleryFilters(days="nonsense", size="nonsense"),
            {"small", "middle", "large", "held one", "failed one"},
        ),
        (GalleryFilters(show="failed"), {"failed one"}),
        (GalleryFilters(text="one", show="held"), {"held one"}),
    ],
)
@pytest.mark.usefixtures("rows", "painter")
def test_picture_filters_show_what_is_chosen_and_nothing_of_others(
    alice: User, filters: GalleryFilters, prompts: set[str]
) -> None:
    client = make_client(alice)
    for path in ("/pictures/", "/pictures/tiles/"):
        page = client.get(f"{path}?{filters.query}").content.decode()
        found = {words for words in _PROMPTS if f'title="{words}"' in page}
        assert found == prompts and "somebody else" not in page
        assert not filters.query or filters.query.replace("&", "&amp;") in page, "tiles that ask again keep it"
    assert parse_filters(QueryDict(filters.query)) == filters


@pytest.mark.usefixtures("rows", "painter")
def test_the_page_offers_what_drew_something_for_this_person(alice: User) -> None:
    client = make_client(alice)
    page = client.get("/pictures/?model=sdxl").content.decode()
    assert "<option selected>sdxl</option>" in page and "<option >flux</option>" in page and "nobody" not in page


def test_shapes_say_their_size_and_those_that_are_alike_are_offered_once(painter: FakePainter) -> None:
    labels = dict(PictureForm(painter.model()).fields["shape"].choices)  # type: ignore[attr-defined]
    assert labels["film"].endswith("168 × 96") and len(labels) == 5
    from dataclasses import replace

    square = replace(painter.model(), multiple=128, max_side=128)
    assert "shape" not in PictureForm(square).fields
    sent = PictureForm(square, {"prompt": "A cat", "count": "1"})
    assert sent.is_valid() and (sent.picture_request.width, sent.picture_request.height) == (128, 128)
    row = Picture(width=168, height=96, **_RECIPE)
    assert forms._initial(row)["shape"] == "film"


def test_an_address_with_a_nul_asks_the_database_for_none() -> None:
    assert parse_filters({"model": "fl\0ux", "q": "a\0 cat"}) == GalleryFilters(model="flux", text="a cat")
