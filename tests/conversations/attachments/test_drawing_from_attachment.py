"""An attached picture is what a drawn one begins with: kept with it, so that it can be varied and drawn again."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import LazySettings
from PIL import Image

from apps.conversations.models import AttachedPicture, Message
from apps.engines import registry
from apps.engines.image.fake import FakePainter
from apps.engines.image.validation import encode_png, open_start_picture
from apps.images.generation import model_info, scheduler, worker
from apps.images.library import gallery
from apps.images.models import Picture
from apps.images.provenance import content_credentials
from apps.images.requests import submission
from apps.lib.concurrency.threads import in_db
from apps.privacy import data_requests
from apps.users.models import User
from tests.conversations.attachments.picture_uploads import attached
from tests.factories import make_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def painter(bells: Any) -> FakePainter:
    model_info.refresh_model()
    return cast(FakePainter, registry.get_image_engine())


async def ask(page: Any, row: AttachedPicture, text: str = "/picture a blue dog", **picture: Any) -> Message:
    made = {"how": "attached", "parent": str(row.pk), "strength": 0.3, **picture}
    accepted = await page.ask(text, attached=[str(row.pk)], picture=made)
    assert accepted["type"] == "accepted", accepted
    await page.events()
    return await Message.objects.aget(pk=accepted["turn"])


def starts(settings: LazySettings) -> list[str]:
    folder = Path(settings.MEDIA_ROOT) / "starts"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def drawn(row: Picture) -> Picture:
    worker.draw_picture(row.pk)
    row.refresh_from_db()
    assert row.status == "ready", row.reason
    return row


async def test_attached_picture_starts_the_drawing_and_is_named_in_its_credentials(
    open_page, alice, painter, settings
) -> None:
    row = await in_db(attached, alice)
    answer = await ask(await open_page(alice), row, count=2, shape="wide")
    await in_db(scheduler.draw_waiting)
    first, second = [picture async for picture in answer.pictures.order_by("seed")]
    assert (first.status, first.strength, first.parent_id, first.from_parent) == ("ready", 0.3, None, False)
    given = [Image.open(io.BytesIO(request.start)) for request in painter.requests]
    assert [(one.format, one.size) for one in given] == [("PNG", (first.width, first.height))] * 2
    wanted = encode_png(open_start_picture(Path(row.file.path).read_bytes(), first.width, first.height))
    assert painter.requests[0].start == wanted
    assert first.start_sha256 == second.start_sha256 == hashlib.sha256(wanted).hexdigest()
    assert gallery.describe_recipe(first)["start"] == first.start_sha256
    said = content_credentials.read_credentials(Path(first.file.path).read_bytes(), "image/png")
    assert said and said.intact and said.derived and said.by_model
    page = await in_db(lambda: make_client(alice).get(f"/pictures/{first.pk}/").content.decode())
    assert "Strength 0.3, from a picture that you attached" in page
    assert "data-attached" in await in_db(
        lambda: make_client(alice).get(f"/c/{answer.conversation_id}/").content.decode()
    )


async def test_variation_and_repetition_start_from_the_same_attachment(
    open_page, alice, ada, painter, settings
) -> None:
    answer = await ask(await open_page(alice), await in_db(attached, alice))
    await in_db(scheduler.draw_waiting)
    first = await answer.pictures.aget()

    def look() -> None:
        again = drawn(submission.request_pictures(alice, gallery.make_repetition(first))[0])
        assert (again.plain_sha256, again.start_sha256) == (first.plain_sha256, first.start_sha256)
        varied = drawn(submission.request_pictures(alice, gallery.make_variation(first))[0])
        assert (varied.start_sha256, varied.parent_id, varied.from_parent) == (first.start_sha256, first.pk, False)
        assert painter.requests[-1].start == painter.requests[0].start
        assert starts(settings) == sorted(f"{row.pk}.png" for row in (first, again, varied))
        gallery.delete_pictures(alice, [again.pk])
        assert starts(settings) == sorted(f"{row.pk}.png" for row in (first, varied))
        first.start.storage.delete(first.start.name)
        with pytest.raises(submission.PictureRequestRefused, match="no longer available"):
            gallery.make_variation(Picture.objects.get(pk=first.pk))
        data_requests.process_request(str(data_requests.request_erasure(alice).pk))
        assert starts(settings) == []

    await in_db(look)


async def test_picture_started_from_a_drawn_one_forgets_the_attachment(open_page, alice, painter) -> None:
    page = await open_page(alice)
    answer = await ask(page, await in_db(attached, alice))
    await in_db(scheduler.draw_waiting)
    first = await answer.pictures.aget()
    also = {"how": "start", "parent": str(first.pk), "strength": 0.5}
    accepted = await page.ask("/picture a green dog", conversation=str(answer.conversation_id), picture=also)
    await page.events()
    row = await Picture.objects.aget(answers=accepted["turn"])
    assert (row.parent_id, row.from_parent, row.start.name) == (first.pk, True, "")


async def test_regenerating_starts_from_the_attachment_again(open_page, alice) -> None:
    page = await open_page(alice)
    answer = await ask(page, await in_db(attached, alice))
    await page.tell(do="retry", turn=str(answer.pk), client_id="again")
    turn = (await page.hear("accepted"))["turn"]
    assert (await page.events())[-1]["status"] == "complete"
    rows = [row async for row in Picture.objects.all()]
    assert len({row.start_sha256 for row in rows}) == 1 and await Picture.objects.filter(answers=turn).acount() == 1


@pytest.mark.parametrize("state", ["held", "gone", "foreign", "no starts", "file gone"])
async def test_unusable_start_attachment_fails_with_a_reason(
    open_page, alice, bob, painter, monkeypatch, state: str
) -> None:
    row = await in_db(attached, bob if state == "foreign" else alice)
    made = {"how": "attached", "parent": str(row.pk)}
    if state == "held":
        await AttachedPicture.objects.aupdate(status="held")
    elif state == "gone":
        await AttachedPicture.objects.all().adelete()
    elif state == "file gone":
        Path(row.file.path).unlink()
    elif state == "no starts":
        without = replace(painter.model(), accepts_start=False)
        monkeypatch.setattr(FakePainter, "model", lambda self: without)
        await in_db(model_info.record_model, painter.model())
    page = await open_page(alice)
    await page.ask("/picture a dog", picture=made)
    closed = (await page.events())[-1]
    assert closed["status"] == "failed" and any(
        words in closed["reason"] for words in ("no longer available", "held for review", "cannot start from a picture")
    )
    assert not await Picture.objects.aexists()


def test_starts_without_a_row_go_with_the_sweep(alice: User, settings: LazySettings) -> None:
    import os
    import time

    folder = Path(settings.MEDIA_ROOT) / "starts"
    folder.mkdir(parents=True)
    for name, age_s in (("old.png", 4000), ("new.png", 60)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age_s,) * 2)
    scheduler.sweep_queue()
    assert starts(settings) == ["new.png"]
