"""Assistants: made, changed in versions, shared with addresses and groups, and what their answers come from."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from PIL import Image

from apps.conversations.assistants import services
from apps.conversations.models import Conversation
from apps.conversations.models.assistant import Assistant
from apps.documents.models import Collection, Membership
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.conversations.assistants.conftest import FORM, submit_assistant
from tests.factories import make_client, make_collection, make_document


def png(width: int = 300, height: int = 200) -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "PNG")
    return SimpleUploadedFile("face.png", out.getvalue())


def test_an_assistant_is_made_and_listed_for_its_owner_only(alice: User, bob: User) -> None:
    row = submit_assistant(make_client(alice), description="Of the sea", starters="Where to?\n\nHow deep?")
    assert (row.owner, row.version, row.starters) == (alice, 1, ["Where to?", "How deep?"])
    assert "Sailor" in make_client(alice).get("/assistants/").content.decode()
    assert "Sailor" not in make_client(bob).get("/assistants/").content.decode()


def test_a_change_is_a_version_and_any_version_can_be_brought_back(alice: User) -> None:
    client = make_client(alice)
    row = submit_assistant(client, instructions="One.")
    client.post(f"/assistants/{row.pk}/", FORM | {"instructions": "Two.", "temperature": "1.5", "version": "1"})
    row.refresh_from_db()
    assert (row.instructions, row.version, row.sampling) == ("Two.", 2, {"temperature": 1.5})
    client.post(f"/assistants/{row.pk}/versions/", {"number": "1"})
    row.refresh_from_db()
    assert (row.instructions, row.version, row.sampling) == ("One.", 3, {})
    assert [item.number for item in row.versions.all()] == [3, 2, 1]
    assert client.post(f"/assistants/{row.pk}/versions/", {"number": "99"}).status_code == 404


def test_changes_of_an_assistant_at_once_do_not_overwrite_each_other(alice: User) -> None:
    client = make_client(alice)
    row = submit_assistant(client)
    client.post(f"/assistants/{row.pk}/", FORM | {"instructions": "First.", "version": "1"})
    late = client.post(f"/assistants/{row.pk}/", FORM | {"instructions": "Second.", "version": "1"})
    row.refresh_from_db()
    assert late.status_code == 400 and "newer version" in late.content.decode() and row.instructions == "First."


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "required"),
        ({"preset": "wild"}, "valid choice"),
        ({"temperature": "9"}, "between 0 and 2"),
        ({"question_0": "Only a question"}, "needs a question and an answer"),
        ({"starters": "x" * 201}, "one per line"),
        ({"collections": "00000000-0000-4000-8000-000000000000"}, "valid choice|valid value|available choices"),
    ],
)
def test_unusable_assistant_fields_are_refused_with_a_reason(alice: User, fields: dict[str, str], words: str) -> None:
    response = make_client(alice).post("/assistants/new/", FORM | fields)
    page = response.content.decode()
    assert response.status_code == 400 and any(part in page for part in words.split("|"))
    assert not Assistant.objects.filter(is_default=False).exists()


def test_a_picture_is_made_anew_small_and_square(alice: User, bob: User) -> None:
    client = make_client(alice)
    row = submit_assistant(client, picture=png())
    response = client.get(f"/assistants/{row.pk}/picture.png")
    assert response["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(response.content)).size == (256, 256)
    assert make_client(bob).get(f"/assistants/{row.pk}/picture.png").status_code == 404
    client.post(f"/assistants/{row.pk}/", FORM | {"version": "1", "no_picture": "on"})
    assert client.get(f"/assistants/{row.pk}/picture.png").status_code == 404


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"", b"\x89PNG\r\n\x1a\n broken", None])
def test_assistant_picture_that_is_no_picture_is_refused(alice: User, content: bytes | None) -> None:
    file = png(5000, 10) if content is None else SimpleUploadedFile("face.png", content)
    response = make_client(alice).post("/assistants/new/", FORM | {"picture": file})
    assert response.status_code == 400 and not Assistant.objects.filter(is_default=False).exists()


def test_sharing_an_assistant_with_everyone_asks_first_and_is_confirmed(alice: User, bob: User) -> None:
    client = make_client(alice)
    path = f"/assistants/{submit_assistant(client).pk}/people/"
    assert '<dialog id="share-everyone"' in client.get(path).content.decode()
    shared = client.post(f"{path}everyone/", {"everyone": "on"}, follow=True).content.decode()
    assert "Shared with all users of this site." in shared and "share-everyone" not in shared
    assert "Sailor" in make_client(bob).get("/assistants/").content.decode()
    assert "No longer shared" in client.post(f"{path}everyone/", follow=True).content.decode()


def test_a_share_counts_once_the_address_is_confirmed(alice: User, bob: User) -> None:
    row = submit_assistant(make_client(alice))
    make_client(alice).post(f"/assistants/{row.pk}/people/", {"email": bob.email.upper(), "role": "reader"})
    address, _ = EmailAddress.objects.update_or_create(user=bob, email=bob.email, defaults={"verified": False})
    assert not Assistant.objects.visible_to(bob).filter(pk=row.pk).exists()
    EmailAddress.objects.filter(pk=address.pk).update(verified=True)
    assert Assistant.objects.visible_to(bob).filter(pk=row.pk).exists()
    assert not Assistant.objects.editable_by(bob).filter(pk=row.pk).exists()
    make_client(alice).post(f"/assistants/{row.pk}/people/remove/", {"share": row.shares.get().pk})
    assert not Assistant.objects.visible_to(bob).filter(pk=row.pk).exists()


def test_a_group_may_be_let_in_and_may_change_it(alice: User, bob: User, charlie: User) -> None:
    team = Group.objects.create(name="Team")
    alice.groups.add(team)
    bob.groups.add(team)
    row = submit_assistant(make_client(alice))
    make_client(alice).post(f"/assistants/{row.pk}/people/", {"group": team.pk, "role": "editor"})
    assert Assistant.objects.editable_by(bob).filter(pk=row.pk).exists()
    assert not Assistant.objects.visible_to(charlie).filter(pk=row.pk).exists()
    assert make_client(bob).post(f"/assistants/{row.pk}/delete/").status_code == 404


def test_an_editor_keeps_the_collections_that_they_may_not_read(alice: User, bob: User) -> None:
    collection = make_collection(alice)
    row = services.create_assistant(alice, {"name": "Sailor"}, Collection.objects.filter(pk=collection.pk))
    services.share_assistant(row.owner, row, "editor", email=bob.email)
    EmailAddress.objects.update_or_create(user=bob, email=bob.email, defaults={"verified": True})
    make_client(bob).post(f"/assistants/{row.pk}/", FORM | {"instructions": "Two.", "version": "1"})
    row.refresh_from_db()
    assert row.version == 2 and list(row.collections.all()) == [collection]


def test_site_assistant_is_changed_by_administrators_only(alice: User, ada: User) -> None:
    own = Assistant.default()
    assert make_client(alice).get(f"/assistants/{own.pk}/").status_code == 404
    make_client(ada).post(f"/assistants/{own.pk}/", FORM | {"instructions": "Be kind.", "version": "1"})
    own.refresh_from_db()
    assert own.instructions == "Be kind." and [item.number for item in own.versions.all()] == [2, 1]


@pytest.fixture
def collections(alice: User) -> tuple[Collection, Collection]:
    bees, wasps = make_collection(alice, "Bees"), make_collection(alice, "Wasps")
    make_document(bees, "Bees", ["A honey bee colony has one queen. Workers live about six weeks in summer."])
    make_document(wasps, "Wasps", ["A wasp queen begins her colony alone. Workers of wasps live two weeks in summer."])
    return bees, wasps


async def test_an_assistant_answers_in_its_manner_from_its_documents(
    open_page: Callable[..., Any], alice: User, collections: tuple[Collection, Collection], chat: FakeChat
) -> None:
    content = {
        "name": "Sailor", "instructions": "Say arr.", "preset": "creative", "sampling": {"seed": 7},
        "examples": [{"question": "Where?", "answer": "At sea."}],
    }  # fmt: skip
    row = await in_db(services.create_assistant, alice, content, Collection.objects.filter(pk=collections[1].pk))
    await in_db(User.objects.filter(pk=alice.pk).update, instructions="Use metres.")
    await alice.arefresh_from_db()
    page = await open_page(alice)
    answer = await page.get_answer("How long do workers live in summer?", assistant=str(row.pk), collections=[])
    request = chat.requests[-1]
    system_text = request.messages[0].content
    assert "Say arr." in system_text and "Answer: At sea." in system_text and "Use metres." in system_text
    assert (request.sampling.temperature, request.sampling.seed) == (0.9, 7)
    drawn = {"preset": "creative", "temperature": 0.9, "top_p": 0.95, "min_p": 0.05, "seed": 7}
    assert answer.usage["sampling"] == drawn | {"max_tokens": request.sampling.max_tokens}
    assert "Wasps" in request.messages[-1].content and "Bees" not in request.messages[-1].content
    again = await page.get_answer("How long do workers live in summer?", conversation=str(answer.conversation_id))
    assert "Say arr." in chat.requests[-1].messages[0].content and again.conversation_id == answer.conversation_id


async def test_sampling_of_a_conversation_stays_until_it_is_changed(
    open_page: Callable[..., Any], alice: User, collections: tuple[Collection, Collection], chat: FakeChat
) -> None:
    page = await open_page(alice)
    answer = await page.get_answer(
        "How long do workers live in summer?", sampling={"preset": "creative", "temperature": 1.2}
    )
    assert chat.requests[-1].sampling.temperature == 1.2
    await page.get_answer("How long do workers live in summer?", conversation=str(answer.conversation_id))
    assert chat.requests[-1].sampling.temperature == 1.2
    await page.get_answer(
        "How long do workers live in summer?", conversation=str(answer.conversation_id), sampling={"preset": "precise"}
    )
    assert chat.requests[-1].sampling.temperature == 0
    assert (await Conversation.objects.aget()).sampling == {"preset": "precise"}
    refused = await page.ask("What?", sampling={"temperature": 99})
    assert refused["type"] == "refused" and "between 0 and 2" in refused["text"]


async def test_an_assistant_opens_no_document_to_those_who_may_not_read_it(
    open_page: Callable[..., Any], alice: User, bob: User, collections: tuple[Collection, Collection], chat: FakeChat
) -> None:
    row = await in_db(
        services.create_assistant, alice, {"name": "Sailor"}, Collection.objects.filter(pk=collections[0].pk)
    )
    await in_db(Assistant.objects.filter(pk=row.pk).update, everyone=True)
    page = await open_page(bob)
    refused = await page.ask("How long do workers live?", assistant=str(row.pk))
    assert refused["type"] == "refused" and "do not have access" in refused["text"]
    await in_db(Membership.objects.create, collection=collections[0], user=bob)
    assert (await page.get_answer("How long do workers live in summer?", assistant=str(row.pk))).text
    foreign = await in_db(services.create_assistant, alice, {"name": "Private"}, Collection.objects.none())
    refused = await page.ask("What?", assistant=str(foreign.pk))
    assert refused["type"] == "refused" and "was deleted or is no longer shared" in refused["text"]


async def test_an_assistant_that_is_no_longer_shared_answers_no_more(
    open_page: Callable[..., Any], alice: User, bob: User, collections: tuple[Collection, Collection], chat: FakeChat
) -> None:
    content = {"name": "Sailor", "instructions": "Say arr.", "preset": "creative"}
    row = await in_db(services.create_assistant, alice, content, Collection.objects.filter(pk=collections[1].pk))
    await in_db(Assistant.objects.filter(pk=row.pk).update, everyone=True)
    await in_db(
        Membership.objects.bulk_create, [Membership(collection=collection, user=bob) for collection in collections]
    )
    page, client = await open_page(bob), await in_db(make_client, bob)
    first = await page.get_answer("How long do workers live in summer?", assistant=str(row.pk), collections=[])
    await in_db(Assistant.objects.filter(pk=row.pk).update, everyone=False)
    shown = (await in_db(client.get, f"/c/{first.conversation_id}/")).content.decode()
    assert "with Openbook" in shown and "“Sailor” is no longer shared" in shown
    later = await page.get_answer(
        "How long do workers live in summer?", conversation=str(first.conversation_id), collections=[]
    )
    request = chat.requests[-1]
    assert "Say arr." not in request.messages[0].content and request.sampling.temperature == 0.2
    assert "Bees" in request.messages[-1].content, "it is no longer kept to the documents of that assistant"
    assert "“Sailor” is no longer shared with you" in " ".join(step["words"] for step in later.steps)
    await page.tell(do="retry", turn=str(first.pk), client_id="again")
    await page.hear("accepted")
    await page.events()
    assert "Say arr." not in chat.requests[-1].messages[0].content
    await in_db(Assistant.objects.filter(pk=row.pk).update, everyone=True)
    await page.get_answer("How long do workers live in summer?", conversation=str(first.conversation_id))
    assert "Say arr." in chat.requests[-1].messages[0].content, "shared again, it goes on"


@pytest.mark.django_db
def test_the_form_speaks_the_language_of_who_fills_it_in(alice: User) -> None:
    alice.language = "es"
    alice.save()
    page = make_client(alice).get("/assistants/new/").content.decode()
    assert "Una por línea, hasta 6." in page and "One per line" not in page


def test_rare_options_of_a_new_assistant_are_closed_until_one_is_refused(alice: User) -> None:
    def get_options(page: HttpResponse) -> tuple[str, str]:
        first, options = page.content.decode().split('<details class="more"', 1)
        return first, options.split("<summary>", 1)[0]

    client = make_client(alice)
    first, options = get_options(client.get("/assistants/new/"))
    assert "open" not in options and all(f'name="{name}"' in first for name in ("name", "instructions"))
    assert 'name="style"' not in first
    refused = client.post("/assistants/new/", FORM | {"starters": "x" * 201})
    assert refused.status_code == 400 and "open" in get_options(refused)[1]


def test_sharing_says_what_was_shared_and_that_the_owner_needs_no_share(alice: User, bob: User) -> None:
    client, row = make_client(alice), submit_assistant(make_client(alice))
    group = Group.objects.create(name="Crew")
    alice.groups.add(group)

    def share(**sent: object) -> str:
        return client.post(f"/assistants/{row.pk}/people/", {"role": "reader", **sent}, follow=True).content.decode()

    assert f"Shared with {bob.email}." in share(email=bob.email)
    assert "Shared with the group Crew." in share(group=group.pk)
    page = share(email=alice.email.upper())
    assert "You own this assistant." in page and "Shared with" not in page
    assert row.shares.count() == 2
