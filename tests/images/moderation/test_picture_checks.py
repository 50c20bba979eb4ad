"""Finished pictures are classified before they are shown; held ones wait for a reviewer, who sees the picture."""

from __future__ import annotations

import pytest

from apps.engines.classify.image_classifier import FakeImageClassifier
from apps.engines.types import EngineBroken
from apps.images.models import Picture
from apps.safety.models import AuditEntry, Case, Snapshot, detector_outages
from apps.safety.moderation import cases
from apps.users.models import User
from tests.factories import decide_case, make_client, make_user
from tests.images.draw_helper import draw


@pytest.fixture
def classifier(image_classifier: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Return the scores that the fake classifier will give."""
    scores = {"sexual": 0.01}
    monkeypatch.setattr(FakeImageClassifier, "scores", lambda self, picture: dict(scores))
    return scores


def test_picture_says_that_it_is_unchecked_without_a_classifier(
    alice: User, queued_picture: Picture, photo_painter: None
) -> None:
    row = draw(queued_picture)
    assert (row.status, row.unchecked, Case.objects.count()) == ("ready", True, 0)
    assert "Only the prompt was checked" in make_client(alice).get(f"/pictures/{row.pk}/").content.decode()


def test_harmless_picture_is_shown_without_a_case(
    alice: User, queued_picture: Picture, classifier: dict[str, float]
) -> None:
    row = draw(queued_picture)
    assert (row.status, row.unchecked, row.reason, Case.objects.count()) == ("ready", False, "", 0)


def test_harmful_picture_is_held_and_opens_a_case(
    alice: User, queued_picture: Picture, morgan: User, classifier: dict[str, float]
) -> None:
    classifier["sexual"] = 0.95
    row = draw(queued_picture)
    assert row.status == "held" and "A reviewer will look at it" in row.reason
    own = make_client(alice)
    assert own.get(f"/pictures/{row.pk}/file.png").status_code == own.get(f"/pictures/{row.pk}/preview.jpg").status_code
    assert own.get(f"/pictures/{row.pk}/file.png").status_code == 404
    case = Case.objects.get()
    assert (case.clause, case.snapshot.stage, case.owner) == ("sexual", "picture", alice)
    staff = make_client(morgan)
    assert staff.get(f"/review/{case.pk}/picture.png").status_code == 404  # nobody sees it before they claimed it
    staff.post(f"/review/{case.pk}/claim/")
    assert "Show the picture" in staff.get(f"/review/{case.pk}/").content.decode()
    readings = AuditEntry.objects.filter(kind="read", subject=f"case {case.pk}")
    before = readings.count()
    assert staff.get(f"/review/{case.pk}/picture.png").content.startswith(b"\x89PNG")
    assert readings.count() == before + 1
    assert make_client(make_user("robin", User.Role.REVIEWER)).get(f"/review/{case.pk}/picture.png").status_code == 404


def test_allowed_it_is_shown_and_taken_back_it_is_held_again(
    alice: User, queued_picture: Picture, morgan: User, classifier: dict[str, float]
) -> None:
    classifier["sexual"] = 0.95
    row = draw(queued_picture)
    case = Case.objects.get()
    decide_case(morgan, case, "allow")
    row.refresh_from_db()
    assert (row.status, row.reason) == ("ready", "")
    cases.undo_decision(morgan, case.pk)
    row.refresh_from_db()
    assert row.status == "held"
    Case.objects.update(lease_until=None, lease_token="", state="open")
    decide_case(morgan, case, "block")
    row.refresh_from_db()
    assert row.status == "held" and "reviewer withheld" in row.reason


def test_doubtful_picture_is_shown_and_opens_a_case(
    alice: User, queued_picture: Picture, classifier: dict[str, float]
) -> None:
    classifier["sexual"] = 0.6
    assert (draw(queued_picture).status, Case.objects.count()) == ("ready", 1)


def test_failed_classifier_leaves_a_picture_unchecked_and_never_scores_zero(
    alice: User, queued_picture: Picture, classifier: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: FakeImageClassifier, picture: bytes) -> dict[str, float]:
        raise EngineBroken("away")

    monkeypatch.setattr(FakeImageClassifier, "scores", broken)
    assert draw(queued_picture).unchecked
    assert detector_outages.count_minutes(1) == {("pictures", "error"): 1}
    detector_outages._noted.clear()


def test_a_clause_that_fails_closed_holds_what_nobody_can_look_at(
    alice: User, queued_picture: Picture, fail_closed: None, photo_painter: None
) -> None:
    row = draw(queued_picture)
    assert (row.status, row.unchecked) == ("held", True)
    assert not Snapshot.objects.exists()  # nobody is asked; the operator sets a classifier up
