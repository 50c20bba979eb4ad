"""Names of `PICTURE_NAMES` in the policy, and the words that styles and qualities add to a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError

from apps.engines.image.fake import FakePainter
from apps.images.models import Picture
from apps.images.moderation import blocked_names
from apps.images.requests import submission
from apps.images.requests.forms import PictureForm, apply_style
from apps.images.requests.submission import PictureRequest
from apps.safety.detectors import blocklists
from apps.safety.models import BlocklistHit, Case, Notice, PolicyVersion
from apps.safety.policy import versions
from apps.safety.policy.schema import hash_policy
from apps.safety.policy.verdicts import ALLOWED, Verdict
from apps.safety.policy_admin import blocklist_import
from apps.users.models import User
from tests.factories import decide_case, make_client
from tests.images.draw_helper import draw, draw_ready

pytestmark = pytest.mark.django_db
POLICY = "José Müller, Acme Cola,, Bob"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    versions.clear_cache()
    blocklists._noted.clear()
    yield
    versions.clear_cache()


@pytest.mark.parametrize("text", ["josé müller at sea", "A poster of JOSE  MULLER", "acme-cola can", "bob, waving"])
def test_a_name_of_the_setting_is_held_however_it_is_written_under_a_clause(
    alice: User, painter: FakePainter, settings: LazySettings, text: str
) -> None:
    settings.PICTURE_NAMES = POLICY
    (row,) = submission.request_pictures(alice, PictureRequest(text))
    case = Case.objects.get()
    assert (row.status, case.clause, case.owner) == ("held", "impersonation", alice)
    assert "a term that this site blocks" in row.reason and Notice.objects.filter(user=alice, case=case).exists()
    assert BlocklistHit.objects.get(key=blocked_names.BLOCKLIST_KEY).count == 1


@pytest.mark.parametrize("verdict", [None, ALLOWED])
def test_blocked_names_are_looked_for_in_both_prompts(
    alice: User, painter: FakePainter, settings: LazySettings, verdict: Verdict | None
) -> None:
    settings.PICTURE_NAMES = POLICY
    for wish in (PictureRequest("Bob"), PictureRequest("A cat", "Bob")):
        (row,) = submission.request_pictures(alice, wish, verdict=verdict)
        assert row.status == "held"


@pytest.mark.parametrize("text", ["a bobsleigh", "the cola of acme", "José at sea", "a müller"])
def test_unlisted_words_are_no_blocked_names(
    alice: User, painter: FakePainter, settings: LazySettings, text: str
) -> None:
    settings.PICTURE_NAMES = POLICY
    (row,) = submission.request_pictures(alice, PictureRequest(text))
    assert row.status == "queued"


def test_empty_name_list_holds_no_picture(alice: User, painter: FakePainter, settings: LazySettings) -> None:
    settings.PICTURE_NAMES = " , "
    (row,) = submission.request_pictures(alice, PictureRequest("Bob"))
    assert row.status == "queued" and blocked_names.BLOCKLIST_KEY not in versions.current_policy().blocklists


def test_the_product_itself_puts_them_there_once_and_people_decide_from_then_on(
    alice: User, ada: User, painter: FakePainter, settings: LazySettings
) -> None:
    settings.PICTURE_NAMES = POLICY
    before = versions.get_live_version()
    blocked_names.adopt_names()
    blocked_names.adopt_names()
    row = versions.get_live_version()
    assert row.number == before.number + 1 and row.author is None and row.body["clauses"] == before.body["clauses"]
    assert row.body["lists"][0]["entries"] == ["José Müller", "Acme Cola", "Bob"] and blocked_names.is_in_force()
    without = {**row.body, "lists": []}
    PolicyVersion.objects.create(number=row.number + 1, body=without, sha256=hash_policy(without))
    PolicyVersion.objects.filter(pk=row.pk).update(status="retired")
    PolicyVersion.objects.filter(number=row.number + 1).update(status="live")
    versions.refresh_policy()
    blocked_names.adopt_names()
    assert not blocked_names.is_in_force(), "somebody took the list out again"
    (picture,) = submission.request_pictures(alice, PictureRequest("Bob"))
    assert picture.status == "queued"


def test_a_name_that_the_setting_gets_later_joins_those_of_people_once(
    ada: User, painter: FakePainter, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PICTURE_NAMES = POLICY
    blocked_names.adopt_names()
    row = versions.get_live_version()
    own = {**row.body["lists"][0], "entries": ["Acme Cola", "Bob", "Ines"], "action": "withhold"}
    PolicyVersion.objects.filter(pk=row.pk).update(body={**row.body, "lists": [own]})
    versions.refresh_policy()
    settings.PICTURE_NAMES = "Acme Cola, Bob, Uwe"
    for _ in range(3):
        blocked_names.adopt_names()
    (kept,) = versions.get_live_version().body["lists"]
    assert (kept["entries"], kept["action"]) == (["Acme Cola", "Bob", "Ines", "Uwe"], "withhold")
    assert PolicyVersion.objects.count() == row.number + 1


def test_blocked_names_do_not_search_all_policy_versions_per_picture(
    ada: User, painter: FakePainter, settings: LazySettings, django_assert_num_queries: Any
) -> None:
    settings.PICTURE_NAMES = POLICY
    blocked_names.adopt_names()
    PolicyVersion.objects.update(status="retired")
    PolicyVersion.objects.create(
        number=9, body=(body := {**versions.get_live_version().body, "lists": []}), sha256=hash_policy(body)
    )
    PolicyVersion.objects.filter(status="live").update(status="retired")
    PolicyVersion.objects.filter(number=9).update(status="live")
    versions.refresh_policy()
    blocked_names.adopt_names()
    with django_assert_num_queries(0):
        blocked_names.adopt_names()


def test_name_list_is_adopted_once_by_two_processes_at_once(
    ada: User, painter: FakePainter, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object) -> None:
        raise IntegrityError

    settings.PICTURE_NAMES = POLICY
    monkeypatch.setattr(blocklist_import, "adopt_blocklist", taken)
    blocked_names.adopt_names()


def test_a_reviewer_who_allows_it_has_it_drawn(
    alice: User, morgan: User, painter: FakePainter, settings: LazySettings
) -> None:
    settings.PICTURE_NAMES = POLICY
    (row,) = submission.request_pictures(alice, PictureRequest("Bob on a bicycle"))
    decide_case(morgan, Case.objects.get(), "allow")
    versions.refresh_policy()
    draw_ready(row)


def test_a_name_that_came_onto_the_list_meanwhile_is_not_drawn_either(
    alice: User, painter: FakePainter, settings: LazySettings
) -> None:
    (row,) = submission.request_pictures(alice, PictureRequest("Bob on a bicycle"))
    settings.PICTURE_NAMES = POLICY
    draw(row)
    assert row.status == "held" and "a term that this site blocks" in row.reason and not painter.requests


def test_a_style_adds_to_both_prompts_once() -> None:
    prompt, negative = apply_style("A cat.", "dogs", "line")
    assert prompt.startswith("A cat, black and white") and negative == "dogs, colour, shading"
    assert apply_style(prompt, negative, "line") == (prompt, negative)
    assert apply_style("A cat.", "", "") == ("A cat.", "")


def test_qualities_are_of_the_model_and_numbers_go_before_them(alice: User, painter: FakePainter) -> None:
    client = make_client(alice)
    asked = {"prompt": "A cat", "count": "1", "style": "photo"}
    for also in ({"quality": "quick"}, {"quality": "fine"}, {"quality": "fine", "steps": "9"}, {}):
        assert client.post("/pictures/", asked | also).status_code == 302
    rows = list(Picture.objects.order_by("created").values_list("steps", "prompt"))
    assert [steps for steps, _ in rows] == [2, 6, 9, 4] and all("photograph" in prompt for _, prompt in rows)
    assert client.post("/pictures/", asked | {"style": "cubist"}).status_code == 400


def test_a_model_that_knows_no_styles_offers_none(painter: FakePainter) -> None:
    from dataclasses import replace

    form = PictureForm(replace(painter.model(), accepts_negative=False, max_steps=1))
    assert "style" not in form.fields and "quality" not in form.fields
