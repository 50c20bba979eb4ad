"""What the operator's policy keeps from being drawn, and what the studio's styles and qualities add."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.engines.image.fake import FakePainter
from apps.images import asking, generate, names
from apps.images.asking import Refused, Wish
from apps.images.forms import PictureForm, styled
from apps.images.models import Picture
from apps.safety.check import ALLOWED, Verdict
from apps.users.models import User

pytestmark = pytest.mark.django_db
POLICY = "José Müller, Acme Cola,, Bob"


@pytest.mark.parametrize("text", ["josé müller at sea", "A poster of JOSE  MULLER", "acme-cola can", "bob, waving"])
def test_a_name_of_the_policy_is_not_drawn_however_it_is_written(
    alice: User, painter: FakePainter, settings: LazySettings, text: str
) -> None:
    settings.PICTURE_NAMES = POLICY
    with pytest.raises(Refused, match="without that name"):
        asking.ask(alice, Wish(text))
    assert not Picture.objects.exists()


@pytest.mark.parametrize("verdict", [None, ALLOWED])
def test_both_prompts_are_asked_for_names_wherever_a_picture_is_asked_for(
    alice: User, painter: FakePainter, settings: LazySettings, verdict: Verdict | None
) -> None:
    settings.PICTURE_NAMES = POLICY
    for wish in (Wish("Bob"), Wish("A cat", "Bob")):
        with pytest.raises(Refused, match="without that name"):
            asking.ask(alice, wish, verdict=verdict)
    assert not Picture.objects.exists()


@pytest.mark.parametrize("text", ["a bobsleigh", "the cola of acme", "José at sea", "a müller"])
def test_other_words_are_no_names(settings: LazySettings, text: str) -> None:
    settings.PICTURE_NAMES = POLICY
    assert names.judged([text]).allowed


def test_without_names_nothing_is_kept_back(settings: LazySettings) -> None:
    settings.PICTURE_NAMES = " , "
    assert names.judged(["Bob"]).allowed


def test_a_name_that_came_onto_the_list_meanwhile_is_not_drawn_either(
    alice: User, painter: FakePainter, settings: LazySettings
) -> None:
    (row,) = asking.ask(alice, Wish("Bob on a bicycle"))
    settings.PICTURE_NAMES = POLICY
    generate.draw(row.pk)
    row.refresh_from_db()
    assert row.status == "failed" and "without that name" in row.reason and not painter.requests


def test_a_style_adds_to_both_prompts_once() -> None:
    prompt, negative = styled("A cat.", "dogs", "line")
    assert prompt.startswith("A cat, black and white") and negative == "dogs, colour, shading"
    assert styled(prompt, negative, "line") == (prompt, negative)
    assert styled("A cat.", "", "") == ("A cat.", "")


def test_qualities_are_of_the_model_and_numbers_go_before_them(alice: User, painter: FakePainter) -> None:
    client = Client()
    client.force_login(alice)
    asked = {"prompt": "A cat", "count": "1", "style": "photo"}
    for also in ({"quality": "quick"}, {"quality": "fine"}, {"quality": "fine", "steps": "9"}, {}):
        assert client.post("/pictures/", asked | also).status_code == 302
    rows = list(Picture.objects.order_by("created").values_list("steps", "prompt"))
    assert [steps for steps, _ in rows] == [2, 6, 9, 4] and all("photograph" in prompt for _, prompt in rows)
    assert client.post("/pictures/", asked | {"style": "cubist"}).status_code == 400


def test_a_model_that_knows_no_styles_offers_none(painter: FakePainter) -> None:
    from dataclasses import replace

    form = PictureForm(replace(painter.model(), negatives=False, most_steps=1))
    assert "style" not in form.fields and "quality" not in form.fields
