"""What lies behind an answer goes with it into a fork, whole; into a reader's copy, as far as a reader may see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.conversations.history import trace_view
from apps.conversations.models import Conversation, Message, Share
from apps.conversations.turns import trace
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import make_client

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"
THOUGHT = "They ask for metres."


@pytest.fixture
async def answered(open_page: Callable[..., Any], alice: User, library: Collection, chat: FakeChat) -> Message:
    """An answer to Alice, who had told who she is, with thoughts and settings of its own."""
    await in_db(User.objects.filter(pk=alice.pk).update, instructions="I am a nurse of the third ward.")
    chat.replies.append(f"<think>{THOUGHT}</think> The lighthouse stood about 100 metres high.")
    page = await open_page(alice)
    accepted = await page.ask(QUESTION, sampling={"preset": "creative", "seed": 7})
    await page.events()
    return await Message.objects.select_related("conversation").aget(pk=accepted["turn"])


def shown(user: User, conversation: Conversation) -> tuple[Message, str, dict[str, Any]]:
    """The answer there, the panel of what lies behind it, and what that is made of."""
    twin = conversation.messages.get(role="assistant")
    found = trace_view.build_trace_view(user, twin)
    assert found is not None
    return twin, make_client(user).get(f"/answers/{twin.pk}/behind/").content.decode(), found


async def test_a_fork_has_all_of_it_and_goes_on_with_its_settings(answered: Message, alice: User) -> None:
    def check() -> None:
        make_client(alice).post(f"/c/{answered.conversation_id}/fork/", {"at": answered.pk})
        new = Conversation.objects.exclude(pk=answered.conversation_id).get()
        assert new.sampling == answered.conversation.sampling == {"preset": "creative", "seed": 7}
        twin, panel, found = shown(alice, new)
        assert "Nothing was recorded" not in panel and "100 metres high" in panel
        assert found["search"]["candidates"] and found["prompt"] and found["tokens"] and not found["shared"]
        assert "nurse of the third ward" in panel and "280 and 247 BC" in panel, "passages too, under their numbers"
        assert THOUGHT in make_client(alice).get(f"/answers/{twin.pk}/thoughts/").content.decode()
        assert f"/answers/{twin.pk}/thoughts/" in make_client(alice).get(f"/c/{new.pk}/").content.decode()

    await in_db(check)


@pytest.mark.parametrize("sources", Share.Sources.values)
async def test_a_readers_copy_has_what_readers_see(answered: Message, alice: User, bob: User, sources: str) -> None:
    def check() -> None:
        make_client(alice).post(f"/c/{answered.conversation_id}/share/", {"sources": sources, "days": ""})
        make_client(bob).post(f"/shared/{Share.objects.get().secret}/copy/")
        twin, panel, found = shown(bob, Conversation.objects.get(owner=bob))
        assert "Nothing was recorded" not in panel and "Copied from a shared conversation" in panel
        assert found["timeline"] and found["shared"] and "".join(token.text for token in found["tokens"])
        assert not found["search"] and not found["prompt"] and not found["thoughts"]
        raw = str(trace.unpack_trace(bytes(twin.trace.data)))
        assert not [word for word in ("nurse", THOUGHT, "Handbook", "Lighthouses") if word in raw + panel]
        assert all(others == [] for _text, _share, others in trace.unpack_trace(bytes(twin.trace.data))["tokens"])
        page = make_client(bob).get(f"/c/{twin.conversation_id}/").content.decode()
        assert f"/answers/{twin.pk}/thoughts/" not in page

    await in_db(check)
