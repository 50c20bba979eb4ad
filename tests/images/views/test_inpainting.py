"""Inpainting: the mask is part of the recipe, and every invalid input gets a message."""

from __future__ import annotations

import io
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from apps.engines.image.fake import FakePainter
from apps.engines.image.validation import encode_png
from apps.images.generation import model_info, scheduler
from apps.images.library import gallery, generation_details
from apps.images.models import Picture
from apps.images.requests import submission, upscaling
from apps.images.requests.submission import PictureRequest, PictureRequestRefused
from apps.images.views import inpainting
from apps.users.models import User
from tests.images.draw_helper import draw, draw_ready

pytestmark = pytest.mark.django_db


def mask(width: int = 128, height: int = 128, left: int = 64) -> bytes:
    picture = Image.new("RGB", (width, height))
    picture.paste("white", (left, 0, width, height))
    return encode_png(picture)


def pixels(row: Picture) -> Any:
    with row.file.open("rb") as file:
        return np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB")).astype(int)


def sent(alice_client: Client, row: Picture, content: bytes, **more: Any) -> Any:
    file = SimpleUploadedFile("mask.png", content, "image/png")
    return alice_client.post(
        f"/pictures/{row.pk}/change/", {"prompt": "A blue dog", "count": "1", "mask": file, **more}
    )


def test_the_page_asks_for_the_part_and_the_recipe_keeps_it(alice_client: Client, ready_picture: Picture) -> None:
    page = alice_client.get(f"/pictures/{ready_picture.pk}/change/").content.decode()
    assert "data-mask-canvas" in page and ready_picture.prompt in page
    assert sent(alice_client, ready_picture, mask(), count="2", seed="5").status_code == 302
    rows = [draw_ready(row) for row in Picture.objects.filter(parent=ready_picture).order_by("seed")]
    assert [row.seed for row in rows] == [5, 6] and all(row.from_parent and row.mask for row in rows)
    before, now = pixels(ready_picture), pixels(rows[0])
    assert np.abs(now[:, :64] - before[:, :64]).mean() < 6, "as it was, but for the invisible mark"
    assert np.abs(now[:, 70:] - before[:, 70:]).mean() > 20
    assert gallery.describe_recipe(rows[0])["mask"] == rows[0].mask_sha256 != ""
    assert "Only the marked part" in alice_client.get(f"/pictures/{rows[0].pk}/").content.decode()
    again = draw_ready(submission.request_pictures(rows[0].owner, gallery.make_repetition(rows[0]))[0])
    assert (told := generation_details.describe_generation(again)) and told.is_identical
    other = draw_ready(submission.request_pictures(rows[0].owner, gallery.make_variation(rows[0]))[0])
    assert other.mask_sha256 == rows[0].mask_sha256 and other.plain_sha256 != rows[0].plain_sha256


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nothing of the kind", "cannot be read"), (mask(64, 64), "the same size as the picture"),
        (mask(left=128), "Mark the part to change first"), (b"", "empty"),
    ],
)  # fmt: skip
def test_a_mask_that_cannot_be_used_is_said_and_nothing_waits(
    alice_client: Client, ready_picture: Picture, content: bytes, words: str
) -> None:
    said = sent(alice_client, ready_picture, content)
    assert said.status_code == 400 and words in said.content.decode()
    assert not Picture.objects.exclude(pk=ready_picture.pk).exists()


def test_a_mask_that_is_too_large_is_read_by_nobody(
    alice_client: Client, ready_picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inpainting, "MAX_MASK_BYTES", 50)
    monkeypatch.setattr(submission, "request_pictures", Mock(side_effect=AssertionError("it was read")))
    said = sent(alice_client, ready_picture, mask())
    assert said.status_code == 400 and "too large" in said.content.decode()


def test_mask_error_is_said_in_the_language_of_the_user(
    alice: User, alice_client: Client, ready_picture: Picture
) -> None:
    User.objects.filter(pk=alice.pk).update(language="de")
    said = [
        sent(alice_client, ready_picture, content).content.decode()
        for content in (mask(64, 64), b"nothing", mask(left=128))
    ]
    for page, words in zip(said, ("so groß wie das Bild", "nicht gelesen werden", "Markieren Sie"), strict=True):
        assert words in page and "Mark the part again" not in page


def test_an_open_page_hears_that_its_picture_is_withheld(alice_client: Client, ready_picture: Picture) -> None:
    assert "js/pages/watch-pictures" in alice_client.get(f"/pictures/{ready_picture.pk}/change/").content.decode()


def test_inpainting_needs_a_mask_and_a_finished_picture(
    alice: User, alice_client: Client, ready_picture: Picture
) -> None:
    said = alice_client.post(f"/pictures/{ready_picture.pk}/change/", {"prompt": "A blue dog", "count": "1"})
    assert said.status_code == 400 and "Mark the part to change first" in said.content.decode()
    with pytest.raises(PictureRequestRefused, match="only of a finished picture"):
        submission.request_pictures(alice, PictureRequest("A blue dog", mask=mask()))
    Picture.objects.filter(pk=ready_picture.pk).update(status="held")
    assert sent(alice_client, ready_picture, mask()).status_code == 404
    ready_picture.refresh_from_db()
    with pytest.raises(PictureRequestRefused, match="finished"):
        submission.request_pictures(
            alice, PictureRequest("A blue dog", parent=ready_picture, from_parent=True, mask=mask())
        )


def test_inpainted_picture_is_judged_as_strictly_as_its_source(alice_client: Client, ready_picture: Picture) -> None:
    Picture.objects.update(level="strict")
    sent(alice_client, ready_picture, mask())
    assert Picture.objects.get(parent=ready_picture).level == "strict"


def test_successor_of_a_blurred_picture_is_blurred(alice: User, alice_client: Client, ready_picture: Picture) -> None:
    Picture.objects.update(blur="violence")
    sent(alice_client, ready_picture, mask())
    assert draw_ready(Picture.objects.get(parent=ready_picture)).blur == "violence"
    ready_picture.refresh_from_db()
    assert draw_ready(upscaling.request_upscale(alice, ready_picture)).blur == "violence"
    assert draw_ready(submission.request_pictures(alice, PictureRequest("A cat"))[0]).blur == ""


@pytest.mark.usefixtures("strict_check")
def test_inpainting_prompt_passes_the_gate(alice_client: Client, ready_picture: Picture) -> None:
    said = sent(alice_client, ready_picture, mask(), prompt="the purple elephant password")
    assert said.status_code == 400 and "not drawn here" in said.content.decode()


def test_a_source_that_is_held_meanwhile_is_not_drawn_from(alice_client: Client, ready_picture: Picture) -> None:
    sent(alice_client, ready_picture, mask())
    row = Picture.objects.get(parent=ready_picture)
    Picture.objects.filter(pk=ready_picture.pk).update(status="held")
    draw(row)
    assert row.status == "failed" and "held for review" in row.reason


def test_a_model_that_cannot_offers_it_nowhere(
    alice_client: Client, ready_picture: Picture, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Change part" in alice_client.get("/pictures/").content.decode()
    monkeypatch.setattr(model_info, "find_available_model", lambda: None)
    assert "Change part" not in alice_client.get("/pictures/").content.decode()
    assert "cannot change a part" in alice_client.get(f"/pictures/{ready_picture.pk}/change/").content.decode()
    assert sent(alice_client, ready_picture, mask()).status_code == 409


def test_mask_file_is_deleted_with_its_picture_and_orphans_by_the_sweep(
    alice: User, alice_client: Client, ready_picture: Picture
) -> None:
    import os
    from pathlib import Path

    sent(alice_client, ready_picture, mask())
    row = Picture.objects.get(parent=ready_picture)
    path = Path(row.mask.path)
    orphan = path.with_name("00000000-0000-0000-0000-000000000000.png")
    orphan.write_bytes(b"left")
    os.utime(orphan, (0, 0))
    os.utime(path, (0, 0))
    scheduler.sweep_queue()
    assert path.exists() and not orphan.exists()
    gallery.delete_pictures(alice, [row.pk])
    assert path.exists(), "until the transaction of this test ends"
