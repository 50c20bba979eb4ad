"""Every door into the gate says whose text it is: a version that is live for Alice alone judges all of hers."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from apps.conversations import importing
from apps.conversations.models import Conversation, Message, Share
from apps.documents.ingest import ingest
from apps.documents.models import Collection
from apps.documents.upload import upload
from apps.lib.threads import in_db
from apps.safety import policies, replaying, rollout, shadowing, whose
from apps.safety.models import Leaving, PolicyVersion, Recorded
from apps.users.models import User
from tests.api.conftest import headers
from tests.conversations.exported import open_webui
from tests.people import person
from tests.safety.drafts import body, verdicts_kept, written

__all__ = ["verdicts_kept"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(alice: User, monkeypatch: pytest.MonkeyPatch) -> PolicyVersion:
    """Live for Alice."""
    author, other = (person(name, User.Role.ADMINISTRATOR) for name in ("ada", "otto"))
    monkeypatch.setattr(policies.Partial, "judges", lambda self, pk: pk == alice.pk)
    row = policies.draft(author, body(withhold=0.9))
    replaying.replay(author, row)
    rollout.begin(other, row, 5)
    row.refresh_from_db()
    return row


def numbers(stage: str = "") -> set[int]:
    """Of the versions that have judged something."""
    rows = Recorded.objects.filter(stage=stage) if stage else Recorded.objects.all()
    return set(rows.values_list("policy", flat=True))


async def test_a_turn_of_a_socket(open_page, alice: User, bob: User, chat, version: PolicyVersion) -> None:
    for user in (alice, bob):
        page = await open_page(user)
        chat.replies.append("A lamp is trimmed with scissors. It burns for a night.")
        await page.ask("How is a lamp trimmed?", without_documents=True)
        await page.events()
        await written()
        expected = version.number if user == alice else (await in_db(policies.live)).number
        assert await in_db(numbers, "question") == await in_db(numbers, "answer") == {expected}
        await Recorded.objects.all().adelete()


async def test_a_search_of_a_program(alice: User, bob: User, version: PolicyVersion) -> None:
    for user in (alice, bob):
        key = (await in_db(headers, user))["HTTP_AUTHORIZATION"]
        said = {"question": "How is a lamp trimmed?"}
        await AsyncClient().post("/api/search", said, content_type="application/json", headers={"authorization": key})
        await written()
        expected = version.number if user == alice else (await in_db(policies.live)).number
        assert await in_db(numbers) == {expected}
        await Recorded.objects.all().adelete()


def test_documents_each_by_whoever_brought_it(alice: User, bob: User, version: PolicyVersion) -> None:
    shelf = Collection.objects.create(owner=bob, name="Shelf")
    rows = [
        upload(user, shelf, SimpleUploadedFile(f"{user.name}.txt", f"{user.name} trims a lamp.\n".encode()))
        for user in (alice, bob)
    ]
    ingest(*(row.pk for row in rows))  # together, in one batch
    shadowing.write()
    assert sorted(Recorded.objects.filter(stage="passage").values_list("policy", flat=True)) == sorted(
        [version.number, policies.live().number]
    )


def test_an_import(alice: User, bob: User, version: PolicyVersion) -> None:
    for user in (alice, bob):
        row = importing.take(user, SimpleUploadedFile("chats.json", json.dumps([open_webui()]).encode()))
        importing.do(str(row.pk))
        shadowing.write()
        assert numbers() == {version.number if user == alice else policies.live().number}
        Recorded.objects.all().delete()


def test_what_a_link_shows_is_its_owners_whoever_reads_it(alice: User, bob: User, version: PolicyVersion) -> None:
    place = Conversation.objects.create(owner=alice, title="Lamps")
    asked = {"conversation": place, "asked_by": alice}
    question = Message.objects.create(role="user", text="How is a lamp trimmed?", client_id="1", **asked)
    answer = Message.objects.create(role="assistant", text="With scissors, once a day.", parent=question, **asked)
    share = Share.objects.create(conversation=place, until=answer)
    client = Client()
    client.force_login(bob)
    assert "With scissors" in client.get(f"/shared/{share.secret}/").content.decode()
    assert {row.by[:40] for row in Leaving.objects.all()} == {version.sha256[:40]}


@pytest.mark.parametrize("who", ["alice", "bob", "nobody"])
def test_a_request_is_of_who_is_signed_in(request: pytest.FixtureRequest, who: str) -> None:
    user = AnonymousUser() if who == "nobody" else request.getfixturevalue(who)
    seen: list[int | None] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(whose.person())
        return HttpResponse()

    asked = RequestFactory().get("/")
    asked.user = user
    whose.persons(view)(asked)
    assert seen == [user.pk] and whose.person() is None
    order = settings.MIDDLEWARE
    assert order.index("apps.safety.whose.persons") > order.index(
        "django.contrib.auth.middleware.AuthenticationMiddleware"
    )
