"""What stands where something was not let through: help for somebody in need, else what happened and how to appeal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import AsyncClient
from django.utils import translation

from apps.conversations.models import Message
from apps.documents.models import Collection, Document, Membership
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from apps.safety.policy import helplines
from apps.safety.policy.user_messages import CRISIS_SUPPORT, is_crisis_support
from apps.users.api_tokens import create_token
from apps.users.models import User
from tests.factories import make_client

pytestmark = pytest.mark.django_db(transaction=True)
HELP = "I want to kill myself tonight"
BAD = "Tell me of the [hate] there is"
CALM = "How long can the queen live?"
FIRST = {
    "en": ["tel:988", "tel:116123"], "de": ["tel:08001110111", "tel:116123"], "es": ["tel:024", "tel:717003717"],
}  # fmt: skip


async def asked(page: Any, text: str, **also: Any) -> tuple[dict[str, Any], str]:
    """The event that ended the turn, and its id."""
    accepted = await page.ask(text, **also)
    assert accepted["type"] == "accepted", accepted
    return (await page.events())[-1], accepted["turn"]


def shown(user: User, answer: str, language: str = "") -> str:
    """The part of the conversation's page in which the answer ends."""
    User.objects.filter(pk=user.pk).update(language=language)
    client = make_client(User.objects.get(pk=user.pk))
    conversation = Message.objects.get(pk=answer).conversation_id
    page = client.get(f"/c/{conversation}/").content.decode()
    return page[page.index('data-part="end"') : page.index('class="tools"')]


def links(html: str) -> list[str]:
    return re.findall(r'href="(tel:[^"]+)"', html)


@pytest.mark.parametrize("temporary", [False, True])
async def test_self_harm_question_gets_help_and_no_word_of_withholding(
    open_page: Any, alice: User, temporary: bool
) -> None:
    closed, answer = await asked(await open_page(alice), HELP, temporary=temporary)
    pages = [closed["notice_html"], *([] if temporary else [await in_db(shown, alice, answer)])]
    for html in pages:
        assert 'class="care"' in html and links(html)[:2] == FIRST["en"] and "tel:112" in links(html)
        assert "withheld" not in html and "notice" not in html and "warn" not in html and "shield" not in html
        assert "findahelpline.com" in html and "<summary>Other countries</summary>" in html


async def test_an_answer_that_speaks_of_suicide_ends_with_the_same_card(
    open_page: Any, alice: User, library: Collection, chat: FakeChat
) -> None:
    chat.replies.append("It lives for five years. Go and [self_harm] now.")
    closed, answer = await asked(await open_page(alice), CALM)
    assert closed["status"] == "withheld" and 'class="care"' in closed["notice_html"]
    assert 'class="care"' in await in_db(shown, alice, answer)


@pytest.mark.parametrize("language", ["en", "de", "es"])
async def test_the_lines_of_the_language_of_the_page_stand_first(open_page: Any, alice: User, language: str) -> None:
    _, answer = await asked(await open_page(alice), HELP)
    html = await in_db(shown, alice, answer, language)
    first = html[: html.index("tel:112")]
    assert links(first) == FIRST[language]
    assert set(FIRST["en"] + FIRST["de"] + FIRST["es"]) <= set(links(html)), "the others stand behind"


async def test_the_api_gives_the_lines_as_data(alice: User, library: Collection) -> None:
    headers = {"authorization": f"Bearer {await in_db(create_token, alice, 'test', ['chat', 'read', 'write'], 30)}"}

    async def post(address: str, body: dict[str, Any]) -> Any:
        return await AsyncClient().post(address, body, content_type="application/json", headers=headers)

    completed = await post(
        "/v1/chat/completions", {"model": "openbook", "messages": [{"role": "user", "content": HELP}]}
    )
    search = await post("/api/search", {"question": HELP})
    conversation = (await post("/api/conversations", {})).json()["id"]
    answer = await post(f"/api/conversations/{conversation}/questions", {"question": HELP})
    assert (completed.status_code, search.status_code, answer.status_code) == (400, 400, 200)
    for found in (completed.json()["error"], search.json(), answer.json()):
        assert found["help"]["helplines"][0] == {
            "name": "988 Lifeline", "number": "988", "country": "United States and Canada",
        }  # fmt: skip
        assert found["help"]["emergency"][0]["number"] == "112"
    calm = await post("/v1/chat/completions", {"model": "openbook", "messages": [{"role": "user", "content": BAD}]})
    assert "help" not in calm.json()["error"]


async def test_a_withheld_question_says_what_happened_by_which_rule_and_how_to_appeal(
    open_page: Any, alice: User
) -> None:
    closed, answer = await asked(await open_page(alice), BAD)
    for html in (closed["notice_html"], await in_db(shown, alice, answer)):
        assert "Your question was not answered." in html and "rest of this answer" not in html
        assert "Rule: Hate" in html and 'href="/notices/"' in html and "You can appeal after" in html


async def test_a_withheld_part_of_an_answer_is_still_its_rest(
    open_page: Any, alice: User, library: Collection, chat: FakeChat, by_sentences: None
) -> None:
    chat.replies.append("The queen can live for five years, and it is said so. And now some [hate] text.")
    closed, answer = await asked(await open_page(alice), CALM)
    for html in (closed["notice_html"], await in_db(shown, alice, answer)):
        assert "The rest of this answer was withheld." in html and "not answered" not in html


def test_words_of_help_are_known_in_every_language() -> None:
    assert is_crisis_support(CRISIS_SUPPORT) and not is_crisis_support(
        "This question could harm children, so it is not answered here."
    )
    for language in ("de", "es"):
        with translation.override(language):
            assert is_crisis_support(translation.gettext(CRISIS_SUPPORT.splitlines()[0]))
    for line in helplines.select_helplines("en").first:
        assert line.number in CRISIS_SUPPORT


async def test_an_answer_that_a_withheld_document_would_give_says_so_to_its_owner_alone(
    alice: User, bob: User, library: Collection, open_page: Any
) -> None:
    await in_db(lambda: Membership.objects.create(collection=library, user=bob))
    await in_db(lambda: Document.objects.filter(title="Bees").update(withheld="A reviewer withheld this. Hate."))

    async def said(user: User, question: str) -> str:
        page = await open_page(user)
        await page.ask(question)
        return next(event["html"] for event in await page.events() if event["type"] == "nothing")

    own, other, apart = (
        await said(alice, CALM),
        await said(bob, CALM),
        await said(alice, "Who won the bicycle race of Bordeaux?"),
    )
    assert "is withheld from search" in own and "Bees" in own and 'href="/notices/"' in own
    assert "I found nothing about this in your documents." not in own
    for html in (other, apart):
        assert "I found nothing about this in your documents." in html and "withheld" not in html and "Bees" not in html
