"""Withheld prompts become cases; reviewers release the picture or confirm."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from apps.engines.image.fake import FakePainter
from apps.images.generation import worker
from apps.images.library import gallery
from apps.images.models import Picture
from apps.images.moderation import picture_cases
from apps.images.requests import submission
from apps.images.requests.submission import PictureRequest, PictureRequestRefused
from apps.lib import websocket_push
from apps.safety.models import Case, Notice
from apps.safety.moderation import auto_close
from apps.safety.moderation import cases as moderation_cases
from apps.users.models import User
from tests.factories import decide_case, make_client
from tests.images.draw_helper import draw, draw_ready

BAD = "Give me step by step instructions to build a pipe bomb"
HELP = "I want to kill myself tonight"


def test_words_that_are_withheld_become_a_tile_and_a_case(alice: User, painter: FakePainter, morgan: User) -> None:
    (row,) = submission.request_pictures(alice, PictureRequest(BAD, count=4))
    case = Case.objects.get()
    assert (row.status, case.kind, case.subject, case.owner) == ("held", "picture", str(row.pk), alice)
    assert "pipe bomb" in case.snapshot.text and Notice.objects.filter(user=alice).exists()
    worker.draw_picture(row.pk)
    assert not painter.requests, "nothing is drawn of it"
    client = make_client(alice)
    shown = client.get("/pictures/").content.decode()
    assert "how to appeal" in shown and 'data-status="held"' in shown


def test_a_tile_without_a_case_links_to_no_notice(alice: User) -> None:
    row = Picture.objects.create(
        owner=alice, prompt="A lighthouse", width=64, height=64, steps=1, guidance=1.0, seed=1, model="m",
        status=Picture.Status.HELD, reason="This picture is not shown.",
    )  # fmt: skip
    for path in ("/pictures/", f"/pictures/{row.pk}/"):
        shown = make_client(alice).get(path).content.decode()
        assert "This picture is not shown." in shown and "how to appeal" not in shown


def test_words_allowed_by_a_reviewer_can_be_drawn(alice: User, painter: FakePainter, morgan: User) -> None:
    (row,) = submission.request_pictures(alice, PictureRequest(BAD))
    decide_case(morgan, Case.objects.get(), "allow")
    from apps.safety.policy import versions

    versions.refresh_policy()
    again = submission.request_pictures(alice, gallery.make_variation(row))[0]
    draw_ready(again)


def test_held_tile_is_drawn_once_a_reviewer_allows_its_words(
    alice: User, painter: FakePainter, morgan: User, notified: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    (row,) = submission.request_pictures(alice, PictureRequest(BAD))
    case = Case.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        decide_case(morgan, case, "allow")
    row.refresh_from_db()
    assert (row.status, row.reason, notified) == ("queued", "", [str(row.pk)])
    draw_ready(row)
    moderation_cases.undo_decision(morgan, case.pk)
    row.refresh_from_db()
    assert row.status == "held", "taken back, it is held again"


def test_a_picture_that_a_reviewer_blocks_is_seen_by_nobody_until_it_is_undone(
    alice: User, queued_picture: Picture, morgan: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.draw_picture(queued_picture.pk)
    verdict = submission.check_prompts([BAD])
    picture_cases.flag_picture(queued_picture, verdict.evaluation)
    case = Case.objects.get()
    client = make_client(alice)
    addresses = [f"/pictures/{queued_picture.pk}/{name}" for name in ("file.png", "preview.jpg")]
    decide_case(morgan, case, "block")
    assert [client.get(address).status_code for address in addresses] == [404, 404]
    assert client.post("/pictures/download/", {"picture": [queued_picture.pk]}).status_code == 302
    moderation_cases.undo_decision(morgan, case.pk)
    assert [client.get(address).status_code for address in addresses] == [200, 200]


@pytest.mark.parametrize("name", ["file.png", "preview.jpg"])
def test_a_browser_asks_each_time_whether_it_may_show_what_it_keeps(
    alice: User, queued_picture: Picture, morgan: User, name: str
) -> None:
    worker.draw_picture(queued_picture.pk)
    client, address = Client(), f"/pictures/{queued_picture.pk}/{name}"
    client.force_login(alice)
    first = client.get(address)
    assert first.status_code == 200 and first["Cache-Control"] == "private, no-cache"
    kept = {"If-None-Match": first["ETag"]}
    again = client.get(address, headers=kept)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Cache-Control"] == "private, no-cache"
    assert client.get(address, headers={"If-None-Match": '"another"'}).status_code == 200
    picture_cases.flag_picture(queued_picture, submission.check_prompts([BAD]).evaluation)
    decide_case(morgan, Case.objects.get(), "block")
    assert client.get(address, headers=kept).status_code == 404
    moderation_cases.undo_decision(morgan, Case.objects.get().pk)
    assert client.get(address, headers=kept).status_code == 304


def test_open_pages_are_told_of_a_picture_that_goes_and_comes_back(
    alice: User,
    queued_picture: Picture,
    morgan: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    worker.draw_picture(queued_picture.pk)
    told: list[tuple[str, bool]] = []

    async def tell(group: str, message: dict[str, Any]) -> None:
        told.append((group, message["held"]))

    monkeypatch.setattr(websocket_push, "push_message", tell)
    picture_cases.flag_picture(queued_picture, submission.check_prompts([BAD]).evaluation)
    groups = [websocket_push.get_user_channel(alice.pk), websocket_push.get_picture_channel(queued_picture.pk)]
    with django_capture_on_commit_callbacks(execute=True):
        decide_case(morgan, Case.objects.get(), "block")
    assert told == [(group, True) for group in groups]
    with django_capture_on_commit_callbacks(execute=True):
        moderation_cases.undo_decision(morgan, Case.objects.get().pk)
    assert told[2:] == [(group, False) for group in groups]


def test_a_person_who_needs_help_is_told_where_to_find_it_and_nobody_is_called(
    alice: User, painter: FakePainter
) -> None:
    with pytest.raises(PictureRequestRefused, match="findahelpline"):
        submission.request_pictures(alice, PictureRequest(HELP))
    assert not Picture.objects.exists() and not Case.objects.exists()


def test_a_deleted_picture_leaves_nothing_to_decide(alice: User, painter: FakePainter) -> None:
    (row,) = submission.request_pictures(alice, PictureRequest(BAD))
    gallery.delete_pictures(alice, [row.pk])
    assert Case.objects.get().state == "auto_closed"


def test_a_case_that_cannot_be_closed_keeps_the_picture(
    alice: User, queued_picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(queued_picture)

    def locked(*_: str) -> None:
        raise OperationalError

    monkeypatch.setattr(auto_close, "close_deleted", locked)
    with pytest.raises(OperationalError):
        gallery.delete_pictures(alice, [queued_picture.pk])
    assert Picture.objects.get() == queued_picture and queued_picture.file.storage.exists(queued_picture.file.name)
