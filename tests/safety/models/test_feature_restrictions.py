"""A feature is closed for a person until a day: by every way in, told, appealed, and open again as if never."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.conversations.attachments import uploads
from apps.conversations.errors import RequestRefused as NotTaken
from apps.conversations.models import Conversation, Message, Share
from apps.conversations.models.assistant import Assistant, AssistantShare
from apps.conversations.tools.availability import get_permitted_tools
from apps.conversations.transfer import import_job
from apps.documents.library import versions, web_pages
from apps.documents.library.uploads import UploadRefused, store_upload
from apps.documents.models import Collection, Document, Membership
from apps.images.models import Picture
from apps.images.requests import submission, upscaling
from apps.privacy.data_export import models_naming_user
from apps.safety.errors import ActionRefused
from apps.safety.models import AppliedEffect, Decision, FeatureRestriction, Notice, feature_restrictions
from apps.safety.models.feature_restrictions import Feature
from apps.safety.moderation import appeals, cases
from apps.users.models import User
from tests.factories import (
    Notes,
    make_client,
    make_collection,
    make_decision_input,
    make_document,
    make_note_case,
    make_user,
)

pytestmark = pytest.mark.django_db
WORDS = "restricted for you until"


def restrict(owner: User, by: User, feature: str, days: int = 7, subject: str = "1") -> Decision:
    claimed = cases.claim_case(by, make_note_case(owner, subject).pk)
    ruling = make_decision_input(claimed, "restrict", feature=feature, restriction_days=days)
    return cases.decide_case(by, claimed.pk, ruling)


def file(name: str = "note.md") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"# Bees\n\nA queen bee lives long.")


def test_restricted_user_is_told_which_feature_until_when_and_how_to_appeal(
    alice: User, bob: User, morgan: User, notes: Notes
) -> None:
    made = restrict(alice, morgan, "pictures")
    assert made.until is not None and timedelta(days=6) < made.until - timezone.now() <= timedelta(days=7)
    told = Notice.objects.get(decision=made)
    assert told.title == "Feature restricted: Pictures"
    assert told.clause and "appeal within 30 days" in told.text and appeals.can_appeal(told)
    page = make_client(alice).get("/notices/").content.decode()
    until = (
        f'<time datetime="{made.until.isoformat()}" data-local>{feature_restrictions.format_day(made.until)} UTC</time>'
    )
    assert f"Pictures: restricted for you until {until}." in page
    assert feature_restrictions.restriction_message(
        alice, Feature.PICTURES
    ) and not feature_restrictions.restriction_message(alice, Feature.UPLOADS)
    assert not feature_restrictions.restriction_message(bob, Feature.PICTURES)
    assert WORDS not in make_client(bob).get("/notices/").content.decode()


def test_restriction_ends_by_itself_when_its_time_has_come(alice: User, morgan: User, notes: Notes) -> None:
    restrict(alice, morgan, "uploads")
    FeatureRestriction.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert (
        not feature_restrictions.restriction_message(alice, Feature.UPLOADS)
        and not feature_restrictions.active_restrictions().exists()
    )


def test_restriction_that_is_reverted_leaves_other_restrictions_in_force(
    alice: User, morgan: User, notes: Notes
) -> None:
    restrict(alice, morgan, "tools", 3, "2")
    made = restrict(alice, morgan, "tools", 30)
    cases.undo_decision(morgan, made.case_id)
    assert notes.state["1"] == "as it was"
    assert list(feature_restrictions.active_restrictions().values_list("decision__case__subject", flat=True)) == ["2"]
    assert not AppliedEffect.objects.filter(decision=made, state=AppliedEffect.State.APPLIED).exists()


def test_an_appeal_that_succeeds_opens_it(alice: User, morgan: User, notes: Notes) -> None:
    made = restrict(alice, morgan, "sharing", 90)
    appeals.submit_appeal(alice, Notice.objects.get(decision=made), "It was a quotation.")
    robin = make_user("robin", User.Role.REVIEWER)
    claimed = cases.claim_case(robin, made.case_id)
    appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    assert not feature_restrictions.restriction_message(alice, Feature.SHARING) and notes.state["1"] == "as it was"


@pytest.mark.parametrize(("feature", "days"), [("", 0), ("pictures", 0), ("chat", 7), ("pictures", 5)])
def test_restriction_needs_a_feature_and_a_duration(
    alice: User, morgan: User, notes: Notes, feature: str, days: int
) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    with pytest.raises(ActionRefused, match="which feature"):
        ruling = make_decision_input(claimed, "restrict", feature=feature, restriction_days=days)
        cases.decide_case(morgan, claimed.pk, ruling)
    made = cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.filter(pk=made.pk).update(outcome="restrict")


def test_the_console_closes_by_mouse_and_by_keyboard(alice: User, morgan: User, notes: Notes) -> None:
    claimed, client = cases.claim_case(morgan, make_note_case(alice).pk), make_client(morgan)
    page = client.get(f"/review/{claimed.pk}/").content.decode()
    assert 'data-key="f"' in page and 'data-key="h"' in page and 'data-key="l"' in page
    sent = {"token": claimed.lease_token, "version": claimed.version, "reason": "clear", "outcome": "restrict"}
    client.post(f"/review/{claimed.pk}/decide/", sent | {"feature": "tools", "days": "3"})
    made = Decision.objects.get()
    assert (made.feature, made.outcome) == ("tools", "restrict")
    assert "Tools until" in client.get(f"/review/{claimed.pk}/").content.decode()
    blameless = cases.claim_case(morgan, make_note_case(alice, "2", code="self_harm").pk)
    assert 'value="restrict"' not in client.get(f"/review/{blameless.pk}/").content.decode()


def finished(owner: User) -> Picture:
    return Picture.objects.create(
        owner=owner,
        prompt="A red cat",
        width=64,
        height=64,
        steps=4,
        guidance=1,
        seed=1,
        model="fake",
        status=Picture.Status.READY,
    )


def page(owner: User) -> Document:
    row = make_document(make_collection(owner), "Bees", ["A hive."])
    row.url = "https://example.org/bees"
    return row


PICTURES: list[Callable[[User], object]] = [
    lambda user: submission.request_pictures(user, submission.PictureRequest("A red cat")),
    lambda user: upscaling.request_upscale(user, finished(user)),
]
UPLOADS: list[Callable[[User], object]] = [
    lambda user: store_upload(user, make_collection(user), file()),
    lambda user: web_pages.queue_web_page(user, make_collection(user), "https://example.org/"),
    lambda user: versions.refetch_web_page(user, page(user)),
    lambda user: uploads.save_upload(user, file("a.png")),
    lambda user: import_job.create_import(user, file("chats.json")),
]


@pytest.mark.parametrize("way", PICTURES)
def test_picture_restriction_closes_every_way_to_a_picture(
    alice: User, morgan: User, notes: Notes, way: Callable[[User], object]
) -> None:
    restrict(alice, morgan, "pictures")
    before = Picture.objects.count()
    with pytest.raises(submission.PictureRequestRefused, match=WORDS):
        way(alice)
    assert Picture.objects.filter(status=Picture.Status.QUEUED).count() == before


@pytest.mark.parametrize("way", UPLOADS)
def test_upload_restriction_closes_every_way_to_upload(
    alice: User, morgan: User, notes: Notes, way: Callable[[User], object]
) -> None:
    restrict(alice, morgan, "uploads")
    with pytest.raises((UploadRefused, NotTaken), match=WORDS):
        way(alice)


def test_tool_restriction_offers_no_tool(alice: User, bob: User, morgan: User, notes: Notes) -> None:
    assistant = Assistant.default()
    restrict(alice, morgan, "tools")
    assert get_permitted_tools(assistant, alice) == {} and get_permitted_tools(assistant, bob)


def test_sharing_restriction_stops_shares_and_hides_links(alice: User, bob: User, morgan: User, notes: Notes) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Talk")
    asked = Message.objects.create(conversation=conversation, role="user", text="Why?", asked_by=alice)
    Message.objects.create(
        conversation=conversation, parent=asked, role="assistant", text="So.", asked_by=alice, status="complete"
    )
    client, form = make_client(alice), {"sources": "none", "days": ""}
    client.post(f"/c/{conversation.pk}/share/", form)
    address = f"/shared/{Share.objects.get().secret}/"
    assert make_client(bob).get(address).status_code == 200
    made = restrict(alice, morgan, "sharing")
    assert make_client(bob).get(address).status_code == 404
    assert WORDS in client.post(f"/c/{conversation.pk}/share/", form).content.decode()
    cases.undo_decision(morgan, made.case_id)
    assert make_client(bob).get(address).status_code == 200


def test_collections_and_assistants_are_not_shared(alice: User, bob: User, morgan: User, notes: Notes) -> None:
    collection, mine = make_collection(alice), Assistant.objects.create(owner=alice, name="Mine")
    restrict(alice, morgan, "sharing")
    client = make_client(alice)
    ways = [
        (f"/collections/{collection.pk}/people/", {"email": bob.email, "role": "viewer"}),
        (f"/collections/{collection.pk}/people/everyone/", {"everyone": "on"}),
        (f"/assistants/{mine.pk}/people/", {"email": bob.email, "role": "user"}),
        (f"/assistants/{mine.pk}/people/everyone/", {"everyone": "on"}),
    ]
    for path, form in ways:
        assert WORDS in client.post(path, form, follow=True).content.decode(), path
    assert not Membership.objects.exists() and not AssistantShare.objects.exists()
    assert not Collection.objects.filter(everyone=True).exists()
    assert not Assistant.objects.filter(owner=alice, everyone=True).exists()
    Collection.objects.update(everyone=True)
    client.post(f"/collections/{collection.pk}/people/everyone/", {})
    assert not Collection.objects.filter(everyone=True).exists(), "what is taken back needs no leave"


def test_restriction_is_in_the_data_export_and_deleted_with_the_account(
    alice: User, morgan: User, notes: Notes
) -> None:
    restrict(alice, morgan, "tools")
    assert (FeatureRestriction, ["user"]) in list(models_naming_user())
    User.objects.get(pk=alice.pk).delete()
    assert not FeatureRestriction.objects.exists()
