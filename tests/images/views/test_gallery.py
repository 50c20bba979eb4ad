"""Pages of pictures, for their owner and for other users."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.engines.image.fake import FakePainter
from apps.images.generation import worker
from apps.images.models import Picture
from apps.images.provenance import content_credentials
from apps.images.requests import submission
from apps.images.requests.submission import PictureRequest
from apps.users.models import User
from tests.factories import make_client
from tests.images.draw_helper import make_png, verify_file
from tests.support.pages import strip_layout


def body(response: Any) -> str:
    return response.content.decode()


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_gallery_without_a_model_says_how_to_get_one(alice_client: Client, settings: LazySettings) -> None:
    settings.ENGINES = settings.ENGINES | {"image": settings.ENGINES["image"] | {"OPTIONS": {"model": ""}}}
    assert "no picture model is set up" in body(alice_client.get("/pictures/"))
    assert alice_client.post("/pictures/", {"prompt": "A cat"}).status_code == 409


def test_pictures_are_asked_for(alice_client: Client, painter: FakePainter) -> None:
    assert "No pictures yet" in body(alice_client.get("/pictures/"))
    asked = {"prompt": "A lighthouse", "count": 2, "shape": "wide", "seed": 5, "steps": 9, "scheduler": "Uneven"}
    assert alice_client.post("/pictures/", asked)["Location"] == "/pictures/#tiles"  # where the new ones are
    rows = Picture.objects.order_by("seed")
    assert [(row.seed, row.steps, row.scheduler, row.width, row.height) for row in rows] == [
        (5, 9, "Uneven", 160, 104), (6, 9, "Uneven", 160, 104),
    ]  # fmt: skip
    shown = body(alice_client.get("/pictures/"))
    assert shown.count("A lighthouse</span>") == 2 and "Next" in shown and "1 ahead in the queue" in shown
    assert 'hx-trigger="every 1s"' in shown


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("prompt", "", "required"), ("prompt", "x" * 10_000, "at most 2000 characters"), ("steps", "999", "steps"),
        ("scheduler", "Nobody", "Nobody"), ("count", "5", "5"), ("seed", "many", "whole number"),
        ("guidance", "nan", "number"),
    ],
)  # fmt: skip
def test_picture_form_returns_the_reason_of_a_refusal(
    alice_client: Client, painter: FakePainter, field: str, value: str, words: str
) -> None:
    answer = alice_client.post("/pictures/", {"prompt": "A cat", "count": "1"} | {field: value})
    assert answer.status_code == 400 and words in body(answer)
    assert not Picture.objects.exists()


def test_a_picture_shows_its_recipe_its_file_and_its_kin(
    alice_client: Client, alice: User, ready_picture: Picture
) -> None:
    child, unborn = submission.request_pictures(alice, PictureRequest("A blue cat", count=2, parent=ready_picture))
    worker.draw_picture(child.pk)
    shown = strip_layout(body(alice_client.get(f"/pictures/{ready_picture.pk}/")))
    assert "<dt>Seed</dt><dd>7</dd>" in shown and str(child.pk) in shown and str(unborn.pk) not in shown
    answer = alice_client.get(f"/pictures/{ready_picture.pk}/file.png?download")
    assert answer["Content-Disposition"] == 'attachment; filename="A-red-cat-7.png"'
    with ready_picture.file.open("rb") as file:
        assert content(answer) == file.read()
    assert alice_client.get(f"/pictures/{ready_picture.pk}/preview.jpg")["Content-Type"] == "image/jpeg"


def test_queued_picture_is_cancelled_and_tried_again(alice_client: Client, queued_picture: Picture) -> None:
    assert alice_client.get(f"/pictures/{queued_picture.pk}/file.png").status_code == 404
    alice_client.post(f"/pictures/{queued_picture.pk}/cancel/")
    queued_picture.refresh_from_db()
    assert queued_picture.status == "cancelled" and "Cancelled" in body(alice_client.get("/pictures/"))
    alice_client.post(f"/pictures/{queued_picture.pk}/again/")
    again = Picture.objects.get(status="queued")
    assert (again.prompt, again.parent) == (queued_picture.prompt, queued_picture) and again.seed != queued_picture.seed


def test_ready_picture_is_not_cancelled(alice_client: Client, ready_picture: Picture) -> None:
    alice_client.post(f"/pictures/{ready_picture.pk}/cancel/")
    ready_picture.refresh_from_db()
    assert ready_picture.status == "ready"


def test_favourites_words_and_states_narrow_the_gallery(
    alice_client: Client, alice: User, ready_picture: Picture
) -> None:
    submission.request_pictures(alice, PictureRequest("A blue dog"))
    alice_client.post(f"/pictures/{ready_picture.pk}/favourite/")
    for query, cat, dog in (("show=favourites", 1, 0), ("show=active", 0, 1), ("q=dog+blue", 0, 1), ("q=red", 1, 0)):
        shown = body(alice_client.get(f"/pictures/tiles/?{query}"))
        assert ("A red cat</span>" in shown, "A blue dog</span>" in shown) == (bool(cat), bool(dog)), query
    assert "No pictures found" in body(alice_client.get("/pictures/?q=zebra"))


def test_an_edited_prompt_begins_with_the_recipe(alice_client: Client, ready_picture: Picture) -> None:
    shown = body(alice_client.get(f"/pictures/?from={ready_picture.pk}"))
    assert "A red cat</textarea>" in shown and "Starts with the settings" in shown
    alice_client.post(f"/pictures/?from={ready_picture.pk}", {"prompt": "A red dog", "count": 1, "strength": "0.3"})
    row = Picture.objects.get(status="queued")
    assert (row.parent, row.from_parent, row.strength) == (ready_picture, True, 0.3)


def test_chosen_pictures_are_downloaded_with_their_recipes_and_deleted(
    alice_client: Client, ready_picture: Picture, django_capture_on_commit_callbacks: Any
) -> None:
    answer = alice_client.post("/pictures/download/", {"picture": [ready_picture.pk]})
    with zipfile.ZipFile(io.BytesIO(content(answer))) as archive:
        names = sorted(archive.namelist())
        assert [name.rsplit(".")[-1] for name in names] == ["json", "png"]
        assert json.loads(archive.read(names[0]))["seed"] == 7
    path = Path(ready_picture.file.path)
    with django_capture_on_commit_callbacks(execute=True):
        alice_client.post("/pictures/delete/", {"picture": [ready_picture.pk]})
    assert not Picture.objects.exists()
    assert not path.exists()
    assert alice_client.post("/pictures/delete/", {"picture": ["x"]}).status_code == 404


def test_pictures_are_not_seen_deleted_or_downloaded_by_others(bob: User, ready_picture: Picture) -> None:
    client = make_client(bob)
    assert "A red cat" not in body(client.get("/pictures/"))
    client.post("/pictures/delete/", {"picture": [ready_picture.pk]})
    assert client.post("/pictures/download/", {"picture": [ready_picture.pk]}).status_code == 302
    assert Picture.objects.count() == 1
    assert client.get(f"/pictures/?from={ready_picture.pk}").status_code == 404


def test_the_gallery_asks_few_questions(
    alice_client: Client, alice: User, painter: FakePainter, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        submission.request_pictures(alice, PictureRequest("A cat", count=4))
    with django_assert_max_num_queries(6):
        alice_client.get("/pictures/tiles/")


def test_picture_of_this_site_can_be_verified_by_anybody(ready_picture: Picture) -> None:
    with ready_picture.file.open("rb") as file:
        signed = file.read()
    shown = verify_file(signed)
    assert "It was created on this site" in shown and "are valid" in shown
    assert "A red cat" not in shown, "what its maker wrote is theirs"
    changed = bytearray(signed)
    changed[signed.rindex(b"IDAT") + 10] ^= 1
    shown = verify_file(bytes(changed))
    assert "are not valid" in shown and "has not been changed since" not in shown


def test_page_of_a_picture_says_whether_it_is_signed(ready_picture: Picture, alice: User) -> None:
    def read_page() -> str:
        return make_client(alice).get(f"/pictures/{ready_picture.pk}/").content.decode()

    assert "Signed (C2PA)." in read_page() and "Not signed." not in read_page()
    Path(ready_picture.file.path).write_bytes(make_png())
    assert "Not signed." in read_page() and "Signed (C2PA)" not in read_page()
    Path(ready_picture.file.path).unlink()
    assert "Not signed." in read_page()


@pytest.mark.django_db
def test_verification_says_that_it_cannot_read_credentials_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = content_credentials.sign_picture(make_png(), "another")
    monkeypatch.setattr(content_credentials, "find_spec", lambda name: None)
    shown = verify_file(signed)
    assert "cannot read content credentials" in shown and "no readable content credentials" not in shown


@pytest.mark.django_db
def test_a_foreign_picture_is_not_judged_by_what_it_lacks() -> None:
    assert "no readable content credentials" in verify_file(make_png())
    assert "not from a trusted authority" in verify_file(content_credentials.sign_picture(make_png(), "another"))


@pytest.mark.django_db
@pytest.mark.parametrize("file", [b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"<svg onload=alert(1)>"])
def test_file_that_is_no_picture_is_refused_in_words(file: bytes) -> None:
    shown = verify_file(file, "<img src=x>.png", status=400)
    assert "no PNG, JPEG or WebP" in shown and "<img src=x>" not in shown


def test_deleting_asks_first(alice_client: Client, ready_picture: Picture) -> None:
    page = strip_layout(body(alice_client.get(f"/pictures/{ready_picture.pk}/")))
    gallery = strip_layout(body(alice_client.get("/pictures/")))
    for shown in (page, gallery):
        _, _, dialog = shown.partition('<dialog id="delete-')
        assert "This cannot be undone." in dialog and "/pictures/delete/" in dialog
        assert shown.count("/pictures/delete/") == 1  # nowhere but in the dialog


def test_a_variation_leads_to_the_new_picture(alice_client: Client, ready_picture: Picture) -> None:
    assert alice_client.post(f"/pictures/{ready_picture.pk}/again/")["Location"] == "/pictures/#tiles"
    assert 'id="tiles"' in body(alice_client.get("/pictures/"))
