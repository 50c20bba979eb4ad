"""A link shows a conversation as its reader may see it, until it is turned off or ends; a copy is the reader's own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.conversations.errors import RequestRefused
from apps.conversations.history.tags import set_tags
from apps.conversations.models import AnswerTrace, Citation, Conversation, Message, Share, Source
from apps.conversations.sharing import links
from apps.conversations.turns import trace
from apps.documents.models import Collection, Membership
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.conversations.sharing.conftest import PANEL, PASSAGE, get_panel
from tests.factories import get_first_answer, make_client, share_conversation

pytestmark = pytest.mark.django_db(transaction=True)


async def test_shared_passage_opens_only_for_a_reader_of_its_document(conversation, alice, bob, library) -> None:
    def check() -> None:
        address, answer = share_conversation(conversation), get_first_answer(conversation)
        source = f"/answers/{answer.pk}/sources/1/"
        page = get_panel(bob, address)
        assert "100 metres high" in page and "Handbook" not in page, "no name of a collection"
        assert PASSAGE not in page and "pill gone" in page and "Shared by Alice" in page
        assert "No longer available" in get_panel(bob, source)
        Membership.objects.create(collection=library, user=bob)
        assert get_panel(bob, source).count("It stood about 100 metres high.") == 1, (
            "quoted and cited, it is shown once"
        )
        assert PASSAGE in get_panel(bob, source) and source in get_panel(bob, address)
        assert make_client(bob).get(f"/answers/{answer.pk}/behind/").status_code == 404, "the prompt is not shared"
        assert make_client(bob).get(f"/c/{conversation.pk}/").status_code == 404
        assert make_client(bob).get(f"/answers/{answer.pk}/sources/99/", headers=PANEL).status_code == 404

    await in_db(check)


@pytest.mark.parametrize(("sources", "titles"), [("titles", True), ("none", False)])
async def test_titles_only_and_no_sources(conversation, alice, bob, library, sources, titles) -> None:
    def check() -> None:
        Membership.objects.create(collection=library, user=bob)
        page = get_panel(bob, share_conversation(conversation, sources=sources))
        assert ("Lighthouses" in page) is titles
        assert PASSAGE not in page and 'class="pill"' not in page
        assert (
            make_client(bob).get(f"/answers/{get_first_answer(conversation).pk}/sources/1/", headers=PANEL).status_code
            == 404
        )

    await in_db(check)


async def test_links_off_ended_deleted_suspended_or_unknown_look_the_same(conversation, alice, bob) -> None:
    def check() -> None:
        address = share_conversation(conversation)
        assert make_client(bob).get(address).status_code == 200
        assert Client().get(address).status_code == 302, "people of this site only"
        told = make_client(alice).post(f"/c/{conversation.pk}/share/", {"off": "yes"}).content.decode()
        assert "The link is off." in told
        answer = get_first_answer(conversation)
        for gone in (address, "/shared/unknown/", f"/answers/{answer.pk}/sources/1/"):
            assert make_client(bob).get(gone, headers=PANEL).status_code == 404
        again = share_conversation(conversation)
        assert again != address and make_client(bob).get(again).status_code == 200
        assert share_conversation(conversation, sources="none") == again, "changed, it stays the same link"
        Share.objects.update(expires=timezone.now() - timedelta(seconds=1))
        assert (
            make_client(bob).get(again).status_code == 404 and make_client(bob).post(f"{again}copy/").status_code == 404
        )
        newest = share_conversation(conversation, days="7")
        assert make_client(bob).get(newest).status_code == 200
        User.objects.filter(pk=alice.pk).update(is_active=False)
        assert make_client(bob).get(newest).status_code == 404

    await in_db(check)


async def test_link_hides_later_messages_and_is_made_by_the_owner_only(conversation, alice, bob) -> None:
    def check() -> None:
        address = share_conversation(conversation, at=str(get_first_answer(conversation).pk))
        later = conversation.messages.filter(role="assistant").latest("created")
        assert "queen" not in get_panel(bob, address)
        assert make_client(bob).get(f"/answers/{later.pk}/sources/2/", headers=PANEL).status_code == 404
        assert make_client(bob).post(f"/c/{conversation.pk}/share/", {"sources": "none", "days": ""}).status_code == 404
        bad = (
            make_client(alice)
            .post(f"/c/{conversation.pk}/share/", {"sources": "everything", "days": "soon"})
            .content.decode()
        )
        assert bad.count("Select a valid choice") == 2

    await in_db(check)


async def test_a_copy_is_its_readers_own_with_their_rights(conversation, open_page, alice, bob, chat) -> None:
    def copied() -> Conversation:
        set_tags(alice, conversation, "Whistleblowing")
        make_client(bob).post(f"{share_conversation(conversation)}copy/")
        new = Conversation.objects.get(owner=bob)
        assert new.messages.count() == 4 and Source.objects.filter(conversation=new).count() == 2
        assert set(new.messages.values_list("asked_by", flat=True)) == {bob.pk}
        assert "Handbook" not in get_panel(bob, f"/c/{new.pk}/") and PASSAGE not in get_panel(bob, f"/c/{new.pk}/")
        assert Collection.objects.filter(conversations=new).count() == 0
        assert new.tags == "" and "Whistleblowing" not in get_panel(bob, share_conversation(conversation))
        return new

    new = await in_db(copied)
    page = await open_page(bob)
    chat.replies.append("As said, about 100 metres.")
    turn = await page.ask("And in feet?", conversation=str(new.pk), without_documents=True)
    assert turn["type"] == "accepted"
    await page.events()
    sent = " ".join(message.content for message in chat.requests[-1].messages)
    assert PASSAGE not in sent, "a passage that Bob may not read goes into no prompt of his"
    assert await conversation.messages.acount() == 4, "the original is as it was"


async def test_a_copy_tells_nothing_of_how_the_question_was_judged(conversation, alice, bob) -> None:
    def check() -> None:
        answer = conversation.messages.filter(role=Message.Role.ASSISTANT).first()
        said = {"stage": "question", "code": "hate", "action": "review", "score": 0.9}
        value = {"tokens": [], "verdicts": [said], "timeline": [], "pieces": 1, "format": trace.FORMAT_VERSION}
        AnswerTrace.objects.update_or_create(answer=answer, defaults={"data": trace.pack_trace(value)})
        make_client(bob).post(f"{share_conversation(conversation)}copy/")
        copied = AnswerTrace.objects.filter(answer__conversation__owner=bob)
        assert len(copied) == 2
        assert all(trace.unpack_trace(bytes(row.data))["verdicts"] == [] for row in copied)

    await in_db(check)


async def test_a_copy_of_what_has_the_longest_title_has_one_that_fits(conversation, alice, bob) -> None:
    def check() -> None:
        Conversation.objects.filter(pk=conversation.pk).update(title="x" * 120)
        client = make_client(bob)
        client.post(f"{share_conversation(conversation)}copy/", headers={"Accept-Language": "de"})
        title = Conversation.objects.get(owner=bob).title
        assert title.endswith(" (Kopie)") and len(title) == 120

    await in_db(check)


async def test_a_copy_of_what_was_shared_without_sources_has_none(conversation, alice, bob) -> None:
    def check() -> None:
        make_client(bob).post(f"{share_conversation(conversation, sources='titles')}copy/")
        new = Conversation.objects.get(owner=bob)
        assert not Source.objects.filter(conversation=new).exists()
        assert not Citation.objects.filter(answer__conversation=new).exists()
        assert all(row.quotes == [] and row.steps == [] for row in new.messages.all())

    await in_db(check)


@pytest.mark.parametrize("secret", [None, 7, ["a"], {"a": 1}, "a\0b", "unknown"])
async def test_a_page_that_names_no_link_hears_of_none(secret: object) -> None:
    with pytest.raises(RequestRefused, match="no longer works"):
        await in_db(links.get_subscribed_groups, secret)


def test_sign_in_page_explains_a_shared_link(client: Client) -> None:
    answer = client.get(f"/shared/{'x' * 22}/", follow=True).content.decode()
    assert "Sign in to see the conversation that was shared with you." in answer
    assert "shared with you" not in client.get("/accounts/login/").content.decode()
