"""What lies behind an answer, for who reads it by a link: as much as the link shows of what the answer stands on."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from apps.conversations.models import AnswerTrace, Conversation, Message, Share
from apps.conversations.sharing import links
from apps.conversations.turns import trace
from apps.documents.models import Membership
from apps.lib.concurrency.threads import in_db
from tests.conversations.sharing.conftest import PASSAGE, QUESTION, get_panel
from tests.factories import get_first_answer, make_client, share_conversation
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db(transaction=True)
KEPT_BACK = "stay with the owner"


def record(conversation: Conversation, **also: object) -> Message:
    """The first answer, its record with what no reader may see."""
    answer = get_first_answer(conversation)
    row = AnswerTrace.objects.get(answer=answer)
    value = trace.unpack_trace(bytes(row.data)) | {"thoughts": "the secret thought", **also}
    value["tokens"] = [["metres", -0.1, [["the secret word", -0.5]]]]
    AnswerTrace.objects.filter(pk=row.pk).update(data=trace.pack_trace(value))
    return answer


def opened(user, address: str, answer: Message) -> str:
    return get_panel(user, f"{address}answers/{answer.pk}/behind/")


async def test_shared_trace_with_passages_shows_what_the_reader_could_find(conversation, alice, bob, library) -> None:
    def check() -> None:
        answer, address = record(conversation), share_conversation(conversation)
        assert f"{address}answers/{answer.pk}/behind/" in get_panel(bob, address)
        page = opened(bob, address, answer)
        assert KEPT_BACK in page and "Timeline" in page and ">metres<" in page and "0 of 0 used" in page
        assert "Lighthouses" not in page and "Handbook" not in page and PASSAGE not in page
        Membership.objects.create(collection=library, user=bob)
        page = opened(bob, address, answer)
        assert "Lighthouses, 1" in strip_layout(page) and QUESTION in page and "Supported by source 1" in page
        for secret in ("Handbook", "the secret thought", "the secret word", "exact prompt", "Sources:\n", PASSAGE):
            assert secret not in page, secret
        assert "the secret thought" in get_panel(alice, f"/answers/{answer.pk}/behind/")
        assert make_client(bob).get(f"/answers/{answer.pk}/behind/").status_code == 404

    await in_db(check)


async def test_shared_trace_says_nothing_of_passages_that_found_no_room(conversation, bob, library) -> None:
    def check() -> None:
        answer = record(conversation)
        row = AnswerTrace.objects.get(answer=answer)
        value = trace.unpack_trace(bytes(row.data))
        value["search"]["no_room"] = 7
        AnswerTrace.objects.filter(pk=row.pk).update(data=trace.pack_trace(value))
        Membership.objects.create(collection=library, user=bob)
        owned = make_client(conversation.owner).get(f"/answers/{answer.pk}/behind/").content.decode()
        page = opened(bob, share_conversation(conversation), answer)
        assert "for lack of room" in owned and "for lack of room" not in page and "Lighthouses" in page

    await in_db(check)


@pytest.mark.parametrize("sources", ["titles", "none"])
async def test_shared_trace_without_passages_shows_nothing_of_the_search(
    conversation, alice, bob, library, sources
) -> None:
    def check() -> None:
        Membership.objects.create(collection=library, user=bob)
        page = opened(bob, share_conversation(conversation, sources=sources), record(conversation))
        assert KEPT_BACK in page and "Timeline" in page and ">metres<" in page
        for secret in ("Lighthouses", "Handbook", "kept<", "Supported by", "the secret", "exact prompt"):
            assert secret not in page, secret

    await in_db(check)


async def test_shared_trace_exists_only_for_answers_that_the_link_shows(conversation, alice, bob) -> None:
    def check() -> None:
        first = record(conversation)
        later = conversation.messages.filter(role="assistant").latest("created")
        address = share_conversation(conversation, at=str(first.pk))
        for pk in (later.pk, uuid4(), first.parent_id):
            assert make_client(bob).get(f"{address}answers/{pk}/behind/").status_code == 404
        path = f"{address}answers/{first.pk}/behind/"
        assert make_client(bob).get(path).status_code == 200
        links.disable_link(conversation.owner, conversation)
        assert make_client(bob).get(path).status_code == 404

    await in_db(check)


async def test_shared_trace_of_a_withheld_exchange_does_not_exist(conversation, alice, bob, library) -> None:
    def check() -> None:
        Membership.objects.create(collection=library, user=bob)
        first, address = record(conversation), share_conversation(conversation)
        second = conversation.messages.filter(role="assistant").latest("created")
        assert "Searched for" in opened(bob, address, second)
        Message.objects.filter(pk=first.parent_id).update(retracted=timezone.now())
        assert make_client(bob).get(f"{address}answers/{first.pk}/behind/").status_code == 404
        assert "Searched for" not in opened(bob, address, second), "it may say what was asked before"
        Message.objects.filter(pk=second.pk).update(retracted=timezone.now())
        assert make_client(bob).get(f"{address}answers/{second.pk}/behind/").status_code == 404
        assert "/behind/" not in get_panel(bob, address)

    await in_db(check)


async def test_an_answer_without_a_record_says_so(conversation, alice, bob) -> None:
    def check() -> None:
        AnswerTrace.objects.all().delete()
        assert Share.objects.count() == 0
        assert "Nothing was recorded" in opened(bob, share_conversation(conversation), get_first_answer(conversation))

    await in_db(check)
