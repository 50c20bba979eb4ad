"""Collections, documents, search and conversations over REST behave as on their pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.conversations.models import Citation, Message, Source
from apps.documents.models import Collection, Document
from apps.users.models import User
from tests.api.conftest import headers
from tests.factories import make_collection, make_document, make_exchange

pytestmark = pytest.mark.django_db(transaction=True)


class Api:
    def __init__(self, user: User) -> None:
        self._client, self._sent = Client(), headers(user)

    def __call__(self, method: str, address: str, body: Any = None) -> tuple[int, Any]:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        response = getattr(self._client, method)(address, **sent, **self._sent)
        return response.status_code, response.json() if response.content else None

    def upload(self, address: str, file: SimpleUploadedFile) -> tuple[int, Any]:
        response = self._client.post(address, {"file": file}, **self._sent)
        return response.status_code, response.json()


@pytest.fixture
def api(alice: User) -> Api:
    return Api(alice)


def test_a_collection_is_made_changed_and_removed(api: Api, alice: User) -> None:
    status, made = api("post", "/api/collections", {"name": "  Papers ", "owner": 99, "everyone": True})
    row = Collection.objects.get()
    assert (
        status == 201 and made["id"] == str(row.pk) and (row.name, row.owner, row.everyone) == ("Papers", alice, False)
    )
    status, changed = api("patch", f"/api/collections/{row.pk}", {"description": "What I read"})
    assert status == 200 and (changed["name"], changed["description"]) == ("Papers", "What I read")
    assert api("delete", f"/api/collections/{row.pk}")[0] == 204
    assert not Collection.objects.exists()


def test_lists_come_in_pages(api: Api, alice: User) -> None:
    for n in range(5):
        make_collection(alice, f"Shelf {n}")
    status, page = api("get", "/api/collections?limit=2&offset=1")
    assert status == 200 and page["count"] == 5 and [item["name"] for item in page["items"]] == ["Shelf 1", "Shelf 2"]


def test_a_file_is_taken_at_once_and_its_state_can_be_asked_for(api: Api, alice: User) -> None:
    collection = make_collection(alice)
    status, uploaded = api.upload(
        f"/api/collections/{collection.pk}/documents", SimpleUploadedFile("a.md", b"# One\n\nText.")
    )
    assert status == 202 and uploaded["status"] == "queued" and uploaded["name"] == "a.md"
    status, known = api("get", f"/api/documents/{uploaded['id']}")
    assert status == 200 and known["collection_id"] == str(collection.pk)
    assert api("post", f"/api/documents/{uploaded['id']}/cancel")[1]["status"] == "cancelled"
    assert api("post", f"/api/documents/{uploaded['id']}/retry")[1]["status"] == "queued"
    assert api("patch", f"/api/documents/{uploaded['id']}", {"title": "Named"})[1]["title"] == "Named"
    assert api("delete", f"/api/documents/{uploaded['id']}")[0] == 204
    assert not Document.objects.exists()


def test_a_file_that_is_not_taken_says_why(api: Api, alice: User) -> None:
    collection = make_collection(alice)
    status, said = api.upload(f"/api/collections/{collection.pk}/documents", SimpleUploadedFile("a.md", b""))
    assert status == 400 and "empty" in said["detail"]
    assert not Document.objects.exists()


def test_search_finds_passages_of_what_one_may_read(api: Api, alice: User, bob: User) -> None:
    collection, other = make_collection(alice), make_collection(bob, "Bob's")
    make_document(collection, "Bees", ["A honey bee colony has one queen and many workers."])
    make_document(other, "Wasps", ["A wasp queen of Bob begins her colony alone."])
    status, found = api("post", "/api/search", {"question": "How many queens has a honey bee colony?"})
    assert status == 200 and [item["title"] for item in found["passages"]] == ["Bees"]
    assert found["searched"] == ["Library"]
    chosen = {"question": "queen", "collections": [str(other.pk)]}
    assert api("post", "/api/search", chosen)[0] == 404
    assert api("post", "/api/search", {"question": " "})[0] == 400
    assert api("post", "/api/search", {"question": "x" * 100_000})[0] == 400


def test_search_is_narrowed_by_what_is_known_of_documents(api: Api, alice: User) -> None:
    collection = make_collection(alice)
    for title in ("Bees", "Hives"):
        make_document(collection, title, [f"A honey bee colony in {title} has one queen and many workers."])
    Document.objects.filter(title="Hives").update(kind="pdf", language="en", path="garden/bees")
    wanted = {"question": "How many queens has a colony?", "kinds": ["pdf"], "languages": ["en"], "path": "garden"}

    status, found = api("post", "/api/search", {**wanted, "since": "2000-01-01"})
    assert status == 200 and [item["title"] for item in found["passages"]] == ["Hives"]
    assert found["left_out"] == []
    assert api("post", "/api/search", {**wanted, "until": "2000-01-01"})[1]["passages"] == []
    assert api("post", "/api/search", {**wanted, "since": "yesterday"})[0] == 422


def test_conversations_are_read_renamed_and_removed(api: Api, alice: User) -> None:
    answer = make_exchange(alice, "What?", "That.", title="Talk")
    conversation = answer.conversation
    document = make_document(make_collection(alice), "Paper", ["That is so."])
    source = Source.objects.create(
        conversation=conversation, number=3, document=document, page_number=1, spans=[[0, 8]]
    )
    Citation.objects.create(answer=answer, sentence=0, start=0, end=5, source=source, score=0.5)
    Citation.objects.create(answer=answer, sentence=1, start=5, end=6, source=None, score=0)
    status, page = api("get", f"/api/conversations/{conversation.pk}/messages")
    assert status == 200 and [item["text"] for item in page["items"]] == ["What?", "That."]
    assert [cite["source"] for cite in page["items"][1]["citations"]] == [3, None]
    assert api("patch", f"/api/conversations/{conversation.pk}", {"title": "Mine"})[1]["title"] == "Mine"
    assert api("patch", f"/api/conversations/{conversation.pk}", {"title": " "})[0] == 422
    assert api("delete", f"/api/conversations/{conversation.pk}")[0] == 204
    assert not Message.objects.visible_to(conversation.owner).exists()


def test_a_malformed_request_names_the_place(api: Api) -> None:
    status, said = api("post", "/api/collections", {"name": 5})
    assert status == 422 and "name" in said["detail"]
