"""An answer in German and Spanish, as it comes and on every page that shows it: no sentence of ours is in English."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from apps.conversations.models import Conversation, Message
from apps.conversations.sharing import links
from apps.conversations.tools.base import ToolError
from apps.conversations.turns import model_queue, runner
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.engines.types import EngineUnavailable, ToolCall
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.conversations.conftest import alice, library, open_page
from tests.factories import make_client
from tests.words import sources
from tests.words.page_texts import find_texts, get_english

__all__ = ["alice", "library", "open_page"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.parametrize("language", sources.LANGUAGES)]
QUESTION = "How high was the lighthouse of Alexandria?"


@pytest.fixture
async def page(open_page: Callable[..., Any], alice: User, library: Collection, language: str) -> Any:
    """A page of Alice's, who speaks that language, wants something heeded, and looks after the site."""
    alice.language, alice.instructions, alice.role = language, "Use metres.", User.Role.ADMINISTRATOR
    await alice.asave()
    return await open_page(alice)


def find_english(language: str, page: str) -> list[str]:
    return sorted(find_texts(page) & get_english(language))


def collect_texts(events: list[dict[str, Any]]) -> set[str]:
    """The words of what came, and the texts of its fragments."""
    plain = {str(event[name]) for event in events for name in ("text", "reason") if event.get(name)}
    return plain.union(*(find_texts(f">{event[name]}<") for event in events for name in ("html",) if event.get(name)))


async def test_events_of_an_answer_are_in_the_language_of_the_user(page: Any, language: str, chat: FakeChat) -> None:
    await page.ask(QUESTION)
    events = await page.events()
    assert events[-1]["status"] == "complete" and len([event for event in events if event["type"] == "step"]) > 3
    assert sorted(collect_texts(events) & get_english(language)) == []
    heeded = next(event["text"] for event in events if event.get("name") == "personal")
    assert "about you" not in heeded


async def test_a_server_that_is_away_and_a_stop_are_told_in_the_language(
    page: Any, language: str, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_queue, "FIRST_PAUSE_S", 0.02)
    chat.unavailable = True
    accepted = await page.ask(QUESTION)
    waiting = await page.hear("waiting")
    assert waiting["text"] and waiting["text"] != model_queue._AWAY
    await page.tell(do="stop", turn=accepted["turn"])
    closed = (await page.events())[-1]
    assert closed["status"] == "stopped" and closed["reason"] and closed["reason"] != runner._STOPPED
    assert (await Message.objects.aget(pk=accepted["turn"])).reason == runner._STOPPED, "translated when it is shown"


async def test_cards_of_tools_are_in_the_language_and_the_model_is_told_in_english(
    page: Any, language: str, chat: FakeChat
) -> None:
    chat.tools = True
    chat.calls.append((ToolCall("1", "dates", '{"expression": "2026-03-01 + 1 day"}'),))
    await page.ask(QUESTION)
    html = [event["html"] for event in await page.events() if event["type"] == "tool"][-1]
    assert "2026-03-02" in html and not re.search(r"Monday|week", html)
    assert any("Monday 2026-03-02, week 10" in message.content for message in chat.requests[-1].messages)
    for command in (
        "calc 2 * 21",
        "calc two",
        "date today",
        "date soon",
        "read Nowhere",
        "search lighthouse",
        "search x",
    ):
        await page.ask(f"/{command}")
        html = [event["html"] for event in await page.events() if event["type"] == "tool"][-1]
        assert find_english(language, html) == [], command
        assert not re.search(r"cannot be calculated|None of the documents|passages? found|Nothing was found", html), (
            command
        )
    with translation.override(language):
        error = ToolError("It took longer than %(seconds)s seconds and was cancelled.", seconds=5)
        assert error.plain == "It took longer than 5 seconds and was cancelled." != str(error) and "5" in str(error)


@pytest.mark.parametrize("how", ["length", "failed"])
async def test_failed_and_cut_answers_end_in_the_language_of_the_user(
    page: Any, language: str, chat: FakeChat, how: str
) -> None:
    chat.finish = "length" if how == "length" else "stop"
    if how == "failed":
        chat.fail, chat.fail_after = EngineUnavailable("The model server took too long."), 3
    accepted = await page.ask(QUESTION)
    closed = (await page.events())[-1]
    row = await Message.objects.aget(pk=accepted["turn"])
    assert row.reason in get_english(language) and closed["reason"] not in {"", row.reason}


async def test_pages_of_an_answer_are_in_the_language_of_the_user(
    page: Any, language: str, chat: FakeChat, alice: User, library: Collection
) -> None:
    first = await page.ask(QUESTION)
    await page.events()
    await page.tell(do="retry", turn=first["turn"], client_id="again")
    again = await page.hear("accepted")
    await page.events()
    stopped = {"status": Message.Status.STOPPED, "reason": runner._STOPPED}
    await Message.objects.filter(pk=again["turn"]).aupdate(**stopped)
    client = await in_db(make_client, alice)
    conversation_url = f"/c/{first['conversation']}/"
    link = await in_db(links.enable_link, alice, await Conversation.objects.aget(), None, links.Sources.PASSAGES, "")
    assert link is not None
    paths = [conversation_url, f"{conversation_url}print/", f"/shared/{link.secret}/", "/", "/temporary/", "/tools/"]
    for turn in (first, again):
        paths += [f"/answers/{turn['turn']}/{name}/" for name in ("behind", "compare", "thoughts")]
    for path in paths:
        shown = await in_db(client.get, path)
        assert shown.status_code == 200, path
        assert find_english(language, shown.content.decode()) == [], path
    kept = await in_db(client.post, f"/answers/{first['turn']}/compare/", {"with": again["turn"], "better": ""})
    assert find_english(language, (await in_db(client.get, kept["Location"])).content.decode()) == []
    assert "What does" not in (await in_db(client.get, "/")).content.decode()
    await in_db(client.post, f"{conversation_url}fork/", {"at": first["turn"]})
    assert not await Conversation.objects.filter(title__endswith="(branch)").aexists()
    assert await Conversation.objects.acount() == 2
