"""Blurred pictures: blurred at every URL until the user asks, set by reviewers and by the policy, reversible."""

from __future__ import annotations

import io

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image, ImageStat

from apps.conversations.models import AttachedPicture, Conversation, Message, Share
from apps.images.models import Picture, PreviewFrame
from apps.images.moderation.blur import blur_picture
from apps.safety.errors import ActionRefused
from apps.safety.gate import pictures
from apps.safety.models import Notice
from apps.safety.moderation import cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.policy import defaults
from apps.safety.policy.evaluation import PolicyResult, Signal, SignalStatus, evaluate_policy
from apps.safety.policy.schema import Action, Stage, parse_policy
from apps.safety.policy.verdicts import EvaluationRecord, Verdict
from apps.users.models import User
from tests.conversations.attachments.picture_uploads import attached
from tests.factories import make_client, make_decision_input

pytestmark = pytest.mark.django_db


def board(form: str = "PNG") -> bytes:
    """Return a picture of black and white squares of 4 pixels, full of edges."""
    picture = Image.new("RGB", (256, 128))
    picture.putdata([(255 * ((x // 4 + y // 4) % 2),) * 3 for y in range(128) for x in range(256)])
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def edges(content: bytes) -> float:
    with Image.open(io.BytesIO(content)) as picture:
        return ImageStat.Stat(picture.convert("L")).stddev[0]


@pytest.fixture
def row(alice: User) -> Picture:
    made = Picture.objects.create(
        owner=alice, prompt="A red cat", width=256, height=128, steps=4, guidance=1, seed=1, model="fake",
        status=Picture.Status.READY, preview=board("JPEG"), blur="sexual",
    )  # fmt: skip
    made.file.save("a.png", ContentFile(board()))
    PreviewFrame.objects.create(picture=made, step=1, preview=board("JPEG"))
    return made


def body(client: Client, address: str) -> bytes:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_blurred_picture_shows_no_edges() -> None:
    assert edges(board()) > 100 and edges(blur_picture(board())) < 20


def test_blurred_picture_is_blurred_at_every_address_until_asked_for(alice: User, bob: User, row: Picture) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Talk")
    asked = Message.objects.create(conversation=conversation, role="user", text="/picture a red cat", asked_by=alice)
    said = Message.objects.create(
        conversation=conversation, parent=asked, role="assistant", text="So.", asked_by=alice, status="complete",
        picture_request={"words": "a red cat"},
    )  # fmt: skip
    said.pictures.add(row)
    share = Share.objects.create(conversation=conversation, last_message=said)
    client = make_client(alice)
    ways = [f"/pictures/{row.pk}/{name}" for name in ("file.png", "preview.jpg", "frames/1.jpg")]
    for address in [*ways, f"/shared/{share.secret}/pictures/{row.pk}.png"]:
        assert edges(body(client, address)) < 20, address
        assert edges(body(client, f"{address}?clear")) > 100, address
    assert edges(body(client, f"/pictures/{row.pk}/file.png?download")) > 100
    for page in (f"/pictures/{row.pk}/", f"/c/{conversation.pk}/", f"/shared/{share.secret}/"):
        shown = client.get(page).content.decode()
        assert "data-clear" in shown and "Sexual content" in shown, page
    assert "Blurred: Sexual content" in client.get("/pictures/").content.decode()
    Picture.objects.update(blur="")
    assert (
        edges(body(client, ways[0])) > 100 and "data-clear" not in client.get(f"/pictures/{row.pk}/").content.decode()
    )


def test_an_attached_one_too(alice: User) -> None:
    row = attached(alice, "text")
    AttachedPicture.objects.update(blur="violence")
    client = make_client(alice)
    clear = body(client, f"/attached/{row.pk}/?clear")
    for address in (f"/attached/{row.pk}/", f"/attached/{row.pk}/?small"):
        assert body(client, address) != clear and client.get(address)["Cache-Control"] == "private, no-store"


def decide(by: User, row: Picture, stage: str = "picture", code: str = "violence") -> None:
    outcome = PolicyResult(Action.SEND, code, 3, 0.9)
    case = cases.flag_content(FlaggedContent("picture", str(row.pk), stage, "A picture", row.owner_id, outcome))
    claimed = cases.claim_case(by, case.pk)
    page = make_client(by).get(f"/review/{case.pk}/").content.decode()
    assert ('data-key="i"' in page) is (stage == "picture")
    cases.decide_case(by, case.pk, make_decision_input(claimed, "blur"))


def test_a_reviewer_frees_and_blurs_and_takes_it_back(alice: User, morgan: User, row: Picture) -> None:
    Picture.objects.update(blur="", status=Picture.Status.HELD, reason="Held")
    decide(morgan, row)
    row.refresh_from_db()
    assert (row.status, row.blur) == (Picture.Status.READY, "violence")
    told = Notice.objects.exclude(decision=None).get()
    assert told.title == "A picture is shown blurred" and "appeal within 30 days" in told.text
    assert told.decision is not None
    cases.undo_decision(morgan, told.case_id)
    row.refresh_from_db()
    assert (row.status, row.blur, row.reason) == (Picture.Status.HELD, "", "Held")


def test_words_are_not_blurred(alice: User, morgan: User, row: Picture) -> None:
    with pytest.raises(ActionRefused, match="is not possible"):
        decide(morgan, row, "question")


def test_the_policy_blurs_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = defaults.make_default_policy({})
    clause = next(one for one in policy["clauses"] if one["code"] == "sexual")
    clause["steps"] = {"picture": [{"least": 0.5, "action": "blur"}, {"least": 0.9, "action": "withhold"}]}
    signal = Signal("pictures", "1", SignalStatus.OK, {"sexual": 0.6})
    outcome = evaluate_policy(Stage.PICTURE, [signal], parse_policy(policy))
    assert outcome.allowed and not outcome.reviewed
    assert (
        pictures.blur_clause(Verdict(True, "sexual", "", EvaluationRecord("picture", "", outcome, (signal,))))
        == "sexual"
    )
    assert pictures.blur_clause(Verdict(True)) == ""
