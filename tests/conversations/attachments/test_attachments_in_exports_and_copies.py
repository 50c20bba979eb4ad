"""Attached pictures stand in exports, links, forks and copies of a person's data, by the rules of the conversation that
they belong to, and go with it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.conversations.attachments import recognition
from apps.conversations.history import branching
from apps.conversations.models import AttachedPicture, Attachment, Conversation, Share
from apps.conversations.sharing import links
from apps.lib.concurrency.threads import in_db
from apps.privacy import data_requests
from apps.privacy.models import DataRequest
from tests.conversations.attachments.picture_uploads import attached
from tests.factories import make_client, share_conversation

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "Error E4: water pressure low"


@pytest.fixture
async def conversation(open_page, alice, chat) -> Conversation:
    """A conversation about one picture."""
    row = await in_db(attached, alice, TEXT, "boiler.png")
    page = await open_page(alice)
    turn = await page.ask("What does this mean?", attached=[str(row.pk)], without_documents=True)
    await page.events()
    return await Conversation.objects.aget(pk=turn["conversation"])


async def test_exports_and_the_printed_page_have_it(conversation, alice) -> None:
    def look() -> None:
        own, row = make_client(alice), AttachedPicture.objects.get()
        question = json.loads(own.get(f"/c/{conversation.pk}/export.json").content)["messages"][0]
        assert question["attached"] == [
            {
                "id": str(row.pk), "name": "boiler.png", "width": 640, "height": 200, "sha256": row.sha256,
                "recognised_text": TEXT, "description": "",
            }
        ]  # fmt: skip
        text = own.get(f"/c/{conversation.pk}/export.md").content.decode()
        assert f"- Attached picture: boiler.png, 640 × 200; text recognised in it: {TEXT}" in text
        assert f"/attached/{row.pk}/" in own.get(f"/c/{conversation.pk}/print/").content.decode()

    await in_db(look)


async def test_a_link_shows_it_as_long_as_it_shows_the_question(conversation, alice, bob) -> None:
    def look() -> None:
        address, row = share_conversation(conversation, sources="none"), AttachedPicture.objects.get()
        picture = f"{address}attached/{row.pk}/"
        reader = make_client(bob)
        assert picture in reader.get(address).content.decode()
        assert reader.get(picture).status_code == 200 and reader.get(f"/attached/{row.pk}/").status_code == 404
        other = attached(alice)
        assert reader.get(f"{address}attached/{other.pk}/").status_code == 404
        AttachedPicture.objects.filter(pk=row.pk).update(status="held")
        assert reader.get(picture).status_code == 404 and picture not in reader.get(address).content.decode()
        AttachedPicture.objects.filter(pk=row.pk).update(status="ready")
        links.disable_link(conversation.owner, conversation)
        assert reader.get(picture).status_code == 404

    await in_db(look)


async def test_a_fork_has_it_and_a_reader_s_copy_has_not(conversation, alice, bob) -> None:
    def look() -> None:
        fork = branching.fork_conversation(alice, conversation, None)
        assert fork is not None and Attachment.objects.filter(question__conversation=fork).count() == 1
        share_conversation(conversation, sources="none")
        copy = links.copy_conversation(bob, Share.objects.get())
        assert not Attachment.objects.filter(question__conversation=copy).exists()
        row = AttachedPicture.objects.get()
        conversation.delete()
        recognition.recover_pending()
        assert AttachedPicture.objects.get() == row, "the fork still shows it"
        fork.delete()
        recognition.recover_pending()
        assert not AttachedPicture.objects.exists() and not Path(row.file.path).exists()

    await in_db(look)


async def test_attached_picture_is_missing_while_its_conversation_is_deleted(conversation, alice) -> None:
    def look() -> None:
        row, own = AttachedPicture.objects.get(), make_client(alice)
        Conversation.objects.update(deleted=timezone.now())
        assert own.get(f"/attached/{row.pk}/").status_code == 404
        recognition.recover_pending()
        Conversation.objects.update(deleted=None)
        assert own.get(f"/attached/{row.pk}/").status_code == 200, "it comes back with its conversation"

    await in_db(look)


async def test_a_copy_of_my_data_has_it_and_erasure_leaves_nothing(conversation, alice, ada) -> None:
    def look() -> dict[str, Any]:
        own, row = make_client(alice), AttachedPicture.objects.get()
        draft = attached(alice)
        own.post("/privacy/copy/")
        wish = DataRequest.objects.get(user=alice)
        data_requests.process_request(str(wish.pk))
        packed = b"".join(own.get(f"/privacy/copy/{wish.pk}/").streaming_content)  # type: ignore[attr-defined]
        found = zipfile.ZipFile(io.BytesIO(packed))
        assert found.read(f"attached/{row.pk}.png") == Path(row.file.path).read_bytes()
        (kept, _) = json.loads(found.read("rows/conversations.attachedpicture.json"))
        assert kept["name"] == "boiler.png" and kept["text"] == TEXT and "thumbnail" not in kept
        wish = data_requests.request_erasure(alice)
        data_requests.process_request(str(wish.pk))
        assert not AttachedPicture.objects.exists()
        assert not Path(row.file.path).exists() and not Path(draft.file.path).exists()
        return dict(DataRequest.objects.get(pk=wish.pk).counts)

    assert (await in_db(look))["attached pictures"] == 2
