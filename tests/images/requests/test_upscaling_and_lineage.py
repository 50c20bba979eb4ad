"""Upscaling, ancestors and variants, search by meaning, watermarks, and details of a drawing."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from PIL import Image

from apps.engines import registry
from apps.engines.image.fake import FakePainter
from apps.engines.types import EngineUnavailable
from apps.images.generation import prompt_embeddings, scheduler, worker
from apps.images.library import gallery, generation_details
from apps.images.models import Picture, PreviewFrame
from apps.images.provenance import content_credentials, watermarking
from apps.images.requests import submission, upscaling
from apps.images.requests.submission import PictureRequest, PictureRequestRefused
from apps.users.models import User
from tests.factories import make_client
from tests.images.draw_helper import draw, draw_ready, verify_file

pytestmark = pytest.mark.django_db


def content(row: Picture) -> bytes:
    with row.file.open("rb") as file:
        return bytes(file.read())


def test_an_upscaled_picture_is_larger_and_names_what_it_was_made_from(alice: User, ready_picture: Picture) -> None:
    row = draw_ready(upscaling.request_upscale(alice, ready_picture))
    assert (row.width, row.height, row.parent, row.upscale, row.prompt) == (
        512,
        512,
        ready_picture,
        4,
        ready_picture.prompt,
    )
    assert (
        gallery.describe_recipe(row)["start"] == ready_picture.sha256 and gallery.describe_recipe(row)["upscale"] == 4
    )
    said = content_credentials.read_credentials(content(row), "image/png")
    assert said and said.intact and said.derived and said.by_model
    assert Image.open(io.BytesIO(content(row))).size == (512, 512)
    assert (said := content_credentials.read_credentials(content(ready_picture), "image/png")) and not said.derived


def test_upscaling_of_an_unfinished_or_too_large_picture_is_refused(
    alice: User, ready_picture: Picture, queued_picture: Picture
) -> None:
    huge = Picture.objects.get(pk=ready_picture.pk)
    huge.width = 4096
    with pytest.raises(PictureRequestRefused, match="maximum size"):
        upscaling.request_upscale(alice, huge)
    with pytest.raises(PictureRequestRefused, match="finished"):
        upscaling.request_upscale(alice, submission.request_pictures(alice, PictureRequest("Another"))[0])
    other = upscaling.request_upscale(alice, queued_picture)
    queued_picture.file.storage.delete(queued_picture.file.name)
    gallery.delete_pictures(alice, [queued_picture.pk])
    draw(other)
    assert (other.status, "no longer available" in other.reason) == ("failed", True)


@pytest.mark.parametrize("upscale", [True, False])
def test_source_picture_may_be_deleted_while_its_successor_is_drawn(
    alice: User, ready_picture: Picture, monkeypatch: pytest.MonkeyPatch, upscale: bool
) -> None:
    asked = PictureRequest("A blue dog", parent=ready_picture, from_parent=True)
    row = upscaling.request_upscale(alice, ready_picture) if upscale else submission.request_pictures(alice, asked)[0]
    where, name = (worker, "upscale_picture") if upscale else (registry.get_image_engine(), "draw")
    real = getattr(where, name)

    def meanwhile(*args: Any) -> Any:
        ready_picture.file.storage.delete(ready_picture.file.name)
        gallery.delete_pictures(alice, [ready_picture.pk])
        return real(*args)

    monkeypatch.setattr(where, name, meanwhile)
    said = content_credentials.read_credentials(content(draw_ready(row)), "image/png")
    assert said and said.intact and said.derived and row.parent is None


def test_upscaling_cancelled_before_its_turn_is_not_done(alice: User, ready_picture: Picture) -> None:
    row = upscaling.request_upscale(alice, ready_picture)
    Picture.objects.filter(pk=row.pk).update(status="cancelled")
    scheduler.draw_waiting()
    row.refresh_from_db()
    assert (row.status, bool(row.file)) == ("cancelled", False)


def test_the_page_shows_the_line_and_asks_for_more(alice_client: Client, ready_picture: Picture) -> None:
    assert alice_client.post(f"/pictures/{ready_picture.pk}/upscale/").status_code == 302
    large = draw_ready(Picture.objects.get(upscale=4))
    assert alice_client.post(f"/pictures/{large.pk}/again/").status_code == 302
    assert gallery.list_ancestors(large) == [ready_picture] and list(gallery.list_variants(ready_picture)) == [large]
    page = alice_client.get(f"/pictures/{large.pk}/").content.decode()
    assert "origin of this picture" in page and "4 times" in page
    assert alice_client.post(f"/pictures/{ready_picture.pk}/repeat/").status_code == 302
    again = draw_ready(Picture.objects.get(repeat_of=ready_picture))
    assert "identical, byte for byte" in alice_client.get(f"/pictures/{again.pk}/").content.decode()


def test_generation_details_are_kept_step_by_step(alice_client: Client, ready_picture: Picture, charlie: User) -> None:
    told = generation_details.describe_generation(ready_picture)
    assert told and told.frames == (1, 2, 3, 4) and len(told.bars) == 4 and max(bar.height for bar in told.bars) == 100
    page = alice_client.get(f"/pictures/{ready_picture.pk}/").content.decode()
    assert f"/pictures/{ready_picture.pk}/frames/4.jpg" in page
    assert alice_client.get(f"/pictures/{ready_picture.pk}/frames/4.jpg")["Content-Type"] == "image/jpeg"
    assert alice_client.get(f"/pictures/{ready_picture.pk}/frames/9.jpg").status_code == 404
    stranger = make_client(charlie)
    assert stranger.get(f"/pictures/{ready_picture.pk}/frames/4.jpg").status_code == 404
    Picture.objects.filter(pk=ready_picture.pk).update(status="held")
    assert alice_client.get(f"/pictures/{ready_picture.pk}/frames/4.jpg").status_code == 404


def test_previews_of_many_steps_are_thinned_to_a_few(alice: User, painter: FakePainter) -> None:
    row = draw_ready(submission.request_pictures(alice, PictureRequest("A cat", steps=40))[0])
    steps = list(PreviewFrame.objects.filter(picture=row).values_list("step", flat=True))
    assert len(steps) == 8 and steps[0] == 1 and steps[-1] == 40


def test_a_copy_that_was_saved_again_is_known_by_its_mark(alice: User, ready_picture: Picture) -> None:
    assert "has not been changed since" in verify_file(content(ready_picture))
    row = draw_ready(upscaling.request_upscale(alice, ready_picture))
    with Image.open(io.BytesIO(content(row))) as opened:
        copy = io.BytesIO()
        opened.convert("RGB").resize((400, 400)).save(copy, "JPEG", quality=80)
    said = verify_file(copy.getvalue(), "copy.jpg")
    assert "has the invisible watermark of a picture created on this site" in said
    assert row.prompt not in said and str(alice.email) not in said, "neither its words nor its maker"
    Picture.objects.all().delete()
    assert "no watermark of this site" in verify_file(copy.getvalue(), "copy.jpg")


def test_the_visible_mark_is_written_once(
    alice: User, painter: FakePainter, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = draw_ready(submission.request_pictures(alice, PictureRequest("A cat", seed=1))[0])
    settings.PICTURE_LABEL = "AI"
    labelled = draw_ready(submission.request_pictures(alice, PictureRequest("A cat", seed=1))[0])
    assert plain.plain_sha256 == labelled.plain_sha256

    def corner(row: Picture) -> Any:
        with Image.open(io.BytesIO(content(row))) as opened:
            return opened.convert("L").crop((100, 108, 128, 128)).getextrema()

    assert corner(labelled) != corner(plain)
    seen: list[bool] = []

    def noted(plain: Image.Image, *, label: bool = True) -> Any:
        seen.append(label)
        return watermarking.add_watermarks(plain, label=label)

    monkeypatch.setattr(worker, "add_watermarks", noted)
    draw_ready(upscaling.request_upscale(alice, labelled))
    assert seen == [False], "what is made from a picture has its mark already"


def test_pictures_are_found_by_what_they_mean(alice: User, bob: User, painter: FakePainter) -> None:
    rows = [
        draw_ready(submission.request_pictures(alice, PictureRequest(words))[0])
        for words in ("a red cat on a sofa", "tax forms of the year")
    ]
    draw_ready(submission.request_pictures(bob, PictureRequest("a red cat on a sofa"))[0])
    vector = registry.get_embedder().embed_query("a red cat on a sofa")
    assert bytes(rows[0].vector) == vector.tobytes() and rows[0].vector_embedder == registry.get_embedder().fingerprint
    assert prompt_embeddings.find_nearest(Picture.objects.filter(owner=alice), "a red cat on a sofa")[0] == rows[0].pk
    found = list(gallery.search_pictures(alice, "", "red cat sofa couch"))
    assert found == [rows[0]], "not each of these words stands there"
    assert list(gallery.search_pictures(alice, "", "forms")) == [rows[1]]


def test_picture_search_finds_words_without_the_embedder(
    alice: User, ready_picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(text: str) -> Any:
        raise EngineUnavailable("The embedder does not answer.")

    monkeypatch.setattr(registry.get_embedder(), "embed_query", away)
    assert (
        list(gallery.search_pictures(alice, "", "red")) == [ready_picture]
        and not gallery.search_pictures(alice, "", "blue").exists()
    )
    assert prompt_embeddings.embed_prompt("A cat") == {}, "a picture is ready without"
    scheduler.sweep_queue()
    monkeypatch.undo()
    Picture.objects.update(vector=b"", vector_embedder="another embedder")
    scheduler.sweep_queue()
    ready_picture.refresh_from_db()
    assert (
        ready_picture.vector_embedder == registry.get_embedder().fingerprint
        and len(bytes(ready_picture.vector)) == 4 * registry.get_embedder().dimension
    )


@pytest.mark.parametrize("how", ["again", "repeat", "upscale"])
def test_successor_of_a_picture_is_judged_as_strictly(alice_client: Client, ready_picture: Picture, how: str) -> None:
    Picture.objects.update(level="strict")
    assert alice_client.post(f"/pictures/{ready_picture.pk}/{how}/").status_code == 302
    made = Picture.objects.exclude(pk=ready_picture.pk).get()
    assert made.level == "strict"
    if how == "upscale":
        draw_ready(made)
        assert alice_client.post(f"/pictures/{made.pk}/repeat/").status_code == 302
        assert Picture.objects.filter(upscale=4, level="strict").count() == 2


def test_picture_begun_with_another_is_never_judged_less_strictly(alice: User, ready_picture: Picture) -> None:
    Picture.objects.update(level="strict")
    ready_picture.refresh_from_db()
    (row,) = submission.request_pictures(alice, PictureRequest("A blue dog", parent=ready_picture, from_parent=True))
    assert row.level == "strict" and submission.request_pictures(alice, PictureRequest("A blue dog"))[0].level == "site"
