"""Pictures that are made from others, found by meaning, and known again; and what lies behind one."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from apps.engines import registry
from apps.engines.base import EngineUnavailable
from apps.engines.image.fake import FakePainter
from apps.images import asking, behind, finishing, gallery, generate, meaning, provenance, queue, upscaling
from apps.images.asking import Refused, Wish
from apps.images.models import Frame, Picture
from apps.users.models import User
from tests.images.drawing import drawn

pytestmark = pytest.mark.django_db


def content(row: Picture) -> bytes:
    with row.file.open("rb") as file:
        return bytes(file.read())


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def test_an_upscaled_picture_is_larger_and_names_what_it_was_made_from(alice: User, first: Picture) -> None:
    row = drawn(upscaling.ask(alice, first))
    assert (row.width, row.height, row.parent, row.upscale, row.prompt) == (512, 512, first, 4, first.prompt)
    assert gallery.recipe(row)["start"] == first.sha256 and gallery.recipe(row)["upscale"] == 4
    said = provenance.read(content(row), "image/png")
    assert said and said.intact and said.derived and said.by_model
    assert Image.open(io.BytesIO(content(row))).size == (512, 512)
    assert (said := provenance.read(content(first), "image/png")) and not said.derived


def test_what_cannot_be_made_larger_is_refused(alice: User, first: Picture, waiting: Picture) -> None:
    huge = Picture.objects.get(pk=first.pk)
    huge.width = 4096
    with pytest.raises(Refused, match="as large"):
        upscaling.ask(alice, huge)
    with pytest.raises(Refused, match="finished"):
        upscaling.ask(alice, asking.ask(alice, Wish("Another"))[0])
    other = upscaling.ask(alice, waiting)
    waiting.file.storage.delete(waiting.file.name)
    gallery.delete(alice, [waiting.pk])
    generate.draw(other.pk)
    other.refresh_from_db()
    assert (other.status, "no longer there" in other.reason) == ("failed", True)


@pytest.mark.parametrize("upscale", [True, False])
def test_what_it_is_made_from_may_go_while_it_is_drawn(
    alice: User, first: Picture, monkeypatch: pytest.MonkeyPatch, upscale: bool
) -> None:
    asked = Wish("A blue dog", parent=first, from_parent=True)
    row = upscaling.ask(alice, first) if upscale else asking.ask(alice, asked)[0]
    where, name = (generate, "upscaled") if upscale else (registry.image(), "draw")
    real = getattr(where, name)

    def meanwhile(*args: Any) -> Any:
        first.file.storage.delete(first.file.name)
        gallery.delete(alice, [first.pk])
        return real(*args)

    monkeypatch.setattr(where, name, meanwhile)
    said = provenance.read(content(drawn(row)), "image/png")
    assert said and said.intact and said.derived and row.parent is None


def test_one_that_was_cancelled_before_its_turn_is_not_made(alice: User, first: Picture) -> None:
    row = upscaling.ask(alice, first)
    Picture.objects.filter(pk=row.pk).update(status="cancelled")
    queue.drain()
    row.refresh_from_db()
    assert (row.status, bool(row.file)) == ("cancelled", False)


def test_the_page_shows_the_line_and_asks_for_more(alice: User, client: Client, first: Picture) -> None:
    assert client.post(f"/pictures/{first.pk}/upscale/").status_code == 302
    large = drawn(Picture.objects.get(upscale=4))
    assert client.post(f"/pictures/{large.pk}/again/").status_code == 302
    assert gallery.lineage(large) == [first] and list(gallery.near(first)) == [large]
    page = client.get(f"/pictures/{large.pk}/").content.decode()
    assert "which this one comes from" in page and "4 times" in page
    assert client.post(f"/pictures/{first.pk}/repeat/").status_code == 302
    again = drawn(Picture.objects.get(repeats=first))
    assert "the same, byte for byte" in client.get(f"/pictures/{again.pk}/").content.decode()


def test_what_lies_behind_is_kept_step_by_step(client: Client, first: Picture, charlie: User) -> None:
    told = behind.behind(first)
    assert told and told.frames == (1, 2, 3, 4) and len(told.bars) == 4 and max(bar.height for bar in told.bars) == 100
    page = client.get(f"/pictures/{first.pk}/").content.decode()
    assert f"/pictures/{first.pk}/frames/4.jpg" in page
    assert client.get(f"/pictures/{first.pk}/frames/4.jpg")["Content-Type"] == "image/jpeg"
    assert client.get(f"/pictures/{first.pk}/frames/9.jpg").status_code == 404
    stranger = Client()
    stranger.force_login(charlie)
    assert stranger.get(f"/pictures/{first.pk}/frames/4.jpg").status_code == 404
    Picture.objects.filter(pk=first.pk).update(status="held")
    assert client.get(f"/pictures/{first.pk}/frames/4.jpg").status_code == 404


def test_of_many_steps_a_few_previews_are_kept(alice: User, painter: FakePainter) -> None:
    row = drawn(asking.ask(alice, Wish("A cat", steps=40))[0])
    steps = list(Frame.objects.filter(picture=row).values_list("step", flat=True))
    assert len(steps) == 8 and steps[0] == 1 and steps[-1] == 40


def verified(row_content: bytes, name: str) -> str:
    file = SimpleUploadedFile(name, row_content)
    return Client().post("/verify/", {"picture": file}).content.decode()


def test_a_copy_that_was_saved_again_is_known_by_its_mark(alice: User, first: Picture) -> None:
    assert "not one byte was changed" in verified(content(first), "a.png")
    row = drawn(upscaling.ask(alice, first))
    with Image.open(io.BytesIO(content(row))) as opened:
        copy = io.BytesIO()
        opened.convert("RGB").resize((400, 400)).save(copy, "JPEG", quality=80)
    said = verified(copy.getvalue(), "copy.jpg")
    assert "carries the invisible mark of a picture that was drawn on this site" in said
    assert row.prompt not in said and str(alice.email) not in said, "neither its words nor its maker"
    Picture.objects.all().delete()
    assert "no invisible mark of this site" in verified(copy.getvalue(), "copy.jpg")


def test_the_visible_mark_is_written_once(
    alice: User, painter: FakePainter, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = drawn(asking.ask(alice, Wish("A cat", seed=1))[0])
    settings.PICTURE_LABEL = "AI"
    labelled = drawn(asking.ask(alice, Wish("A cat", seed=1))[0])
    assert plain.plain_sha256 == labelled.plain_sha256

    def corner(row: Picture) -> Any:
        with Image.open(io.BytesIO(content(row))) as opened:
            return opened.convert("L").crop((100, 108, 128, 128)).getextrema()

    assert corner(labelled) != corner(plain)
    seen: list[bool] = []

    def noted(plain: Image.Image, *, label: bool = True) -> Any:
        seen.append(label)
        return finishing.finished(plain, label=label)

    monkeypatch.setattr(generate, "finished", noted)
    drawn(upscaling.ask(alice, labelled))
    assert seen == [False], "what is made from a picture has its mark already"


def test_pictures_are_found_by_what_they_mean(alice: User, bob: User, painter: FakePainter) -> None:
    rows = [drawn(asking.ask(alice, Wish(words))[0]) for words in ("a red cat on a sofa", "tax forms of the year")]
    drawn(asking.ask(bob, Wish("a red cat on a sofa"))[0])
    vector = registry.embed().embed_query("a red cat on a sofa")
    assert bytes(rows[0].vector) == vector.tobytes() and rows[0].vector_by == registry.embed().fingerprint
    assert meaning.nearest(Picture.objects.filter(owner=alice), "a red cat on a sofa")[0] == rows[0].pk
    found = list(gallery.search(alice, "", "red cat sofa couch"))
    assert found == [rows[0]], "not each of these words stands there"
    assert list(gallery.search(alice, "", "forms")) == [rows[1]]


def test_without_the_embedder_words_still_find(alice: User, first: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(text: str) -> Any:
        raise EngineUnavailable("The embedder does not answer.")

    monkeypatch.setattr(registry.embed(), "embed_query", away)
    assert list(gallery.search(alice, "", "red")) == [first] and not gallery.search(alice, "", "blue").exists()
    assert meaning.vector_of("A cat") == {}, "a picture is ready without"
    queue.sweep()
    monkeypatch.undo()
    Picture.objects.update(vector=b"", vector_by="another embedder")
    queue.sweep()
    first.refresh_from_db()
    assert (
        first.vector_by == registry.embed().fingerprint and len(bytes(first.vector)) == 4 * registry.embed().dimension
    )


@pytest.mark.parametrize("how", ["again", "repeat", "upscale"])
def test_what_is_made_of_a_picture_is_judged_as_strictly(client: Client, first: Picture, how: str) -> None:
    Picture.objects.update(level="strict")
    assert client.post(f"/pictures/{first.pk}/{how}/").status_code == 302
    made = Picture.objects.exclude(pk=first.pk).get()
    assert made.level == "strict"
    if how == "upscale":
        drawn(made)
        assert client.post(f"/pictures/{made.pk}/repeat/").status_code == 302
        assert Picture.objects.filter(upscale=4, level="strict").count() == 2


def test_one_that_begins_with_a_picture_is_never_judged_less_strictly(alice: User, first: Picture) -> None:
    Picture.objects.update(level="strict")
    first.refresh_from_db()
    (row,) = asking.ask(alice, Wish("A blue dog", parent=first, from_parent=True))
    assert row.level == "strict" and asking.ask(alice, Wish("A blue dog"))[0].level == "site"
