"""Blocklists of names for pictures: not drawn, with a reason and an appeal, but allowed in conversations."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from apps.engines.image.fake import FakePainter
from apps.images.models import Picture
from apps.images.requests import submission
from apps.images.requests.submission import PictureRequest
from apps.lib.concurrency.threads import in_db
from apps.safety.detectors import blocklists
from apps.safety.gate.gate import check_question
from apps.safety.models import BlocklistHit, Case, PolicyVersion
from apps.safety.policy import versions
from apps.users.models import User
from tests.factories import decide_case, get_reviewer
from tests.images.draw_helper import draw

pytestmark = pytest.mark.django_db


@pytest.fixture
def listing() -> Iterator[Any]:
    """Return a function that adds a blocklist of names for pictures to the policy."""

    def lists(action: str) -> None:
        row = versions.get_live_version()
        own = {
            "key": "names", "name": "Names", "owner": 1, "code": "impersonation", "kind": "words", "expires": "",
            "entries": ["jane famous"], "action": action, "stages": ["picture"],
        }  # fmt: skip
        PolicyVersion.objects.filter(pk=row.pk).update(body={**copy.deepcopy(row.body), "lists": [own]})
        versions.refresh_policy()

    blocklists._noted.clear()
    yield lists
    versions.clear_cache()


@pytest.mark.parametrize(
    "wish", [PictureRequest("Jane Famous on a bicycle"), PictureRequest("A bicycle", "JANE  FAMOUS")]
)
def test_picture_of_a_blocked_term_is_held_and_drawn_once_allowed(
    alice: User, painter: FakePainter, listing: Any, wish: PictureRequest
) -> None:
    listing("withhold_and_review")
    (row,) = submission.request_pictures(alice, wish)
    case = Case.objects.get()
    assert (row.status, case.snapshot.stage, case.owner) == ("held", "picture", alice)
    assert "a term that this site blocks" in row.reason and BlocklistHit.objects.get(key="names").count == 1
    decide_case(get_reviewer("morgan"), case, "allow")
    versions.refresh_policy()
    draw(row)
    assert (row.status, len(painter.requests)) == ("ready", 1)


async def test_blocked_picture_words_may_be_asked_about_in_chat(transactional_db: None, listing: Any) -> None:
    await in_db(listing, "withhold_and_review")
    assert (await check_question("Who is Jane Famous?")).allowed


def test_a_name_that_came_onto_the_list_meanwhile_is_held(alice: User, queued_picture: Picture, listing: Any) -> None:
    Picture.objects.filter(pk=queued_picture.pk).update(prompt="Jane Famous at sea")
    listing("withhold")
    draw(queued_picture)
    assert queued_picture.status == "held" and not Case.objects.exists()


def test_picture_of_a_term_listed_for_review_is_drawn_and_reviewed(
    alice: User, painter: FakePainter, listing: Any
) -> None:
    listing("review")
    (row,) = submission.request_pictures(alice, PictureRequest("Jane Famous on a bicycle"))
    draw(row)
    assert (row.status, Case.objects.get().snapshot.stage) == ("ready", "picture")
